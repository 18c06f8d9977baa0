"""Principal components: the best linear autoencoder, found in one step instead of by gradient descent."""

import math
from typing import cast

import torch
from torch import Tensor, nn

from vae.card import Card
from vae.config import ModelConfig
from vae.network_sizes import Shape, check_components, check_shape


class PCA(nn.Module):
    """z = W (x - m), x_hat = m + W^T z, W (d, pixels) with orthonormal rows (Hotelling 1933).

    Of all linear encoders and decoders these have the least squared error (Baldi and Hornik 1989). z has the units of a
    distance between images. It is two layers, stored and run like any other network; `set_components` fills them.
    """

    card: Card | None = None

    def __init__(self, config: ModelConfig, shape: Shape) -> None:
        """Raises ConfigError for more dimensions than an image of `shape` has numbers."""
        super().__init__()
        check_shape(shape)
        check_components(config.latent_dim, shape)
        self.config, self.shape = config, shape
        pixels = math.prod(shape)
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(pixels, config.latent_dim))
        self.decoder = nn.Sequential(nn.Linear(config.latent_dim, pixels), nn.Unflatten(1, shape))

    def set_components(self, components: Tensor, mean: Tensor) -> None:
        """Take W (d, pixels), rows orthonormal, and the mean image m (pixels,)."""
        encode, decode = cast(nn.Linear, self.encoder[1]), cast(nn.Linear, self.decoder[0])
        layers = ((encode, components, -components @ mean), (decode, components.T, mean))
        with torch.no_grad():
            for layer, weight, bias in layers:
                layer.weight.copy_(weight)
                layer.bias.copy_(bias)

    def encode(self, x: Tensor) -> Tensor:
        """Images (N, C, H, W) in [0, 1] to codes (N, d)."""
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Codes (N, d) to m + W^T z (N, C, H, W): linear, so that it leaves [0, 1] where the line does."""
        return self.decoder(z)

    def latents(self, x: Tensor) -> Tensor:
        """The codes (N, d) of images (N, C, H, W)."""
        return self.encode(x)

    def images(self, z: Tensor) -> Tensor:
        """`decode` clamped to [0, 1] (N, C, H, W): a screen shows no less than black and no more than white.

        Every measure of images, `mse` among them, is taken on these; clamping can only bring them nearer to an image.
        """
        return self.decode(z).clamp(0, 1)

    def loss(self, x: Tensor) -> Tensor:
        """Squared error of each image (N,), summed over pixels, before any clamping: what the fit minimises."""
        return (self.decode(self.encode(x)) - x).square().flatten(1).sum(dim=1)
