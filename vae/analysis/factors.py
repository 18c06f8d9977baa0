"""Which latent dimension follows which known factor, measured."""

import numpy as np

BINS = 20


def factor_information(z: np.ndarray, factors: np.ndarray, names: tuple[str, ...]) -> dict[str, tuple[float, ...]]:
    """For each factor, I(z_j; factor) / H(factor) with each z_j: 0 says nothing, 1 says all.

    z (N, d) are draws from q: a mean code may whisper what its own noise drowns. factors (N, F). Both are cut into at
    most 20 bins of equal count, as in the mutual information gap of Chen et al. 2018 (arXiv:1802.04942). A factor that
    never changes cannot be followed: 0.
    """
    from sklearn.metrics import mutual_info_score  # when first asked: a run begins without it

    codes = [_equal_count_bins(column) for column in z.T]
    information = {}
    for name, column in zip(names, factors.T, strict=True):
        factor = _equal_count_bins(column)
        entropy = mutual_info_score(factor, factor) or 1.0
        information[name] = tuple(round(mutual_info_score(factor, code) / entropy, 4) for code in codes)
    return information


def _equal_count_bins(values: np.ndarray) -> np.ndarray:
    distinct = np.unique(values)
    if len(distinct) <= BINS:
        return np.searchsorted(distinct, values)
    return np.searchsorted(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]), values)
