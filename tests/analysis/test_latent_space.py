"""What is measured of a latent space, against closed forms and brute force."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.mixture import GaussianMixture
from torch import Tensor

from vae.analysis.confidence import class_entropy, confident_share
from vae.analysis.empty_space import empty_share
from vae.analysis.mixture import Mixture, fit_mixture
from vae.analysis.nearest import nearest_images
from vae.analysis.prior_match import mmd_to_prior
from vae.analysis.roughness import roughness
from vae.errors import ConfigError

RNG = np.random.default_rng(0)


# --- empty space


def lattice(width: int, height: int) -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).reshape(-1, 2).astype(np.float32)


def test_a_full_lattice_has_nothing_empty() -> None:
    assert empty_share(lattice(20, 30)) == 0


def test_the_hole_between_two_full_strips_is_what_is_farther_than_three_steps() -> None:
    """Two strips of a unit lattice, 100 apart: between them everything but 3 on either side is empty."""
    left = lattice(11, 401)
    codes = np.concatenate([left, left + np.array([110, 0])])
    # Beside lattice points the reach falls short of 3 by up to 3 - sqrt(9 - 1/4), 0.014 on average.
    assert empty_share(codes) == pytest.approx((100 - 2 * (3 - 0.014)) / 120, abs=2 / 512)


@settings(max_examples=15)
@given(st.integers(2, 60), st.integers(0, 1000))
def test_the_empty_share_is_that_of_chance(count: int, seed: int) -> None:
    """By brute force at random places of the box."""
    rng = np.random.default_rng(seed)
    codes = rng.standard_t(2, size=(count, 2))
    between = np.linalg.norm(codes[:, np.newaxis] - codes, axis=-1)
    np.fill_diagonal(between, np.inf)
    places = rng.uniform(codes.min(axis=0), codes.max(axis=0), size=(4000, 2))
    nearest = np.linalg.norm(places[:, np.newaxis] - codes, axis=-1).min(axis=1)
    expected = (nearest > 3 * np.median(between.min(axis=1))).mean()
    assert abs(empty_share(codes) - expected) <= 5 * 0.5 / 4000**0.5 + 0.01


def test_a_map_may_be_stretched_and_moved() -> None:
    codes = RNG.normal(size=(300, 2))
    assert empty_share(codes * 1000 - 7e4) == pytest.approx(empty_share(codes), abs=1e-4)


def test_codes_in_one_place_or_on_one_line_leave_nothing_empty() -> None:
    line = np.stack([np.arange(9.0), np.zeros(9)], axis=1)
    assert empty_share(line) == empty_share(np.ones((5, 2))) == 0


@pytest.mark.parametrize("shape", [(1, 2), (0, 2), (5, 3), (5,)])
def test_empty_space_is_that_of_a_plane(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="two or more codes of two dimensions"):
        empty_share(np.zeros(shape))


# --- match with the prior


def squared_mmd_of_gaussian(mean: np.ndarray, variance: float) -> float:
    """MMD^2 between N(mean, variance I) and N(0, I), both expectations over codes in closed form too."""
    d = len(mean)
    width = float(d)
    pairs = (width / (width + 2 * variance)) ** (d / 2)
    spread = width + 1 + variance
    cross = (width / spread) ** (d / 2) * np.exp(-(mean @ mean) / (2 * spread))
    return float(pairs - 2 * cross + (width / (width + 2)) ** (d / 2))


@pytest.mark.parametrize(
    ("mean", "variance"),
    [((1.0, 0.0), 1.0), ((0.0, 0.0), 0.09), ((3.0, -4.0), 2.0), ((0.5,) * 10, 1.0), ((0.0,) * 5, 9.0), ((2.0,), 0.5)],
)
def test_the_gap_of_two_gaussians_is_the_closed_form(mean: tuple[float, ...], variance: float) -> None:
    centre = np.array(mean)
    expected = squared_mmd_of_gaussian(centre, variance) ** 0.5
    codes = centre + variance**0.5 * np.random.default_rng(1).standard_normal((6000, len(mean)))
    assert expected > 0.08
    assert mmd_to_prior(codes) == pytest.approx(expected, abs=4 / 6000**0.5)


@pytest.mark.parametrize("d", [1, 2, 20])
def test_draws_from_the_prior_match_it(d: int) -> None:
    assert mmd_to_prior(np.random.default_rng(2).standard_normal((4000, d))) <= 1.5 / 4000**0.5


@pytest.mark.parametrize("count", [2, 255, 256, 257, 700])
def test_blocks_leave_no_pair_out(count: int) -> None:
    """Against the whole kernel matrix, with draws in the place of the prior's closed forms."""
    rng = np.random.default_rng(count)
    codes = rng.normal(2, 0.5, size=(count, 3))
    z, others = rng.standard_normal((2, 10_000, 3))
    kernel = rbf_kernel(codes, gamma=1 / 6)
    pairs = (kernel.sum() - count) / (count * (count - 1))
    cross = rbf_kernel(codes, z, gamma=1 / 6).mean()
    prior = np.exp(-((z - others) ** 2).sum(axis=1) / 6).mean()
    assert mmd_to_prior(codes) ** 2 == pytest.approx(pairs - 2 * cross + prior, abs=0.02)


def test_one_code_has_no_others() -> None:
    with pytest.raises(ValueError, match="two or more codes, not 1"):
        mmd_to_prior(np.zeros((1, 2)))


# --- roughness


def test_a_linear_decoder_has_roughness_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae.analysis.roughness.DECODE_BATCH", 20)
    matrix = torch.randn(3, 1 * 4 * 5, generator=torch.Generator().manual_seed(0))
    starts, ends = RNG.normal(size=(2, 9, 3))
    ratios = roughness(lambda z: (z @ matrix + 1).reshape(-1, 1, 4, 5), starts, ends, steps=7)
    np.testing.assert_allclose(ratios, np.ones(9), rtol=1e-5)


def test_half_a_circle_is_half_pi_times_its_diameter() -> None:
    def circle(z: Tensor) -> Tensor:
        return torch.stack([z[:, 0].cos(), z[:, 0].sin()], dim=1)

    angles = np.array([[np.pi], [np.pi / 2], [1.5 * np.pi]])
    expected = angles[:, 0] / (2 * np.sin(angles[:, 0] / 2))  # arc over chord
    np.testing.assert_allclose(roughness(circle, np.zeros((3, 1)), angles, steps=200), expected, rtol=1e-4)


def test_a_path_back_to_its_start_cannot_be_measured() -> None:
    starts, ends = np.array([[0.0], [1.0], [0.0]]), np.array([[0.0], [-1.0], [2.0]])
    ratios = roughness(lambda z: z.square(), starts, ends, steps=10)
    np.testing.assert_array_equal(ratios, [np.nan, np.nan, 1])
    assert roughness(lambda z: z, np.zeros((0, 2)), np.zeros((0, 2))).shape == (0,)


# --- what a classifier sees


def test_confidence_by_hand() -> None:
    probabilities = np.array([[0.9, 0.05, 0.05], [0.02, 0.03, 0.95], [0.89, 0.11, 0.0], [0.4, 0.3, 0.3]])
    assert confident_share(probabilities) == 0.5
    assert class_entropy(probabilities) == pytest.approx(np.log(2))


def test_always_the_same_class_is_no_variety() -> None:
    same = np.tile([0.0, 1.0, 0.0], (7, 1))
    assert (confident_share(same), class_entropy(same)) == (1, 0)
    assert class_entropy(np.eye(10)) == pytest.approx(np.log(10))
    assert class_entropy(np.full((4, 10), 0.1)) is None


# --- a fitted density

TWO = Mixture(
    weights=np.array([0.3, 0.7]),
    means=np.array([[-5.0, 0.0], [5.0, 3.0]]),
    covariances=np.array([[[1.0, 0.5], [0.5, 1.0]], [[4.0, 0.0], [0.0, 0.25]]]),
)


def test_a_mixture_samples_what_its_density_says() -> None:
    z = TWO.sample(60_000, seed=1)
    left = z[:, 0] < -0.8  # 4.2 and 2.9 standard deviations from either mean
    assert z.dtype == np.float32
    assert left.mean() == pytest.approx(0.3, abs=0.01)
    for part, mean, covariance in zip((z[left], z[~left]), TWO.means, TWO.covariances, strict=True):
        np.testing.assert_allclose(part.mean(axis=0), mean, atol=0.04)
        np.testing.assert_allclose(np.cov(part.T), covariance, atol=0.1)
    np.testing.assert_array_equal(z, TWO.sample(60_000, seed=1))
    assert not np.array_equal(z, TWO.sample(60_000, seed=2))


def test_a_mixture_is_found_again_whatever_the_scale_of_the_codes() -> None:
    z = TWO.sample(20_000, seed=3)
    for scale in (1.0, 1e-5, 1e5):
        found = fit_mixture(z * np.float32(scale), components=2)
        order = np.argsort(found.means[:, 0])
        np.testing.assert_allclose(found.weights[order], TWO.weights, atol=0.02)
        np.testing.assert_allclose(found.means[order] / scale, TWO.means, atol=0.06)
        np.testing.assert_allclose(found.covariances[order] / scale**2, TWO.covariances, atol=0.15)


def test_the_density_is_that_of_scikit_learn_and_of_scipy() -> None:
    points = RNG.normal(size=(50, 2)) * 5
    theirs = GaussianMixture(2)
    theirs.weights_, theirs.means_, theirs.covariances_ = TWO.weights, TWO.means, TWO.covariances
    theirs.precisions_cholesky_ = np.linalg.inv(np.linalg.cholesky(TWO.covariances)).transpose(0, 2, 1)
    np.testing.assert_allclose(TWO.log_density(points), theirs.score_samples(points))
    one = fit_mixture(points, components=1)
    covariance: Any = np.cov(points.T, bias=True)
    expected = multivariate_normal(points.mean(axis=0), covariance).logpdf(points[:1])
    np.testing.assert_allclose(one.log_density(points[:1]), [expected], rtol=1e-4)


def test_codes_in_one_place_have_a_mixture_too() -> None:
    same = np.full((12, 2), 4, np.float32)
    np.testing.assert_allclose(fit_mixture(same, components=3).sample(20, seed=0), np.full((20, 2), 4), atol=0.01)


@pytest.mark.parametrize(
    ("codes", "components", "said"),
    [
        (np.zeros((3, 2)), 4, "3 codes are too few for a mixture of 4 components"),
        (np.zeros((1, 2)), 1, "1 codes are too few"),
        (np.zeros((3, 2)), 0, "components = 0"),
        (np.full((3, 2), np.nan), 2, "not finite"),
    ],
)
def test_a_mixture_that_cannot_be_fitted_says_why(codes: np.ndarray, components: int, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        fit_mixture(codes, components)


# --- nearest training images


@settings(max_examples=25)
@given(st.integers(1, 6), st.integers(1, 40), st.integers(0, 1000))
def test_the_nearest_image_is_that_of_brute_force(count: int, known: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    training = rng.integers(0, 256, size=(known, 1, 3, 5), dtype=np.uint8)
    images = rng.random((count, 1, 3, 5)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vae.analysis.nearest.IMAGES_AT_ONCE", 7)
        indices, distances = nearest_images(images, training)
    every = np.sqrt(((images[:, np.newaxis].astype(float) - training / 255) ** 2).sum(axis=(2, 3, 4)))
    np.testing.assert_array_equal(indices, every.argmin(axis=1))
    np.testing.assert_allclose(distances, every.min(axis=1), rtol=1e-6)


def test_an_image_of_the_training_set_is_its_own_nearest() -> None:
    training = RNG.integers(0, 256, size=(300, 1, 8, 8), dtype=np.uint8)
    indices, distances = nearest_images(training[[7, 250]].astype(np.float32) / np.float32(255), training)
    assert indices.tolist() == [7, 250]
    np.testing.assert_allclose(distances, 0, atol=1e-6)


@pytest.mark.parametrize("training", [np.zeros((0, 1, 8, 8), np.uint8), np.zeros((5, 1, 9, 8), np.uint8)])
def test_nothing_is_nearest_among_other_shapes(training: Any) -> None:
    with pytest.raises(ValueError, match="have no nearest"):
        nearest_images(np.zeros((1, 1, 8, 8), np.float32), training)
