"""log p(x) by one grid over a 2-D latent space: slow and simple, the reference for the adaptive one."""

import math

import torch
from torch import Tensor

from vae.errors import ConfigError
from vae.evidence.likelihoods import log_likelihoods
from vae.evidence.quadrature import Evidence, check_two_dimensional
from vae.models import VAE

HALF_WIDTH = 6.0  # a standard normal leaves 4e-9 of its mass outside [-6, 6]^2
NODES = 601  # a side; an odd number, so that every second node is a grid too
POINTS_AT_ONCE = 2048


@torch.no_grad()
def plain_log_evidence(model: VAE, x: Tensor, nodes: int = NODES, half_width: float = HALF_WIDTH) -> Evidence:
    """log p(x) for images (N, C, H, W) under a model with d = 2, by `nodes` x `nodes` decoder evaluations.

    The trapezoidal rule, which converges faster than any power of the step for a smooth integrand that has died out at
    the edge. `error` is the distance to the same rule with twice the step: far more than the true error once that is
    small, and large where a posterior is too narrow for the grid.

    Raises ConfigError when d is not 2 or `nodes` is not odd.
    """
    check_two_dimensional(model)
    if nodes < 3 or nodes % 2 == 0:
        raise ConfigError(f"nodes = {nodes}: wanted an odd number, at least 3")
    axis = torch.linspace(-half_width, half_width, nodes, dtype=torch.float64)
    step = 2 * half_width / (nodes - 1)
    fine = x.new_full((len(x),), -math.inf, dtype=torch.float64)
    coarse = fine.clone()
    flat = x.double().flatten(1)
    rows = max(1, POINTS_AT_ONCE // nodes)
    for first in range(0, nodes, rows):
        block = axis[first : first + rows]
        z = torch.cartesian_prod(block, axis).to(x.dtype)
        log_joint = model.prior.log_prob(z).double() + log_likelihoods(model.decode(z), flat)
        fine = torch.logaddexp(fine, log_joint.logsumexp(dim=1))
        even = (torch.arange(first, first + len(block)) % 2 == 0)[:, None] & (torch.arange(nodes) % 2 == 0)
        if even.any():
            coarse = torch.logaddexp(coarse, log_joint[:, even.flatten()].logsumexp(dim=1))
    value = fine + 2 * math.log(step)
    return Evidence(value, (value - coarse - 2 * math.log(2 * step)).abs())
