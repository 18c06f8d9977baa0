"""How far the codes are from the prior N(0, I), as a whole: the maximum mean discrepancy."""

import math

import numpy as np

ROWS_AT_ONCE = 256


def mmd_to_prior(codes: np.ndarray) -> float:
    """The maximum mean discrepancy between codes (N, d) and N(0, I): 0 when they are alike, never above sqrt(2).

    MMD^2 = E k(c, c') - 2 E k(c, z) + E k(z, z')  (Gretton et al. 2012, JMLR 13) with the Gaussian kernel
    k(a, b) = exp(-|a - b|^2 / (2 l^2)), l^2 = d. Both expectations over z ~ N(0, I) are closed forms, the one over
    pairs of codes leaves out each code with itself, so MMD^2 has no bias. Given back is sqrt(max(0, MMD^2)): for codes
    that are draws from N(0, I), chance leaves less than about 1 / sqrt(N).

    Raises ValueError for fewer than two codes.
    """
    count, d = codes.shape
    if count < 2:
        raise ValueError(f"mmd_to_prior takes two or more codes, not {count}")
    points = codes.astype(np.float64)
    squares = (points**2).sum(axis=1)
    bandwidth = float(d)  # l^2
    with_prior = (bandwidth / (bandwidth + 1)) ** (d / 2) * np.exp(-squares / (2 * (bandwidth + 1))).mean()
    within_prior = (bandwidth / (bandwidth + 2)) ** (d / 2)
    within_codes = _kernel_between_others(points, squares, bandwidth) / (count * (count - 1))
    return math.sqrt(max(0.0, within_codes - 2 * with_prior + within_prior))


def _kernel_between_others(points: np.ndarray, squares: np.ndarray, bandwidth: float) -> float:
    """The kernel summed over ordered pairs of different points, some rows at a time: N^2 numbers are never held."""
    total = 0.0
    for start in range(0, len(points), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        own, later = points[rows], points[start:]
        distances = squares[rows, np.newaxis] + squares[start:] - 2 * own @ later.T
        kernel = np.exp(np.maximum(distances, 0) / (-2 * bandwidth))
        block = kernel[:, : len(own)]
        total += block.sum() - np.trace(block) + 2 * kernel[:, len(own) :].sum()
    return float(total)
