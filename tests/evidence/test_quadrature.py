"""log p(x) by the adaptive grid against closed forms and against the plain grid, and its error against the true one."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import vae
from tests.evidence.linear_gaussian import SHAPE, LinearGaussian
from vae.config import from_flat
from vae.data import load
from vae.errors import ConfigError
from vae.evidence import log_evidence, plain_log_evidence
from vae.evidence.likelihoods import log_likelihoods
from vae.evidence.quadrature import TOLERANCE
from vae.models import VAE, build
from vae.pixels import to_float

CHECKPOINTS = Path(__file__).parents[2] / "checkpoints"


class Counter:
    """How many codes a model's decoder was given."""

    def __init__(self, model: VAE) -> None:
        self.decodes = 0
        model.decoder.register_forward_hook(self._count)

    def _count(self, _module: nn.Module, given: tuple[Tensor, ...], _output: Tensor) -> None:
        self.decodes += len(given[0])


def network(seed: int, scale: float = 1.0, **settings: object) -> VAE:
    """A decoder with larger weights than fresh ones, which would give nearly the same grey everywhere."""
    model = build(from_flat({"hidden": "16,16"} | settings).model, SHAPE, seed)
    assert isinstance(model, VAE)
    for weights in model.requires_grad_(False).decoder.parameters():
        weights.mul_(scale)
    return model


def drawn(model: VAE, seed: int, count: int = 3) -> Tensor:
    """Images of the model's own, black and white under a Bernoulli likelihood."""
    generator = torch.Generator().manual_seed(seed)
    means = model.decode(torch.randn(count, 2, generator=generator)).mean
    return torch.bernoulli(means, generator=generator) if model.config.likelihood == "bernoulli" else means


@settings(max_examples=40)
@given(st.floats(-3, 0), st.floats(-1.3, 0.7), st.integers(0, 10**6), st.sampled_from(["exact", "untrained"]))
def test_the_error_holds_for_posteriors_of_any_width(sigma: float, spread: float, seed: int, encoder: str) -> None:
    """From wider than a square to 3e-5, found with and without the encoder's help."""
    truth = LinearGaussian(sigma=10**sigma, spread=10**spread, seed=seed)
    found = log_evidence(truth.vae(encoder), truth.images)
    assert ((found.value - truth.log_evidence).abs() <= found.error + 1e-9 * truth.log_evidence.abs()).all()
    if 10 ** (sigma - spread) / 8 > 1e-3:
        assert (found.error <= 4 * TOLERANCE).all()


@pytest.mark.parametrize("likelihood", ["bernoulli", "continuous-bernoulli", "gaussian", "gaussian-learned"])
@pytest.mark.parametrize("activation", ["relu", "silu"])
def test_networks_agree_with_the_plain_grid_within_the_errors(likelihood: str, activation: str) -> None:
    for seed, scale in ((1, 1.5), (2, 3.0)):
        model = network(seed, scale, likelihood=likelihood, activation=activation)
        x = drawn(model, seed)
        found, plain = log_evidence(model, x), plain_log_evidence(model, x, nodes=601, half_width=7.0)
        off = (found.value - plain.value).abs()
        assert (off <= found.error + plain.error + 1e-5).all()
        assert (off[plain.error < 1e-3] < 1e-3).all()
        assert (plain.error < 1e-3).any()


def test_a_shipped_model_agrees_with_the_plain_grid() -> None:
    model = vae.load(CHECKPOINTS / "digits-vae-2d")
    assert isinstance(model, VAE)
    x = to_float(torch.tensor(load("digits", "test").binarized().head(32).images))
    found, plain = log_evidence(model, x), plain_log_evidence(model, x)
    assert (plain.error < 1e-4).all()
    assert ((found.value - plain.value).abs() < 1e-3).all()
    assert (found.error <= 2 * TOLERANCE).all()


def test_two_narrow_peaks_are_both_found_though_the_encoder_knows_one() -> None:
    """|z1| in place of z1: the posterior is the linear model's and its mirror image, so p(x) is twice as large."""
    truth = LinearGaussian(sigma=0.05, spread=1.0, seed=3, images=16)
    model = truth.vae("exact")
    straight = log_evidence(model, truth.images)
    model.decoder = nn.Sequential(Folded(), *model.decoder)
    folded = log_evidence(model, truth.images)
    far = truth.posterior.mean[:, 0] > 0.1  # 16 standard deviations from the fold
    assert far.sum() >= 4
    excess = folded.value - straight.value
    torch.testing.assert_close(excess[far], torch.full_like(excess[far], 2.0).log(), atol=1e-3, rtol=0)


class Folded(nn.Module):
    def forward(self, z: Tensor) -> Tensor:
        return torch.stack([z[:, 0].abs(), z[:, 1]], dim=1)


def test_few_thousand_decodes_are_enough() -> None:
    model = network(seed=5, scale=2.0, activation="silu")
    x, counter = drawn(model, 5, count=32), Counter(model)
    log_evidence(model, x[:1])
    assert counter.decodes <= 8000
    counter.decodes = 0
    log_evidence(model, x)
    assert counter.decodes <= 32 * 2000


def test_a_smaller_tolerance_is_kept_and_changes_little() -> None:
    model = network(seed=6, scale=2.5, activation="silu")
    x = drawn(model, 6)
    usual, fine = log_evidence(model, x), log_evidence(model, x, tolerance=1e-4)
    assert (fine.error <= 2e-4).all()
    assert ((usual.value - fine.value).abs() <= usual.error + fine.error).all()


def test_images_do_not_depend_on_their_company() -> None:
    model = network(seed=7, scale=2.0)
    x = drawn(model, 7, count=5)
    together = log_evidence(model, x)
    for i, alone in enumerate(x):
        torch.testing.assert_close(log_evidence(model, alone[None]).value[0], together.value[i], atol=2e-5, rtol=0)


def test_the_error_is_large_for_a_posterior_outside_the_grid() -> None:
    truth = LinearGaussian(sigma=0.05, spread=1.0, seed=4)
    truth.flat = truth.flat + 60 * truth.w[:, 0]  # z1 near 60; the grid ends at 32
    found = log_evidence(truth.vae("exact"), truth.images)
    off = (found.value - truth.log_evidence).abs()
    assert (off > 1).all()
    assert (found.error >= off).all()


def test_the_error_is_large_for_a_peak_below_the_smallest_square() -> None:
    truth = LinearGaussian(sigma=1e-7, spread=1.0, seed=5)
    found = log_evidence(truth.vae("exact"), truth.images)
    assert (found.error > 1).all()


def test_codes_beyond_the_usual_grid_are_followed() -> None:
    truth = LinearGaussian(sigma=0.05, spread=1.0, seed=6)
    truth.flat = truth.flat + 15 * truth.w[:, 0]
    found = log_evidence(truth.vae("exact"), truth.images)
    assert ((found.value - truth.log_evidence).abs() <= found.error).all()
    assert (found.error <= 4 * TOLERANCE).all()


def test_the_plain_grid_gives_the_closed_form_and_knows_when_it_is_too_coarse() -> None:
    truth = LinearGaussian(sigma=0.7, spread=0.3)
    model = truth.vae("untrained")
    fine, coarse = (plain_log_evidence(model, truth.images, nodes=nodes) for nodes in (201, 15))
    torch.testing.assert_close(fine.value, truth.log_evidence, atol=1e-3, rtol=0)
    assert (fine.error < 1e-3).all()
    off = (coarse.value - truth.log_evidence).abs()
    assert off.max() > 0.01
    assert (coarse.error[off > 0.01] >= off[off > 0.01] / 2).all()


@pytest.mark.parametrize("black_and_white", [False, True])
@pytest.mark.parametrize("likelihood", ["bernoulli", "continuous-bernoulli", "gaussian", "gaussian-learned"])
def test_all_pairs_equal_log_prob_pair_by_pair(likelihood: str, black_and_white: bool) -> None:
    model = network(seed=0, likelihood=likelihood)
    generator = torch.Generator().manual_seed(4)
    images = torch.rand(16, *SHAPE, generator=generator)
    images = images.round() if black_and_white else images
    p = model.decode(torch.randn(9, 2, generator=generator) * 3)
    pairs = torch.stack([p.log_prob(x.expand(9, *SHAPE)) for x in images]).double()
    together = log_likelihoods(p, images.double().flatten(1))
    torch.testing.assert_close(together, pairs, rtol=1e-4, atol=1e-2)


def test_quadrature_refuses_what_it_cannot_do() -> None:
    with pytest.raises(ConfigError, match="d = 3"):
        log_evidence(network(0, latent_dim=3), torch.rand(2, *SHAPE))
    for tolerance in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match=f"tolerance = {tolerance}"):
            log_evidence(network(0), torch.rand(2, *SHAPE), tolerance)
    with pytest.raises(ConfigError, match="nodes = 100"):
        plain_log_evidence(network(0), torch.rand(2, *SHAPE), nodes=100)
