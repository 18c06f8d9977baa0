"""log p(x) = ELBO + KL(q(z|x) || p(z|x)), each term measured: what training only one half of a VAE moves."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from vae.evidence.quadrature import Evidence, check_two_dimensional, log_evidence
from vae.models import VAE
from vae.objective import Terms, kl_per_dimension

NODES, REACH = 25, 6.0  # nodes a side for epsilon in [-6, 6]^2, half a standard deviation apart
ROUNDING = 1e-6  # of a log-likelihood that a decoder in float32 gives
IMAGES_AT_ONCE = 16


class Gap(NamedTuple):
    """(N,) each, or numbers () once averaged; in nats."""

    log_evidence: Tensor
    elbo: Tensor
    reconstruction: Tensor  # E_q[log p(x|z)]
    kl: Tensor  # KL(q(z|x) || p(z)), exact
    error: Tensor  # of the gap

    @property
    def gap(self) -> Tensor:
        """KL(q(z|x) || p(z|x)), not below 0 but for `error`."""
        return self.log_evidence - self.elbo

    def average(self) -> "Gap":
        """Means over the images. Errors are not taken to cancel."""
        return Gap(*(each.mean() for each in self))


@torch.no_grad()
def measure_gap(model: VAE, x: Tensor, evidence: Evidence | None = None) -> Gap:
    """The gap of each image (N, C, H, W) of a model with d = 2; the Bernoulli likelihood wants pixels of 0 and 1.

    The expectation under q is a sum over a grid of q's own, not a mean over draws. log p(x|z) spreads by a nat or two
    under q, so 625 draws leave a standard error of 0.05 to 0.1 for an image, other with each seed; 625 places half a
    standard deviation apart are within 1e-4 when the decoder is smooth on that scale, and the same each time.

    `evidence` is `log_evidence(model, x)` from before, for a model whose decoder has not changed since. `error` is its
    error, twice the largest distance to the four grids of every second place (the kinks of a ReLU make the sum err),
    and rounding.

    Raises ConfigError when d is not 2.
    """
    check_two_dimensional(model)
    evidence = evidence or log_evidence(model, x)
    kl = kl_per_dimension(model.encode(x), model.prior).double()
    reconstruction, error = _expected_log_likelihood(model, x)
    return Gap(
        log_evidence=evidence.value,
        elbo=Terms(reconstruction, kl).elbo,
        reconstruction=reconstruction,
        kl=kl.sum(dim=1),
        error=evidence.error + error + ROUNDING * reconstruction.abs(),
    )


def _expected_log_likelihood(model: VAE, x: Tensor) -> tuple[Tensor, Tensor]:
    """E_q[log p(x|z)] (N,) with z = mu + sigma * epsilon, by the trapezoidal rule over epsilon; and its error (N,)."""
    axis = torch.linspace(-REACH, REACH, NODES, dtype=torch.float64)
    epsilon = torch.cartesian_prod(axis, axis)
    log_density = -epsilon.square().sum(dim=1) / 2
    odd = torch.arange(NODES) % 2
    parity = torch.cartesian_prod(odd, odd) @ torch.tensor([2, 1])
    every_second = torch.stack([log_density.where(parity == grid, -math.inf).softmax(dim=0) for grid in range(4)])
    values = torch.cat([_at(model, batch, epsilon.to(x.dtype)) for batch in x.split(IMAGES_AT_ONCE)])
    expected = values @ log_density.softmax(dim=0)
    return expected, 2 * (values @ every_second.T - expected[:, None]).abs().amax(dim=1)


def _at(model: VAE, x: Tensor, epsilon: Tensor) -> Tensor:
    """log p(x|mu + sigma * epsilon) for every image and epsilon (N, K)."""
    q = model.encode(x)
    z = q.mean[:, None] + q.stddev[:, None] * epsilon
    repeated = x.repeat_interleave(len(epsilon), dim=0)
    return model.decode(z.flatten(0, 1)).log_prob(repeated).double().unflatten(0, z.shape[:2])
