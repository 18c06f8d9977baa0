"""The objective, as its equation: ELBO = E_q[log p(x|z)] - KL(q(z|x) || p(z)). All terms in nats per image."""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor
from torch.distributions import Independent, Normal, kl_divergence

from vae.models import VAE, Model

Noise = torch.Generator | Tensor | None  # what epsilon is drawn by, or epsilon itself, (N, d)


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

    def loss(self, beta: float, images: int | None = None) -> Tensor:
        """What is minimised: the mean of -(reconstruction - beta KL) over images (Higgins et al. 2017).

        With `images`, the part that these have in the mean over so many.
        """
        return -(self.reconstruction - beta * self.kl.sum(dim=1)).sum() / (images or len(self.reconstruction))


def reparameterize(q: Independent, noise: Noise = None) -> Tensor:
    """z = mu + sigma * epsilon, epsilon ~ N(0, I): the randomness enters from outside the gradient's path."""
    return q.mean + q.stddev * _epsilon(q.mean, noise)


def _epsilon(like: Tensor, noise: Noise) -> Tensor:
    if isinstance(noise, Tensor):
        return noise.to(like)
    drawn_on = noise.device if noise else like.device  # a generator of the CPU gives the same on every device
    return torch.randn(like.shape, generator=noise, dtype=like.dtype, device=drawn_on).to(like.device)


def kl_per_dimension(q: Independent, prior: Independent) -> Tensor:
    """KL(q(z_j|x) || p(z_j)) for each image and dimension (N, d), in closed form."""
    return kl_divergence(cast(Normal, q.base_dist), cast(Normal, prior.base_dist))


def elbo_terms(model: VAE, x: Tensor, noise: Noise = None) -> Terms:
    """The ELBO's terms for images (N, C, H, W), with one sample of q for each image."""
    q = model.encode(x)
    z = reparameterize(q, noise)
    return Terms(reconstruction=model.decode(z).log_prob(x), kl=kl_per_dimension(q, model.prior))


def terms(model: Model, x: Tensor, noise: Noise = None) -> Terms:
    """The terms of any kind of model."""
    if isinstance(model, VAE):
        return elbo_terms(model, x, noise)
    return Terms(reconstruction=-model.loss(x), kl=x.new_zeros(len(x), 0))
