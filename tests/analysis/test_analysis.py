"""Measures against brute force, and against cases whose answer is known."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.distributions import Bernoulli, Independent

from vae.analysis.averages import Averages, RunningAverages, measure
from vae.analysis.codes import encode_set
from vae.analysis.evaluate import active_units, check_fits, evaluate, knn_accuracy, mean_squared_error
from vae.analysis.factors import factor_information
from vae.analysis.samples import sample_images
from vae.config import ModelConfig
from vae.data import load
from vae.errors import ConfigError, VaeError
from vae.models import VAE, Model, build
from vae.objective import Terms, elbo_terms
from vae.pixels import contact_sheet, to_float

DIGITS = load("digits", "test")
PIXELS = torch.from_numpy(DIGITS.images.copy())
RNG = np.random.default_rng(0)


def small(**values: object) -> Model:
    return build(ModelConfig.model_validate({"hidden": (8,), **values}), (1, 8, 8)).eval()


def small_vae() -> VAE:
    model = small()
    assert isinstance(model, VAE)
    return model


# --- the objective's terms, averaged


def test_averages_are_means_over_images_whatever_the_batches() -> None:
    reconstruction, kl = torch.randn(10), torch.rand(10, 3)
    running = RunningAverages()
    for start, end in ((0, 4), (4, 5), (5, 10)):
        running.add(Terms(reconstruction[start:end], kl[start:end]))
    averages = running.averages()
    assert averages.reconstruction == pytest.approx(reconstruction.mean().item())
    assert averages.kl_per_dimension == pytest.approx(kl.mean(0).tolist())
    assert averages.kl == pytest.approx(kl.sum(1).mean().item())
    assert averages.elbo == pytest.approx((reconstruction - kl.sum(1)).mean().item())


def test_an_average_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no images"):
        RunningAverages().averages()


def test_measure_gives_the_mean_terms_and_leaves_the_model_as_it_was() -> None:
    model, x = small_vae().train(), to_float(PIXELS)
    expected = elbo_terms(model, x, torch.Generator().manual_seed(4))
    found = measure(model, PIXELS, seed=4)
    assert found.elbo == pytest.approx(expected.elbo.mean().item())
    assert found.kl_per_dimension == pytest.approx(expected.kl.mean(0).tolist())
    assert model.training


def test_a_binarized_evaluation_sees_black_and_white_alone() -> None:
    black_and_white = replace(DIGITS, images=np.where(DIGITS.images > 127.5, 255, 0).astype(np.uint8))
    model = small_vae()
    found = evaluate(model, DIGITS, "small", binarized=True)
    assert found == evaluate(model, black_and_white, "small").model_copy(update={"binarized": True})
    assert found.elbo != evaluate(model, DIGITS, "small").elbo


def test_more_samples_tell_the_same_mean_more_surely() -> None:
    model = small_vae()
    single = [measure(model, PIXELS, seed).reconstruction for seed in range(20)]
    many = measure(model, PIXELS, seed=99, samples=40).reconstruction
    assert abs(many - np.mean(single)) <= 5 * np.std(single) * (1 / 20 + 1 / 40) ** 0.5
    assert np.std([measure(model, PIXELS, seed, samples=40).reconstruction for seed in range(5)]) < np.std(single)


# --- codes


@pytest.mark.parametrize("kind", ["ae", "vae", "pca"])
def test_a_set_is_encoded_as_its_images_are(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae.analysis.codes.ENCODE_BATCH", 100)  # 360 images: three whole batches and a part
    model, x = small(kind=kind), to_float(PIXELS)
    codes = encode_set(model, DIGITS)
    np.testing.assert_allclose(codes.mu, model.latents(x).detach(), atol=1e-6)
    if isinstance(model, VAE):
        assert codes.sigma is not None
        np.testing.assert_allclose(codes.sigma, model.encode(x).stddev.detach(), rtol=1e-5)
    else:
        assert codes.sigma is None
    assert codes.labels is not None
    assert (codes.labels.dtype, codes.mu.dtype) == (np.int32, np.float32)
    np.testing.assert_array_equal(codes.labels, DIGITS.labels)


def test_a_set_without_labels_has_codes_without_labels() -> None:
    assert encode_set(small(), replace(DIGITS, labels=None, class_names=())).labels is None


# --- measures


def knn_by_brute_force(codes: np.ndarray, labels: np.ndarray) -> float:
    right = 0
    for i, code in enumerate(codes):
        distances = ((codes - code) ** 2).sum(axis=1)
        distances[i] = np.inf
        votes = Counter(labels[np.argsort(distances)[:5]].tolist())
        most = max(votes.values())
        right += min(label for label, count in votes.items() if count == most) == labels[i]
    return right / len(codes)


@settings(max_examples=25)
@given(st.integers(6, 120), st.integers(1, 5), st.integers(1, 12), st.integers(0, 1000))
def test_knn_accuracy_is_that_of_brute_force(count: int, d: int, classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=count)
    codes = rng.normal(size=(count, d)) + 0.3 * labels[:, np.newaxis]
    assert knn_accuracy(codes, labels) == pytest.approx(knn_by_brute_force(codes, labels))


def test_knn_leaves_the_code_itself_out() -> None:
    """Six codes at each spot, three of each label: of a code's five others, three bear the other label."""
    codes = np.repeat(np.arange(6.0) * 100, 6)[:, np.newaxis]
    labels = np.tile([0, 0, 0, 1, 1, 1], 6)
    assert knn_accuracy(codes, labels) == 0


def test_a_unit_is_active_when_its_mean_moves() -> None:
    spread = np.array([0.0, 0.05, 0.0999, 0.1001, 1.0])  # the variance of +-s is s^2: the bar lies at 0.1
    assert active_units(np.array([[1.0], [-1.0]]) * spread + 7) == 2


@pytest.mark.parametrize("kind", ["ae", "vae", "pca"])
def test_mean_squared_error_is_per_pixel(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae.analysis.evaluate.ENCODE_BATCH", 100)
    model, x = small(kind=kind), DIGITS.images / 255
    images = model.images(model.latents(torch.from_numpy(x).float())).detach().numpy()
    assert mean_squared_error(model, PIXELS) == pytest.approx(((images - x) ** 2).mean(), rel=1e-5)


def test_information_about_factors() -> None:
    count = 20_000
    wide, shape, constant = RNG.normal(size=count), RNG.integers(3, size=count), np.full(count, 2.0)
    halves = (RNG.random(count) < 0.5).astype(float)
    mu = np.stack([wide, -np.exp(wide), RNG.normal(size=count), shape + 10.0, np.zeros(count)], axis=1)
    factors = np.stack([wide, shape, constant, halves], axis=1).astype(np.float32)
    found = factor_information(mu, factors, ("wide", "shape", "constant", "halves"))
    # The same, and the same turned round: all. Independent, or never changing: nothing, but for the bias of counting.
    assert found["wide"] == pytest.approx((1, 1, 0, 0, 0), abs=0.01)
    assert found["shape"] == pytest.approx((0, 0, 0, 1, 0), abs=0.01)
    assert found["constant"] == (0, 0, 0, 0, 0)
    assert found["halves"] == pytest.approx((0, 0, 0, 0, 0), abs=0.01)


def test_information_about_half_of_a_factor_is_a_half() -> None:
    """A factor of four equal values is worth two bits; a code that knows one of them is worth one."""
    factor = np.repeat([0.0, 1.0, 2.0, 3.0], 500)
    found = factor_information((factor >= 2).astype(float)[:, np.newaxis], factor[:, np.newaxis], ("quarter",))
    assert found == {"quarter": (0.5,)}


# --- evaluate


def test_evaluate_gathers_the_measures() -> None:
    model = small_vae()
    figures, codes = evaluate(model, DIGITS, "small"), encode_set(model, DIGITS)
    averages = measure(model, PIXELS, seed=0, samples=16)
    assert (figures.model, figures.dataset, figures.split, figures.images) == ("small", "digits", "test", 360)
    assert Averages(figures.reconstruction or 0, figures.kl_per_dimension or ()) == averages
    assert (figures.elbo, figures.kl) == (averages.elbo, averages.kl)
    assert figures.mse == mean_squared_error(model, PIXELS)
    assert codes.labels is not None
    assert figures.knn_accuracy == knn_accuracy(codes.mu, codes.labels)
    assert figures.active_units == active_units(codes.mu)
    assert figures.factors is None


def test_what_is_not_defined_is_none() -> None:
    figures = evaluate(small(kind="ae"), replace(DIGITS, labels=None, class_names=()), "small")
    assert (
        figures.knn_accuracy is figures.elbo is figures.kl is figures.kl_per_dimension is figures.active_units is None
    )
    few = evaluate(small_vae(), DIGITS.head(5), "small")  # no code has five others
    assert (few.images, few.knn_accuracy) == (5, None)
    assert evaluate(small_vae(), DIGITS.head(1), "small").images == 1


def test_known_factors_are_measured() -> None:
    model = build(ModelConfig(hidden=(4,), latent_dim=3), (1, 32, 32))
    figures = evaluate(model, load("shapes", "test").head(200), "small")
    assert figures.factors is not None
    assert list(figures.factors) == ["shape", "x", "y", "scale", "rotation"]
    assert all(len(column) == 3 for column in figures.factors.values())


@pytest.mark.parametrize("factor", [1e30, torch.nan])
def test_a_model_that_cannot_be_measured_is_an_error(factor: float) -> None:
    model = small_vae().requires_grad_(False)
    for weights in model.encoder.parameters():
        weights *= factor
    with pytest.raises(VaeError, match=r"small .* digits"):
        evaluate(model, DIGITS, "small")


def test_images_must_fit() -> None:
    check_fits(small(), DIGITS, "small")
    with pytest.raises(ConfigError, match=r"small takes images of shape \(1, 8, 8\) .* shapes has \(1, 32, 32\)"):
        check_fits(small(), load("shapes", "test").head(1), "small")


# --- samples and sheets


def test_samples_are_decoded_draws_from_the_prior() -> None:
    """With a decoder that shows z itself, the images are standard normal in each dimension, and independent."""
    model = small_vae()
    model.decoder = nn.Sequential(nn.ConstantPad1d((0, 62), 0.0), nn.Unflatten(1, (1, 8, 8)))
    model.likelihood = lambda raw: Independent(Bernoulli(probs=raw, validate_args=False), 3)
    z = sample_images(model, 40_000, seed=1)[:, 0, 0, :2].numpy()
    error = 1 / 40_000**0.5
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=4 * error)
    np.testing.assert_allclose(np.cov(z.T), np.eye(2), atol=4 * 2**0.5 * error)
    np.testing.assert_allclose((z**4).mean(axis=0), 3, atol=4 * 96**0.5 * error)  # Var z^4 = 105 - 9


def test_a_seed_decides_the_samples_and_the_global_generator_is_left_alone() -> None:
    model, state = small(), torch.random.get_rng_state()
    assert torch.equal(sample_images(model, 5, seed=3), sample_images(model, 5, seed=3))
    assert not torch.equal(sample_images(model, 5, seed=3), sample_images(model, 5, seed=4))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_an_autoencoder_has_nothing_to_sample_from() -> None:
    with pytest.raises(ConfigError, match="kind 'ae' has no prior"):
        sample_images(small(kind="ae"), 1, seed=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_contact_sheet_is_filled_row_by_row(channels: int) -> None:
    images = torch.rand(5, channels, 4, 6)
    sheet = np.array(contact_sheet(images, columns=3, scale=2)).reshape(2 * 4 * 2, 3 * 6 * 2, channels)
    for index in range(6):
        top, left = index // 3 * 8, index % 3 * 12
        cell = sheet[top : top + 8, left : left + 12]
        expected = images[index].numpy() * 255 if index < 5 else np.zeros((channels, 4, 6))
        for dy, dx in ((0, 0), (0, 1), (1, 0), (1, 1)):
            assert np.abs(cell[dy::2, dx::2].transpose(2, 0, 1) - expected).max() <= 0.5


def test_pixels_beyond_black_and_white_are_cut() -> None:
    sheet = contact_sheet(torch.tensor([-3.0, 0.0, 1.0, 1.5]).reshape(1, 1, 2, 2), columns=1, scale=1)
    assert np.array(sheet).tolist() == [[0, 0], [255, 255]]


def test_bytes_and_numbers() -> None:
    every = torch.arange(256, dtype=torch.uint8)
    assert to_float(every).tolist() == (np.arange(256, dtype=np.float32) / np.float32(255)).tolist()
    assert every.dtype == torch.uint8


def test_a_set_is_not_written_to() -> None:
    """Its arrays are read-only, and every measure must live with that."""
    before = DIGITS.images.copy()
    evaluate(small(), DIGITS, "small", binarized=True)
    np.testing.assert_array_equal(DIGITS.images, before)
