"""A density for codes that have none: a Gaussian mixture, fitted to them."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import multivariate_normal
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from vae.errors import ConfigError

MAX_ITERATIONS = 200


@dataclass(frozen=True)
class Mixture:
    """p(z) = sum_k weight_k N(z; mean_k, covariance_k)."""

    weights: np.ndarray  # (K,), summing to 1
    means: np.ndarray  # (K, d)
    covariances: np.ndarray  # (K, d, d)

    def sample(self, count: int, seed: int) -> np.ndarray:
        """`count` draws, float32 (count, d), in no order; the same for the same seed."""
        rng = np.random.default_rng(seed)
        chosen = rng.choice(len(self.weights), size=count, p=self.weights)
        spreads = np.linalg.cholesky(self.covariances)
        noise = rng.standard_normal((count, self.means.shape[1]))
        return (self.means[chosen] + np.einsum("nij,nj->ni", spreads[chosen], noise)).astype(np.float32)

    def log_density(self, z: np.ndarray) -> np.ndarray:
        """log p(z) of points (N, d), shape (N,), in nats."""
        parts = [
            np.log(weight) + multivariate_normal(mean, covariance).logpdf(z).reshape(len(z))
            for weight, mean, covariance in zip(self.weights, self.means, self.covariances, strict=True)
        ]
        return np.logaddexp.reduce(parts, axis=0)


def fit_mixture(codes: np.ndarray, components: int = 10, seed: int = 0) -> Mixture:
    """A mixture of `components` Gaussians with full covariances, fitted to codes (N, d) by expectation maximisation.

    It is fitted to codes scaled to unit spread in each dimension, since scikit-learn's floor on a variance (1e-6) is
    absolute and an autoencoder's codes have any scale. Raises ConfigError for fewer codes than components or codes that
    are not finite.
    """
    if components < 1:
        raise ConfigError(f"components = {components}: a mixture has at least one")
    if len(codes) < max(components, 2):
        raise ConfigError(f"{len(codes)} codes are too few for a mixture of {components} components; take fewer")
    points = codes.astype(np.float64)
    if not np.isfinite(points).all():
        raise ConfigError("a mixture cannot be fitted to codes that are not finite numbers")
    centre, spread = points.mean(axis=0), points.std(axis=0)
    spread[spread == 0] = 1.0
    fitting: Any = GaussianMixture(components, random_state=seed, max_iter=MAX_ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a fit cut short is a density all the same
        fitting.fit((points - centre) / spread)
    return Mixture(
        weights=fitting.weights_ / fitting.weights_.sum(),
        means=centre + spread * fitting.means_,
        covariances=fitting.covariances_ * np.outer(spread, spread),
    )
