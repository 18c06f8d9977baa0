"""The variational autoencoder (Kingma and Welling 2013, arXiv:1312.6114): distributions in both directions."""

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

from vae.card import Card
from vae.config import ModelConfig
from vae.models.likelihoods import build_likelihood
from vae.models.networks import build_decoder, build_encoder
from vae.network_sizes import Shape, raw_channels

# With beta = 0 nothing holds sigma up; a smaller one has no square in float32, and its KL no logarithm.
SMALLEST_SIGMA = 1e-18


class VAE(nn.Module):
    """q(z|x) = N(mu(x), diag sigma(x)^2), a prior p(z), and p(x|z) as the config's likelihood."""

    card: Card | None = None

    def __init__(self, config: ModelConfig, shape: Shape) -> None:
        super().__init__()
        self.config, self.shape = config, shape
        self.encoder = build_encoder(config, shape, outputs=2 * config.latent_dim)
        self.decoder = build_decoder(config, shape, channels=raw_channels(config, shape[0]))
        self.likelihood = build_likelihood(config)

    @property
    def prior(self) -> Independent:
        """p(z) = N(0, I): event (d,)."""
        zeros = next(self.parameters()).new_zeros(self.config.latent_dim)
        return Independent(Normal(zeros, torch.ones_like(zeros), validate_args=False), 1, validate_args=False)

    def encode(self, x: Tensor) -> Independent:
        """q(z|x) for images (N, C, H, W) in [0, 1]: batch (N,), event (d,)."""
        mu, log_variance = self.encoder(x).chunk(2, dim=1)
        sigma = (log_variance / 2).exp().clamp_min(SMALLEST_SIGMA)
        return Independent(Normal(mu, sigma, validate_args=False), 1, validate_args=False)

    def decode(self, z: Tensor) -> Distribution:
        """p(x|z) for codes (N, d): batch (N,), event (C, H, W)."""
        return self.likelihood(self.decoder(z))

    def latents(self, x: Tensor) -> Tensor:
        """The mean codes mu(x) (N, d) of images (N, C, H, W)."""
        return self.encode(x).mean

    def images(self, z: Tensor) -> Tensor:
        """The mean images E[x|z] (N, C, H, W) in [0, 1] of codes (N, d)."""
        return self.decode(z).mean

    def log_joint(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x, z) = log p(z) + log p(x|z), shape (N,), in nats."""
        return self.prior.log_prob(z) + self.decode(z).log_prob(x)
