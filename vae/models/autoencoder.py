"""The plain autoencoder: an image to a point and back, with no distribution anywhere."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from vae.card import Card
from vae.config import ModelConfig
from vae.models.networks import build_decoder, build_encoder
from vae.network_sizes import Shape


class Autoencoder(nn.Module):
    """Hinton and Salakhutdinov (2006), trained whole by gradient descent."""

    card: Card | None = None

    def __init__(self, config: ModelConfig, shape: Shape) -> None:
        super().__init__()
        self.config, self.shape = config, shape
        self.encoder = build_encoder(config, shape, outputs=config.latent_dim)
        self.decoder = build_decoder(config, shape, channels=shape[0])

    def encode(self, x: Tensor) -> Tensor:
        """Images (N, C, H, W) in [0, 1] to codes (N, d)."""
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Codes (N, d) to images (N, C, H, W) in [0, 1]."""
        return torch.sigmoid(self.decoder(z))

    def latents(self, x: Tensor) -> Tensor:
        """The codes (N, d) of images (N, C, H, W)."""
        return self.encode(x)

    def images(self, z: Tensor) -> Tensor:
        """The images (N, C, H, W) in [0, 1] of codes (N, d)."""
        return self.decode(z)

    def loss(self, x: Tensor) -> Tensor:
        """Reconstruction loss of each image (N,), summed over pixels: squared error, or cross-entropy in nats."""
        raw = cast(Tensor, self.decoder(self.encoder(x)))
        if self.config.loss == "cross-entropy":
            per_pixel = binary_cross_entropy_with_logits(raw, x, reduction="none")
        else:
            per_pixel = (torch.sigmoid(raw) - x).square()
        return per_pixel.flatten(1).sum(dim=1)
