"""Each likelihood against scipy, or against the integral that makes it a density."""

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.integrate import quad
from scipy.special import expit, xlogy
from torch import Tensor

from vae.config import LIKELIHOODS, ModelConfig
from vae.models.likelihoods import (
    bernoulli,
    build_likelihood,
    continuous_bernoulli,
    gaussian,
    gaussian_learned,
)
from vae.network_sizes import raw_channels

SHAPE = (3, 4, 5)
RNG = np.random.default_rng(0)
X = RNG.random((6, *SHAPE))
RAW = RNG.normal(0, 3, (6, *SHAPE))


def tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array)


def over_image(per_pixel: np.ndarray) -> np.ndarray:
    return per_pixel.sum(axis=(1, 2, 3))


@pytest.mark.parametrize("name", LIKELIHOODS)
@pytest.mark.parametrize("channels", [1, 3])
def test_an_event_is_a_whole_image(name: str, channels: int) -> None:
    config = ModelConfig.model_validate({"likelihood": name})
    raw = torch.randn(7, raw_channels(config, channels), 4, 5)
    p = build_likelihood(config)(raw)
    assert p.batch_shape == (7,)
    assert p.event_shape == (channels, 4, 5)
    assert p.mean.shape == p.sample().shape == (7, channels, 4, 5)
    assert p.log_prob(torch.rand(7, channels, 4, 5)).shape == (7,)
    assert ((p.mean >= 0) & (p.mean <= 1)).all()


def test_bernoulli_is_that_of_scipy() -> None:
    on = (X > 0.5).astype(float)
    p = bernoulli(tensor(RAW))
    np.testing.assert_allclose(p.mean, expit(RAW))
    np.testing.assert_allclose(p.log_prob(tensor(on)), over_image(stats.bernoulli.logpmf(on, expit(RAW))))


def test_bernoulli_on_grey_values_is_minus_the_cross_entropy() -> None:
    entropy = -xlogy(X, expit(RAW)) - xlogy(1 - X, expit(-RAW))
    np.testing.assert_allclose(bernoulli(tensor(RAW)).log_prob(tensor(X)), -over_image(entropy))


# Near 0 a series takes over from the closed form; both sides of the seam are here.
@pytest.mark.parametrize("logit", [0, 1e-9, 1e-4, -0.003, 0.2499, -0.2501, 0.3, -2, 7, -12, 30, -90])
def test_continuous_bernoulli_is_a_density_with_that_mean(logit: float) -> None:
    p = continuous_bernoulli(torch.full((1, 1, 1, 1), logit, dtype=torch.float64))

    def density(x: float) -> float:
        return p.log_prob(torch.full((1, 1, 1, 1), x, dtype=torch.float64)).exp().item()

    assert quad(density, 0, 1)[0] == pytest.approx(1, abs=1e-6)
    assert p.mean.item() == pytest.approx(quad(lambda x: x * density(x), 0, 1)[0], abs=1e-6)


def test_continuous_bernoulli_is_a_density_in_single_precision_too() -> None:
    """Also at logits whose probability single precision cannot tell from 0 or 1."""
    logits, x = torch.linspace(-60, 60, 121), torch.linspace(0, 1, 2001)
    pairs = torch.cartesian_prod(logits, x).reshape(-1, 2, 1, 1, 1)
    density = continuous_bernoulli(pairs[:, 0]).log_prob(pairs[:, 1]).reshape(121, 2001).double().exp()
    integral = torch.trapezoid(density, x.double(), dim=1)
    np.testing.assert_allclose(integral, 1, atol=1e-3)


@pytest.mark.parametrize("sigma", [0.001, 0.1, 2.0])
def test_gaussian_is_that_of_scipy(sigma: float) -> None:
    p = gaussian(tensor(RAW), sigma)
    np.testing.assert_allclose(p.mean, expit(RAW))
    np.testing.assert_allclose(p.log_prob(tensor(X)), over_image(stats.norm.logpdf(X, expit(RAW), sigma)))


@pytest.mark.parametrize("floor", [0.001, 0.01, 0.5])
def test_learned_gaussian_is_that_of_scipy(floor: float) -> None:
    spread = RNG.normal(0, 6, RAW.shape)
    # softplus(a - b) + b = log(e^a + e^b)
    sigma = np.exp(np.logaddexp(spread, np.log(floor)))
    p = gaussian_learned(tensor(np.concatenate([RAW, spread], axis=1)), floor)
    np.testing.assert_allclose(p.mean, expit(RAW))
    np.testing.assert_allclose(p.stddev, sigma)
    np.testing.assert_allclose(p.log_prob(tensor(X)), over_image(stats.norm.logpdf(X, expit(RAW), sigma)))


@pytest.mark.parametrize("floor", [0.001, 0.01, 0.5])
def test_learned_sigma_never_goes_below_its_floor(floor: float) -> None:
    spread = torch.cat([torch.linspace(-1e4, 3, 10_000), torch.tensor([-1e30, -88.0, 0.0])])
    raw = torch.stack([torch.zeros_like(spread), spread]).reshape(1, 2, -1, 1)
    sigma = gaussian_learned(raw, floor).stddev.double()
    assert sigma.min() >= floor * (1 - 1e-6)  # to the last digit of single precision


@pytest.mark.parametrize("name", LIKELIHOODS)
@pytest.mark.parametrize("logit", [80.0, 1e3, 1e6])
def test_extreme_logits_stay_finite(name: str, logit: float) -> None:
    config = ModelConfig.model_validate({"likelihood": name})
    raw = torch.full((2, raw_channels(config, 1), 2, 1), logit)
    raw[1] = -logit
    if name == "gaussian-learned":
        raw[:, 1] = raw[:, 1].clamp(-80, 80)  # e^80 for a sigma of pixels in [0, 1] is absurd enough
    raw.requires_grad_()
    p = build_likelihood(config)(raw)
    log_prob = p.log_prob(torch.tensor([0.0, 1.0]).reshape(2, 1).expand(2, 1, 2, 1))
    log_prob.sum().backward()
    assert raw.grad is not None
    assert log_prob.isfinite().all()
    assert raw.grad.isfinite().all()
    assert p.mean.isfinite().all()
    assert ((p.mean >= 0) & (p.mean <= 1)).all()


def test_bernoulli_of_extreme_logits_keeps_its_slope() -> None:
    """A pixel that is certain and wrong must still be told so: the gradient is x - sigmoid(logit)."""
    logits = torch.tensor([1e3, -1e3]).reshape(1, 1, 2, 1).requires_grad_()
    bernoulli(logits).log_prob(torch.tensor([0.0, 1.0]).reshape(1, 1, 2, 1)).sum().backward()
    assert logits.grad is not None
    assert logits.grad.flatten().tolist() == [-1, 1]
