"""Encoder and decoder networks: a plain `nn.Sequential` each, for any image from 8x8 to 64x64, square or not."""

import math
from collections.abc import Iterator
from itertools import pairwise

from torch import nn

from vae.config import Activation, ModelConfig
from vae.network_sizes import KERNEL, Shape, check_shape, pyramid

ACTIVATIONS: dict[Activation, type[nn.Module]] = {"relu": nn.ReLU, "silu": nn.SiLU, "gelu": nn.GELU, "tanh": nn.Tanh}


def build_encoder(config: ModelConfig, shape: Shape, outputs: int) -> nn.Sequential:
    """Images (N, C, H, W) to `outputs` numbers each (N, outputs)."""
    check_shape(shape)
    layers = list(_downsampling(config, shape)) if config.network == "conv" else []
    widths = (_flat_size(config, shape), *config.hidden)
    return nn.Sequential(*layers, nn.Flatten(), *_hidden(config, widths), nn.Linear(widths[-1], outputs))


def build_decoder(config: ModelConfig, shape: Shape, channels: int) -> nn.Sequential:
    """Codes (N, d) to raw outputs (N, `channels`, H, W); what they mean is the likelihood's business."""
    check_shape(shape)
    widths = (config.latent_dim, *reversed(config.hidden))
    hidden = _hidden(config, widths)
    if config.network == "mlp":
        size = (channels, *shape[1:])
        return nn.Sequential(*hidden, nn.Linear(widths[-1], math.prod(size)), nn.Unflatten(1, size))
    smallest = pyramid(shape)[-1]
    activation = ACTIVATIONS[config.activation]
    spread = (nn.Linear(widths[-1], math.prod(smallest)), activation(), nn.Unflatten(1, smallest))
    return nn.Sequential(*hidden, *spread, *_upsampling(config, shape, channels))


def _hidden(config: ModelConfig, widths: tuple[int, ...]) -> list[nn.Module]:
    activation = ACTIVATIONS[config.activation]
    return [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), activation())]


def _downsampling(config: ModelConfig, shape: Shape) -> Iterator[nn.Module]:
    for (fine, *_), (coarse, *_) in pairwise(pyramid(shape)):
        yield nn.Conv2d(fine, coarse, kernel_size=KERNEL, stride=2, padding=1)
        yield ACTIVATIONS[config.activation]()


def _upsampling(config: ModelConfig, shape: Shape, channels: int) -> Iterator[nn.Module]:
    levels = pyramid(shape)
    for coarse, fine in pairwise(reversed(levels)):
        last = fine is levels[0]
        # A halved odd side forgets one pixel; the output padding gives it back.
        odd = (fine[1] % 2, fine[2] % 2)
        outputs = channels if last else fine[0]
        yield nn.ConvTranspose2d(coarse[0], outputs, kernel_size=KERNEL, stride=2, padding=1, output_padding=odd)
        if not last:
            yield ACTIVATIONS[config.activation]()


def _flat_size(config: ModelConfig, shape: Shape) -> int:
    return math.prod(pyramid(shape)[-1] if config.network == "conv" else shape)
