"""Principal components against scikit-learn's own, and against what the covariance alone says."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import decomposition

from vae.config import ModelConfig
from vae.data import load
from vae.errors import ConfigError
from vae.models import PCA, build
from vae.network_sizes import Shape
from vae.pixels import to_float
from vae.training.fit_pca import principal_components

DIGITS = load("digits", "train")
TOLERANCE = 1e-5

shapes = st.tuples(st.sampled_from([1, 3]), st.integers(8, 11), st.integers(8, 11))


def fitted(images: torch.Tensor, d: int) -> PCA:
    _, channels, height, width = images.shape
    model = build(ModelConfig(kind="pca", latent_dim=d), (channels, height, width))
    assert isinstance(model, PCA)
    model.set_components(*principal_components(images, d, seed=0))
    return model.requires_grad_(False)


def noise(count: int, shape: Shape, seed: int) -> torch.Tensor:
    """Images whose directions differ in spread: equal spreads would leave the components open."""
    random = np.random.default_rng(seed)
    spread = np.geomspace(60, 1, int(np.prod(shape))).reshape(shape)
    return torch.from_numpy((128 + spread * random.standard_normal((count, *shape))).clip(0, 255).astype(np.uint8))


@settings(max_examples=20)
@given(shapes, st.integers(1, 6), st.integers(0, 99))
def test_it_is_scikit_learns(shape: Shape, d: int, seed: int) -> None:
    images = noise(400, shape, seed)
    flat = images.flatten(1).double().numpy() / 255
    reference = decomposition.PCA(d, svd_solver="full").fit(flat)
    codes = reference.transform(flat)
    model, x = fitted(images, d), to_float(images)
    assert np.abs(model.latents(x).numpy() - codes).max() <= TOLERANCE
    z = 3 * torch.from_numpy(codes).float()  # out beyond the images, where the line leaves [0, 1]
    expected = reference.inverse_transform(3 * codes).reshape(-1, *shape)
    assert np.abs(model.decode(z).numpy() - expected).max() <= TOLERANCE
    assert np.abs(model.images(z).numpy() - expected.clip(0, 1)).max() <= TOLERANCE


@pytest.mark.parametrize("d", [1, 2, 10, 64])
def test_its_loss_is_the_variance_it_leaves_out(d: int) -> None:
    """Eckart and Young (1936): the mean squared error is the sum of the covariance's other eigenvalues."""
    images = torch.tensor(DIGITS.images)
    flat = DIGITS.images.reshape(len(images), -1) / 255
    left_out = np.linalg.eigvalsh(np.cov(flat.T, bias=True))[: 64 - d].sum()
    model = fitted(images, d)
    assert model.loss(to_float(images)).double().mean().item() == pytest.approx(left_out, rel=1e-5, abs=1e-8)


def test_the_components_are_orthonormal_and_their_signs_settled() -> None:
    images = torch.tensor(DIGITS.images)
    components, mean = principal_components(images, 5, seed=0)
    torch.testing.assert_close(components @ components.T, torch.eye(5, dtype=torch.float64))
    torch.testing.assert_close(mean, images.flatten(1).double().mean(dim=0) / 255)
    largest = components.gather(1, components.abs().argmax(dim=1, keepdim=True))
    assert (largest > 0).all()
    assert torch.equal(components, principal_components(images, 5, seed=1)[0])


def test_clamping_brings_no_image_farther_away() -> None:
    x = to_float(torch.tensor(DIGITS.images))
    model = fitted(torch.tensor(DIGITS.images), 2)
    shown = (model.images(model.latents(x)) - x).square().flatten(1).sum(dim=1)
    assert (shown <= model.loss(x) + 1e-6).all()
    assert shown.mean() < 0.999 * model.loss(x).mean()  # and some nearer


@pytest.mark.parametrize(("d", "shape"), [(65, (1, 8, 8)), (256, (1, 8, 31))])
def test_more_components_than_pixels_are_refused(d: int, shape: Shape) -> None:
    with pytest.raises(ConfigError, match=f"latent_dim = {d}: there are no more .* numbers in an image"):
        build(ModelConfig(kind="pca", latent_dim=d), shape)
    assert build(ModelConfig(kind="pca", latent_dim=d - 1 if d == 65 else 248), shape).shape == shape


@pytest.mark.parametrize("shape", [(2, 8, 8), (1, 7, 8), (1, 8, 65)])
def test_images_that_do_not_fit_are_refused(shape: Any) -> None:
    with pytest.raises(ConfigError, match="do not fit"):
        build(ModelConfig(kind="pca"), shape)
