"""Encoder and decoder networks: a plain `nn.Sequential` each, for any image from 8x8 to 64x64, square or not."""

from collections.abc import Iterator
from itertools import pairwise

from torch import nn

from vae.config import Activation, ModelConfig
from vae.errors import ConfigError

Shape = tuple[int, int, int]  # channels, height, width

ACTIVATIONS: dict[Activation, type[nn.Module]] = {"relu": nn.ReLU, "silu": nn.SiLU, "gelu": nn.GELU, "tanh": nn.Tanh}
FIRST_CHANNELS, MOST_CHANNELS = 32, 128


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
        return nn.Sequential(*hidden, nn.Linear(widths[-1], _product(size)), nn.Unflatten(1, size))
    smallest = _pyramid(shape)[-1]
    activation = ACTIVATIONS[config.activation]
    spread = (nn.Linear(widths[-1], _product(smallest)), activation(), nn.Unflatten(1, smallest))
    return nn.Sequential(*hidden, *spread, *_upsampling(config, shape, channels))


def _hidden(config: ModelConfig, widths: tuple[int, ...]) -> list[nn.Module]:
    activation = ACTIVATIONS[config.activation]
    return [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), activation())]


def _pyramid(shape: Shape) -> list[Shape]:
    """The image's shape and that of each halving, down to a side of 4 to 7 pixels: 28x28, 14x14, 7x7."""
    levels = [shape]
    while min(levels[-1][1:]) >= 8:
        _, height, width = levels[-1]
        levels.append((min(FIRST_CHANNELS << (len(levels) - 1), MOST_CHANNELS), height // 2, width // 2))
    return levels


def _downsampling(config: ModelConfig, shape: Shape) -> Iterator[nn.Module]:
    for (fine, *_), (coarse, *_) in pairwise(_pyramid(shape)):
        yield nn.Conv2d(fine, coarse, kernel_size=4, stride=2, padding=1)
        yield ACTIVATIONS[config.activation]()


def _upsampling(config: ModelConfig, shape: Shape, channels: int) -> Iterator[nn.Module]:
    levels = _pyramid(shape)
    for coarse, fine in pairwise(reversed(levels)):
        last = fine is levels[0]
        # A halved odd side forgets one pixel; the output padding gives it back.
        odd = (fine[1] % 2, fine[2] % 2)
        outputs = channels if last else fine[0]
        yield nn.ConvTranspose2d(coarse[0], outputs, kernel_size=4, stride=2, padding=1, output_padding=odd)
        if not last:
            yield ACTIVATIONS[config.activation]()


def _flat_size(config: ModelConfig, shape: Shape) -> int:
    return _product(_pyramid(shape)[-1] if config.network == "conv" else shape)


def _product(shape: Shape) -> int:
    channels, height, width = shape
    return channels * height * width


def check_shape(shape: Shape) -> None:
    """Raises ConfigError for images that no network here takes."""
    channels, height, width = shape
    if channels not in (1, 3) or not (8 <= height <= 64 and 8 <= width <= 64):
        raise ConfigError(
            f"images of {channels} channels and {height}x{width} pixels do not fit; "
            "wanted: 1 or 3 channels, 8 to 64 pixels a side"
        )
