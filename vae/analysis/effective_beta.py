"""Which beta a loss means as it is written in tutorials: the weight of the KL beside a *summed* log-likelihood.

Multiplying a loss by a number changes no minimum. So a loss a * (-log p(x|z)) + b * KL, a and b > 0, with log p(x|z)
summed over the image's D = C * H * W numbers and KL over the d dimensions, asks for the same model as
-log p(x|z) + (b / a) * KL, and beta = b / a. Each function below finds a and b. The constants of log p(x|z) drop out of
the gradient. All losses are means over images; summing both terms over images does not change the ratio. Numbers out of
bounds raise ConfigError.
"""

import math

from vae.errors import ConfigError


def cross_entropy_beta(numbers: int, averaged: bool, kl_weight: float = 1.0) -> float:
    """Of `binary_cross_entropy(decoded, x) + kl_weight * KL`, for images of `numbers` = C * H * W pixel values.

    The cross-entropy summed over pixels *is* -log p(x|z) of a Bernoulli: a = 1, beta = kl_weight. Averaged, it is
    -log p(x|z) / D: a = 1 / D, beta = D * kl_weight. A mean over the pixels of 28 x 28 images is beta = 784.
    """
    _check(numbers, kl_weight)
    return kl_weight * (numbers if averaged else 1)


def squared_error_beta(numbers: int, averaged: bool, sigma: float, kl_weight: float = 1.0) -> float:
    """Of `mse(decoded, x) + kl_weight * KL`, beside the likelihood N(decoded, sigma^2) for each pixel value.

    -log p(x|z) = ||x - decoded||^2 / (2 sigma^2) + D/2 log(2 pi sigma^2), so ||x - decoded||^2 is 2 sigma^2 times it:
    summed a = 2 sigma^2 and beta = kl_weight / (2 sigma^2); averaged a = 2 sigma^2 / D, and beta is D times as large.

    A squared error alone does not say its sigma: any pair with the same beta * sigma^2 is the same loss. With unit
    variance the plain sum means beta = 1/2, not 1, for the half of ||x - decoded||^2 / 2 was dropped.
    """
    _check(numbers, kl_weight)
    if not 0 < sigma < math.inf:
        raise ConfigError(f"sigma = {sigma}: wanted a positive number")
    return cross_entropy_beta(numbers, averaged, kl_weight) / (2 * sigma**2)


def implied_sigma(numbers: int, averaged: bool, kl_weight: float = 1.0) -> float:
    """The sigma of pixel values for which `mse(decoded, x) + kl_weight * KL` is the ELBO itself, beta = 1.

    From squared_error_beta = 1: sigma^2 = kl_weight / 2 for the sum, D kl_weight / 2 for the mean. A mean over 784
    pixels in [0, 1] supposes a noise of 19.8 on each: then even the worst decoded image costs but
    D / (2 sigma^2) = 1 nat more than a perfect one, and hardly any KL is worth paying.

    Raises ConfigError for a kl_weight of 0, which no sigma makes an ELBO.
    """
    if kl_weight == 0:
        raise ConfigError("kl_weight = 0: without its KL a loss is no ELBO, whatever sigma")
    return math.sqrt(squared_error_beta(numbers, averaged, sigma=1.0, kl_weight=kl_weight))


def kl_weight_as_written(latent_dim: int, half_forgotten: bool = False, averaged: bool = False) -> float:
    """The `kl_weight` that a slip in the KL's formula brings: how much of the true KL the formula gives.

    KL = 1/2 sum_j (mu_j^2 + sigma_j^2 - 1 - log sigma_j^2). Without the 1/2 the formula gives twice the KL. Averaged
    over the d dimensions (a `mean` over everything) it gives KL / d.
    """
    if latent_dim < 1:
        raise ConfigError(f"latent_dim = {latent_dim}: wanted at least 1")
    return (2 if half_forgotten else 1) / (latent_dim if averaged else 1)


def _check(numbers: int, kl_weight: float) -> None:
    if numbers < 1:
        raise ConfigError(f"numbers = {numbers}: an image has at least 1 pixel value")
    if not 0 <= kl_weight < math.inf:
        raise ConfigError(f"kl_weight = {kl_weight}: wanted a number, at least 0")
