"""The figures of one model, put together: what is used for which, and None where nothing is defined."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vae.analysis.codes import encode_set
from vae.analysis.empty_space import empty_share
from vae.analysis.figures import DEFINITIONS, TITLES, LatentFigures
from vae.analysis.latent_figures import latent_figures
from vae.analysis.prior_match import mmd_to_prior
from vae.classifier.classifier import Classifier, load_classifier
from vae.codes import Codes
from vae.config import ModelConfig
from vae.data import load
from vae.errors import ConfigError
from vae.models import Model, build

DIGITS = load("digits", "test")
RNG = np.random.default_rng(0)
SHAPE = (1, 8, 8)


def small(**values: object) -> Model:
    return build(ModelConfig.model_validate({"hidden": (8,), **values}), SHAPE).eval()


def digit_classifier() -> Classifier:
    classifier = load_classifier("digits")
    assert classifier is not None
    return classifier


class _Recorder(nn.Module):
    """A classifier's network that remembers what it was shown, and is sure of class 3."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[Tensor] = []

    def forward(self, images: Tensor) -> Tensor:
        self.shown.append(images)
        return 100 * nn.functional.one_hot(torch.full((len(images),), 3), 10).float()


def test_an_autoencoder_is_measured_by_its_codes() -> None:
    model = small(kind="ae")
    codes = encode_set(model, DIGITS)
    figures = latent_figures(model, codes, None)
    assert figures.mmd == mmd_to_prior(codes.mu)
    assert figures.empty_share == empty_share(codes.mu)
    assert figures.roughness is not None
    assert figures.roughness >= 1
    nothing = (figures.median_sigma, figures.mse, figures.knn_accuracy)
    unseen = (figures.confident_prior, figures.entropy_prior, figures.confident_mixture, figures.entropy_mixture)
    assert nothing == (None,) * 3
    assert unseen == (None,) * 4


def test_a_vae_is_measured_by_draws_from_q() -> None:
    """Mean codes all in one place, and a q that is the prior: the draws match N(0, I), the mean codes would not."""
    codes = Codes(np.zeros((2000, 2), np.float32), np.ones((2000, 2), np.float32), None)
    figures = latent_figures(small(), codes, None)
    assert figures.mmd is not None
    assert figures.mmd <= 1.5 / 2000**0.5
    assert mmd_to_prior(codes.mu) > 0.3
    assert figures.median_sigma == 1


def test_a_linear_decoder_is_not_rough_in_any_number_of_dimensions() -> None:
    model = small(kind="ae", latent_dim=3)
    model.images = lambda z: (z @ torch.ones(3, 64)).reshape(-1, *SHAPE)
    figures = latent_figures(model, Codes(RNG.normal(size=(50, 3)).astype(np.float32), None, None), None, components=2)
    assert figures.roughness == pytest.approx(1, abs=1e-4)
    assert figures.empty_share is None


def test_a_decoder_that_draws_one_image_has_no_paths() -> None:
    model = small(kind="ae")
    model.images = lambda z: torch.zeros(len(z), *SHAPE)
    figures = latent_figures(model, encode_set(small(kind="ae"), DIGITS), digit_classifier())
    assert figures.roughness is None
    assert figures.confident_prior in (0, 1)


def test_samples_come_from_the_prior_and_from_the_mixture() -> None:
    """With a decoder that shows z: the first are standard normal, the second have the codes' mean and spread."""
    model, network = small(kind="ae"), _Recorder()
    model.images = lambda z: nn.functional.pad(z, (0, 62)).reshape(-1, *SHAPE)
    codes = Codes((7 + 3 * RNG.standard_normal((4000, 2))).astype(np.float32), None, None)
    seeing = replace(digit_classifier(), network=nn.Sequential(network))
    figures = latent_figures(model, codes, seeing, components=1, samples=5000)
    z = torch.cat(network.shown).flatten(1)[:, :2].numpy()
    assert len(z) == 10_000
    for part, mean, spread in ((z[:5000], 0, 1), (z[5000:], 7, 3)):
        np.testing.assert_allclose(part.mean(axis=0), mean, atol=0.1 * spread)
        np.testing.assert_allclose(np.cov(part.T), spread**2 * np.eye(2), atol=0.15 * spread**2)
    assert (figures.confident_prior, figures.entropy_prior) == (1, 0)
    assert (figures.confident_mixture, figures.entropy_mixture) == (1, 0)


def test_a_seed_decides_the_figures() -> None:
    model = small()
    codes, classifier = encode_set(model, DIGITS), digit_classifier()
    first = latent_figures(model, codes, classifier, samples=100)
    assert first == latent_figures(model, codes, classifier, samples=100)
    assert first != latent_figures(model, codes, classifier, samples=100, seed=1)


def test_what_does_not_fit_is_an_error() -> None:
    model = build(ModelConfig(kind="ae", hidden=(8,)), (1, 9, 8)).eval()
    codes = Codes(RNG.normal(size=(50, 2)).astype(np.float32), None, None)
    with pytest.raises(ConfigError, match="classifier of digits takes images"):
        latent_figures(model, codes, digit_classifier(), components=2)
    with pytest.raises(ConfigError, match="50 codes are too few"):
        latent_figures(model, codes, None, components=51)


def test_every_figure_is_defined_and_titled() -> None:
    assert DEFINITIONS.keys() == TITLES.keys() == LatentFigures.model_fields.keys()
    assert all(definition.endswith(".") for definition in DEFINITIONS.values())
    assert len(set(TITLES.values())) == len(TITLES)
