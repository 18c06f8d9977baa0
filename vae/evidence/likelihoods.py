"""log p(x|z) for all pairs of an image and a code at once."""

from typing import cast

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent


def log_likelihoods(p: Distribution, images: Tensor) -> Tensor:
    """log p(x_n|z_g) for every image and every code (N, G), from the likelihood's own `log_prob`.

    p has batch (G,) and pixels that are independent; images (N, C * H * W) are float64. Every likelihood here is at
    most quadratic in a pixel's value, so three values of `log_prob` a pixel give it everywhere, and all pairs become
    two matrix products. Two values and one product are enough for pixels that are all 0 or 1.
    """
    pixels = cast(Independent, p).base_dist

    def at(value: float) -> Tensor:
        return pixels.log_prob(torch.full_like(pixels.mean, value)).double().flatten(1)

    at_zero, at_one, squares = at(0.0), at(1.0), images.square()
    if torch.equal(squares, images):
        return at_zero.sum(dim=1) + images @ (at_one - at_zero).T
    quadratic = 2 * (at_zero + at_one - 2 * at(0.5))
    linear = at_one - at_zero - quadratic
    return at_zero.sum(dim=1) + images @ linear.T + squares @ quadratic.T
