"""The importance-weighted bound on log p(x) (Burda et al. 2015, arXiv:1509.00519)."""

import math

import torch
from torch import Tensor

from vae.models import VAE

DECODES_AT_ONCE = 8192


@torch.no_grad()
def importance_bound(model: VAE, x: Tensor, samples: int, seed: int = 0) -> Tensor:
    """log 1/K sum_k p(x, z_k) / q(z_k|x), z_k ~ q(z|x): shape (N,), in nats, below log p(x) on average.

    K = 1 is a draw of the ELBO; the bound rises with K. It stays short where q misses a mode of p(z|x).
    """
    generator = torch.Generator().manual_seed(seed)
    at_once = max(1, DECODES_AT_ONCE // samples)
    return torch.cat([_bound(model, batch, samples, generator) for batch in x.split(at_once)])


def _bound(model: VAE, x: Tensor, samples: int, generator: torch.Generator) -> Tensor:
    q = model.encode(x)
    total = x.new_full((len(x),), -math.inf)
    for start in range(0, samples, DECODES_AT_ONCE):
        count = min(DECODES_AT_ONCE, samples - start)
        epsilon = torch.randn(count, *q.mean.shape, generator=generator)
        z = q.mean + q.stddev * epsilon  # (K, N, d)
        repeated = x.expand(count, *x.shape).flatten(0, 1)
        log_joint = model.log_joint(repeated, z.flatten(0, 1)).unflatten(0, z.shape[:2])
        total = torch.logaddexp(total, (log_joint - q.log_prob(z)).logsumexp(dim=0))
    return total - math.log(samples)
