"""The objective, as its equation: ELBO = E_q[log p(x|z)] - KL(q(z|x) || p(z)). All terms in nats per image."""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor
from torch.distributions import Independent, Normal, kl_divergence

from vae.models import VAE, Model


@dataclass(frozen=True)
class Terms:
    """The terms of each image, never averaged over pixels.

    An AE or PCA has no distribution over z: its `kl` has no dimensions, and its `reconstruction` is minus its loss.
    """

    reconstruction: Tensor  # (N,)
    kl: Tensor  # (N, d), one column a latent dimension

    @property
    def elbo(self) -> Tensor:
        """Shape (N,)."""
        return self.reconstruction - self.kl.sum(dim=1)

    def loss(self, beta: float) -> Tensor:
        """What is minimised: the mean of -(reconstruction - beta KL) over images (Higgins et al. 2017)."""
        return -(self.reconstruction - beta * self.kl.sum(dim=1)).mean()


def reparameterize(q: Independent, generator: torch.Generator | None = None) -> Tensor:
    """z = mu + sigma * epsilon, epsilon ~ N(0, I): the randomness enters from outside the gradient's path."""
    epsilon = torch.randn(q.mean.shape, generator=generator, dtype=q.mean.dtype, device=q.mean.device)
    return q.mean + q.stddev * epsilon


def kl_per_dimension(q: Independent, prior: Independent) -> Tensor:
    """KL(q(z_j|x) || p(z_j)) for each image and dimension (N, d), in closed form."""
    return kl_divergence(cast(Normal, q.base_dist), cast(Normal, prior.base_dist))


def elbo_terms(model: VAE, x: Tensor, generator: torch.Generator | None = None) -> Terms:
    """The ELBO's terms for images (N, C, H, W), with one sample of q for each image."""
    q = model.encode(x)
    z = reparameterize(q, generator)
    return Terms(reconstruction=model.decode(z).log_prob(x), kl=kl_per_dimension(q, model.prior))


def terms(model: Model, x: Tensor, generator: torch.Generator | None = None) -> Terms:
    """The terms of any kind of model."""
    if isinstance(model, VAE):
        return elbo_terms(model, x, generator)
    return Terms(reconstruction=-model.loss(x), kl=x.new_zeros(len(x), 0))
