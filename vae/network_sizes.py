"""How large a network is, told before it is made. No torch here."""

import math
from collections.abc import Iterable
from itertools import pairwise

from vae.config import ModelConfig
from vae.errors import ConfigError

Shape = tuple[int, int, int]  # channels, height, width

FIRST_CHANNELS, MOST_CHANNELS = 32, 128
KERNEL = 4  # pixels a side, of each convolution


def check_shape(shape: Shape) -> None:
    """Raises ConfigError for images that no network here takes."""
    channels, height, width = shape
    if channels not in (1, 3) or not (8 <= height <= 64 and 8 <= width <= 64):
        raise ConfigError(
            f"images of {channels} channels and {height}x{width} pixels do not fit; "
            "wanted: 1 or 3 channels, 8 to 64 pixels a side"
        )


def check_components(count: int, shape: Shape) -> None:
    """Raises ConfigError for more principal components than an image of `shape` has numbers."""
    if count > math.prod(shape):
        raise ConfigError(
            f"latent_dim = {count}: there are no more principal components than numbers in an image, {math.prod(shape)}"
        )


def pyramid(shape: Shape) -> list[Shape]:
    """The image's shape and that of each halving, down to a side of 4 to 7 pixels: 28x28, 14x14, 7x7."""
    levels = [shape]
    while min(levels[-1][1:]) >= 8:
        _, height, width = levels[-1]
        levels.append((min(FIRST_CHANNELS << (len(levels) - 1), MOST_CHANNELS), height // 2, width // 2))
    return levels


def raw_channels(config: ModelConfig, channels: int) -> int:
    """How many channels the decoder must give for images of `channels`."""
    return 2 * channels if config.likelihood == "gaussian-learned" else channels


def count_parameters(config: ModelConfig, shape: Shape) -> int:
    """The weights and biases of a model for images of `shape`, as `vae.models.build` makes it.

    Raises ConfigError for a model that cannot be.
    """
    check_shape(shape)
    pixels, dimensions = math.prod(shape), config.latent_dim
    if config.kind == "pca":
        check_components(dimensions, shape)
        return _dense((pixels, dimensions)) + _dense((dimensions, pixels))
    levels = pyramid(shape) if config.network == "conv" else [shape]
    drawn = raw_channels(config, shape[0])
    outputs = 2 * dimensions if config.kind == "vae" else dimensions
    spread = math.prod(levels[-1]) if config.network == "conv" else drawn * shape[1] * shape[2]
    down = [channels for channels, _, _ in levels]
    up = [*reversed(down[1:]), drawn]
    encoder = _convolutions(down) + _dense((math.prod(levels[-1]), *config.hidden, outputs))
    decoder = _dense((dimensions, *reversed(config.hidden), spread)) + _convolutions(up)
    return encoder + decoder


def _dense(widths: Iterable[int]) -> int:
    return sum((inputs + 1) * outputs for inputs, outputs in pairwise(widths))


def _convolutions(channels: Iterable[int]) -> int:
    return sum((KERNEL**2 * inputs + 1) * outputs for inputs, outputs in pairwise(channels))
