"""p(x|z): from the decoder's raw output to a distribution over images. Each likelihood is stated here, once."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Distribution, Independent, Normal
from torch.nn.functional import softplus

from vae.config import ModelConfig
from vae.models.continuous_bernoulli import LogitContinuousBernoulli

IMAGE_DIMENSIONS = 3  # an event is a whole image (C, H, W)


def bernoulli(logits: Tensor) -> Distribution:
    """Each pixel is on with probability sigmoid(logit).

    On grey values in [0, 1] the log-probability is minus the cross-entropy, which is no normalised density.
    """
    return _over_image(Bernoulli(logits=logits, validate_args=False))


def continuous_bernoulli(logits: Tensor) -> Distribution:
    """A normalised density on [0, 1] (Loaiza-Ganem and Cunningham 2019, arXiv:1907.06845)."""
    return _over_image(LogitContinuousBernoulli(logits=logits, validate_args=False))


def gaussian(raw: Tensor, sigma: float) -> Distribution:
    """N(sigmoid(raw), sigma^2) with one fixed sigma for every pixel."""
    return _over_image(Normal(torch.sigmoid(raw), raw.new_tensor(sigma), validate_args=False))


def gaussian_learned(raw: Tensor, floor: float) -> Distribution:
    """A mean and a sigma per pixel, from raw outputs of twice the channels (N, 2C, H, W).

    log sigma is bounded below softly by log floor, so that no pixel's density can grow without limit
    (the soft clip of Rybkin et al. 2021, arXiv:2006.13202).
    """
    mean, spread = raw.chunk(2, dim=1)
    log_floor = math.log(floor)
    log_sigma = log_floor + softplus(spread - log_floor)
    return _over_image(Normal(torch.sigmoid(mean), log_sigma.exp(), validate_args=False))


def build_likelihood(config: ModelConfig) -> Callable[[Tensor], Distribution]:
    """The config's likelihood as a function from raw outputs to a distribution, batch (N,), event (C, H, W)."""
    match config.likelihood, config.sigma:
        case "bernoulli", None:
            return bernoulli
        case "continuous-bernoulli", None:
            return continuous_bernoulli
        case "gaussian", float(sigma):
            return lambda raw: gaussian(raw, sigma)
        case "gaussian-learned", float(floor):
            return lambda raw: gaussian_learned(raw, floor)
    raise ValueError(f"no likelihood {config.likelihood!r} with sigma {config.sigma!r}")


def _over_image(pixels: Distribution) -> Distribution:
    return Independent(pixels, IMAGE_DIMENSIONS, validate_args=False)
