"""Losses as tutorials write them, against our objective with the beta they mean: the same gradient up to one factor."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import binary_cross_entropy, mse_loss

from vae.analysis.effective_beta import cross_entropy_beta, implied_sigma, kl_weight_as_written, squared_error_beta
from vae.config import from_flat
from vae.errors import ConfigError
from vae.models import VAE, build
from vae.objective import elbo_terms, reparameterize

Shape = tuple[int, int, int]
shapes = st.sampled_from([(1, 8, 8), (3, 8, 10), (1, 12, 9)])
weights = st.floats(0.05, 20)
either = st.booleans()
D = 3


def model_of(shape: Shape, **settings: object) -> VAE:
    model = build(from_flat({"latent_dim": D, "hidden": "12", "activation": "tanh"} | settings).model, shape, seed=1)
    assert isinstance(model, VAE)
    return model.double()


def images(shape: Shape) -> Tensor:
    return torch.rand(5, *shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def gradient(model: VAE, loss: Tensor) -> Tensor:
    model.zero_grad()
    loss.backward()
    return torch.cat([weight.grad.flatten() for weight in model.parameters() if weight.grad is not None])


def written(
    model: VAE,
    x: Tensor,
    error: Callable[..., Tensor],
    averaged: bool,
    weight: float,
    half_forgotten: bool = False,
    mean_over_dimensions: bool = False,
) -> Tensor:
    """The loss as in a tutorial: from mu, log variance and the decoded image, with torch's own loss functions."""
    q = model.encode(x)
    mu, log_variance = q.mean, q.variance.log()
    decoded = model.decode(reparameterize(q, torch.Generator().manual_seed(3))).mean
    reconstruction = error(decoded, x, reduction="mean") if averaged else error(decoded, x, reduction="sum") / len(x)
    kl = (mu**2 + log_variance.exp() - 1 - log_variance) * (1 if half_forgotten else 0.5)
    return reconstruction + weight * (kl.mean() if mean_over_dimensions else kl.sum(dim=1).mean())


def ours(model: VAE, x: Tensor, beta: float) -> Tensor:
    return elbo_terms(model, x, torch.Generator().manual_seed(3)).loss(beta)


def assert_same_direction(theirs: Tensor, ours: Tensor) -> None:
    """Equal but for a positive factor, over every weight of encoder and decoder."""
    factor = (theirs @ ours) / (ours @ ours)
    assert factor > 0
    torch.testing.assert_close(theirs, factor * ours, rtol=1e-6, atol=1e-9 * theirs.abs().max().item())


@settings(max_examples=25)
@given(shapes, either, weights)
def test_cross_entropy(shape: Shape, averaged: bool, weight: float) -> None:
    model, x = model_of(shape), images(shape)
    beta = cross_entropy_beta(x[0].numel(), averaged, weight)
    theirs = gradient(model, written(model, x, binary_cross_entropy, averaged, weight))
    assert_same_direction(theirs, gradient(model, ours(model, x, beta)))


@settings(max_examples=25)
@given(shapes, either, st.floats(0.05, 3), weights)
def test_squared_error(shape: Shape, averaged: bool, sigma: float, weight: float) -> None:
    model, x = model_of(shape, likelihood="gaussian", sigma=sigma), images(shape)
    beta = squared_error_beta(x[0].numel(), averaged, sigma, weight)
    theirs = gradient(model, written(model, x, mse_loss, averaged, weight))
    assert_same_direction(theirs, gradient(model, ours(model, x, beta)))


@settings(max_examples=15)
@given(shapes, either, st.floats(0.01, 0.5))
def test_the_implied_sigma_makes_a_squared_error_the_elbo(shape: Shape, averaged: bool, weight: float) -> None:
    x = images(shape)
    sigma = implied_sigma(x[0].numel(), averaged, weight)
    model = model_of(shape, likelihood="gaussian", sigma=sigma)
    theirs = gradient(model, written(model, x, mse_loss, averaged, weight))
    assert_same_direction(theirs, gradient(model, ours(model, x, beta=1.0)))


@given(either, either)
def test_slips_in_the_kl(half_forgotten: bool, mean_over_dimensions: bool) -> None:
    model, x = model_of((1, 8, 8)), images((1, 8, 8))
    beta = cross_entropy_beta(64, False, kl_weight_as_written(D, half_forgotten, mean_over_dimensions))
    loss = written(model, x, binary_cross_entropy, False, 1.0, half_forgotten, mean_over_dimensions)
    assert_same_direction(gradient(model, loss), gradient(model, ours(model, x, beta)))


def test_another_beta_is_another_gradient() -> None:
    """The comparison above can fail: at 1.01 times the right beta it does."""
    model, x = model_of((1, 8, 8)), images((1, 8, 8))
    theirs = gradient(model, written(model, x, binary_cross_entropy, True, 1.0))
    with pytest.raises(AssertionError):
        assert_same_direction(theirs, gradient(model, ours(model, x, 1.01 * cross_entropy_beta(64, True))))


def test_the_numbers_that_the_pages_quote() -> None:
    assert cross_entropy_beta(784, averaged=True) == 784
    assert squared_error_beta(784, averaged=False, sigma=1.0) == 0.5
    assert squared_error_beta(784, averaged=False, sigma=0.1) == pytest.approx(50)
    assert squared_error_beta(784, averaged=True, sigma=0.1) == pytest.approx(39_200)
    assert implied_sigma(784, averaged=True) == pytest.approx(19.799, abs=1e-3)
    assert kl_weight_as_written(20, averaged=True) == 1 / 20


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: cross_entropy_beta(0, True), "numbers = 0"),
        (lambda: cross_entropy_beta(64, True, -1.0), "kl_weight = -1.0"),
        (lambda: squared_error_beta(64, True, 0.0), "sigma = 0.0"),
        (lambda: implied_sigma(64, True, 0.0), "kl_weight = 0"),
        (lambda: kl_weight_as_written(0), "latent_dim = 0"),
    ],
)
def test_what_has_no_meaning_is_refused(call: Callable[[], float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        call()
