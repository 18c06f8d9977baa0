"""The gap against the closed form of KL(q || posterior), and against what training one half must do to it."""

from typing import cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, kl_divergence

from tests.evidence.linear_gaussian import SHAPE, LinearGaussian
from vae.config import from_flat
from vae.errors import ConfigError
from vae.evidence import Evidence, log_evidence, measure_gap
from vae.models import VAE, build
from vae.objective import elbo_terms


@settings(max_examples=20)
@given(st.floats(-2, 0), st.floats(-1, 0.5), st.integers(0, 10**6))
def test_with_the_exact_posterior_as_q_the_gap_is_zero(sigma: float, spread: float, seed: int) -> None:
    truth = LinearGaussian(10**sigma, 10**spread, seed, orthogonal=True)
    found = measure_gap(truth.vae("exact"), truth.images)
    assert (found.gap.abs() <= found.error).all()
    assert (found.error < 0.05).all()


@settings(max_examples=20)
@given(st.floats(-1, 0), st.floats(-1, 0.3), st.integers(0, 10**6), st.floats(-1.5, 1.5), st.floats(-1, 1))
def test_the_gap_is_the_divergence_from_the_posterior(
    sigma: float, spread: float, seed: int, shift: float, log_variance: float
) -> None:
    """q is the posterior's diagonal, moved by `shift` of its standard deviations and widened."""
    truth = LinearGaussian(10**sigma, 10**spread, seed)
    model = truth.vae("exact")
    bias = cast(nn.Linear, model.encoder[1]).bias.data
    bias[0] += shift * truth.covariance[0, 0].sqrt()
    bias[2:] += log_variance
    q = model.encode(truth.images)
    exact = kl_divergence(MultivariateNormal(q.mean, torch.diag_embed(q.variance)), truth.posterior)
    found = measure_gap(model, truth.images)
    assert ((found.gap - exact).abs() <= found.error + 1e-9 * truth.log_evidence.abs()).all()


def small_vae(seed: int, activation: str = "silu") -> tuple[VAE, Tensor]:
    """A VAE with strong weights, and black and white images drawn from it."""
    model = build(from_flat({"hidden": "24", "activation": activation}).model, SHAPE, seed)
    assert isinstance(model, VAE)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weights in model.decoder.parameters():
            weights.mul_(2.5)
        return model, torch.bernoulli(model.decode(torch.randn(8, 2, generator=generator)).mean, generator=generator)


@pytest.mark.parametrize("activation", ["relu", "silu"])
def test_the_terms_are_those_that_many_draws_give(activation: str) -> None:
    model, x = small_vae(1, activation)
    found = measure_gap(model, x)
    with torch.no_grad():
        draws = elbo_terms(model, x.repeat_interleave(20_000, dim=0), torch.Generator().manual_seed(2))
    reconstruction = draws.reconstruction.double().unflatten(0, (len(x), -1))
    standard_error = reconstruction.std(dim=1) / reconstruction.shape[1] ** 0.5
    assert ((found.reconstruction - reconstruction.mean(dim=1)).abs() <= 5 * standard_error + found.error).all()
    torch.testing.assert_close(found.kl, draws.kl.sum(dim=1)[::20_000].double())
    torch.testing.assert_close(found.elbo, found.reconstruction - found.kl)


@pytest.mark.parametrize("activation", ["relu", "silu"])
def test_the_error_holds_against_a_fine_sum_over_q(activation: str) -> None:
    """A rule of another kind: Gauss-Legendre over epsilon, on [-8, 8]^2 with 100 nodes a side."""
    places, weights = (torch.from_numpy(each) for each in np.polynomial.legendre.leggauss(100))
    epsilon = 8 * torch.cartesian_prod(places, places)
    weight = torch.outer(weights, weights).flatten() * (-epsilon.square().sum(dim=1) / 2).exp()
    weight /= weight.sum()
    for seed in range(4):
        model, x = small_vae(seed, activation)
        model = model.double()
        found = measure_gap(model, x.double(), Evidence(torch.zeros(len(x)), torch.zeros(len(x))))
        with torch.no_grad():
            for image, gap, error in zip(x.double(), found.gap, found.error, strict=True):
                q = model.encode(image[None])
                z = q.mean + q.stddev * epsilon
                reconstruction = model.decode(z).log_prob(image.expand(len(z), *SHAPE)) @ weight
                kl = kl_divergence(q, model.prior)
                assert abs(gap + reconstruction - kl).item() <= error


def train(model: VAE, part: nn.Module, x: Tensor, steps: int = 150) -> None:
    """Adam on the ELBO of x, over the weights of `part` alone."""
    optimizer = torch.optim.Adam(part.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        optimizer.zero_grad()
        elbo_terms(model, x.repeat(16, 1, 1, 1), generator).loss(beta=1.0).backward()
        optimizer.step()


def test_training_only_the_encoder_closes_the_gap_and_leaves_the_evidence() -> None:
    model, x = small_vae(3)
    before = measure_gap(model, x)
    train(model, model.encoder, x)
    after = measure_gap(model, x, log_evidence(model, x))
    assert torch.equal(before.log_evidence, after.log_evidence)
    assert after.average().gap < before.average().gap - 0.5
    assert (after.gap >= -after.error).all()


def test_training_only_the_decoder_raises_the_elbo_and_moves_the_evidence() -> None:
    model, x = small_vae(4)
    before = measure_gap(model, x).average()
    train(model, model.decoder, x)
    after = measure_gap(model, x).average()
    assert after.elbo > before.elbo + 0.5
    assert after.log_evidence >= after.elbo - after.error
    assert (after.log_evidence - before.log_evidence).abs() > 0.5


def test_an_average_is_that_of_the_images() -> None:
    model, x = small_vae(5)
    found = measure_gap(model, x)
    average = found.average()
    assert average.gap.item() == pytest.approx(found.gap.mean().item())
    assert average.error.item() == pytest.approx(found.error.mean().item())


def test_a_gap_needs_a_plane() -> None:
    model = build(from_flat({"latent_dim": 3, "hidden": "8"}).model, SHAPE)
    assert isinstance(model, VAE)
    with pytest.raises(ConfigError, match="d = 3"):
        measure_gap(model, torch.rand(2, *SHAPE).round())
