"""Drawn shapes show the factors they were drawn from: checked by closed forms and by Pillow's polygons."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from vae.data import ImageSet, load
from vae.data.shapes import CLASS_NAMES, FACTOR_NAMES, MAX_OFFSET, MAX_ROTATION, RADIUS_RANGE, SIZE, load_shapes, render
from vae.errors import DataError

LABELS = st.integers(0, 2)
OFFSETS = st.floats(-MAX_OFFSET, MAX_OFFSET, width=32)
RADII = st.floats(*RADIUS_RANGE, width=32)
ROTATIONS = st.floats(-MAX_ROTATION, MAX_ROTATION, width=32)
FACTORS = st.tuples(LABELS, OFFSETS, OFFSETS, RADII, ROTATIONS)
# Of the square, the ellipse (half as high as wide) and the triangle inside a circle of radius 1.
UNIT_AREAS = (2, math.pi / 2, 3 * math.sqrt(3) / 4)


def coverage(*factors: float) -> np.ndarray:
    """One drawn image (32, 32), in [0, 1]."""
    return render([factors])[0, 0] / 255


def centroid(image: np.ndarray) -> np.ndarray:
    """(x, y) of the bright mass in pixels from the image's centre."""
    rows, columns = np.indices(image.shape) - (SIZE - 1) / 2
    return np.array([(image * columns).sum(), (image * rows).sum()]) / image.sum()


@pytest.fixture(scope="module")
def train() -> ImageSet:
    return load("shapes")


@given(FACTORS)
def test_area_follows_scale(factors: tuple):
    label, _, _, radius, _ = factors
    # First-order coverage is off by less than 0.1 along an outline shorter than the surrounding circle's.
    tolerance = 0.1 * 2 * math.pi * radius
    assert coverage(*factors).sum() == pytest.approx(UNIT_AREAS[label] * radius**2, abs=tolerance)


@given(LABELS, OFFSETS, OFFSETS, st.floats(5, 8.5), ROTATIONS)
def test_a_larger_scale_covers_every_pixel_at_least_as_much(label: int, x: float, y: float, radius: float, turn: float):
    smaller, larger = coverage(label, x, y, radius, turn), coverage(label, x, y, radius + 0.5, turn)
    assert (larger >= smaller).all()
    assert larger.sum() > smaller.sum()


@given(FACTORS)
def test_centroid_follows_x_and_y(factors: tuple):
    assert centroid(coverage(*factors)) == pytest.approx(factors[1:3], abs=0.15)


@given(FACTORS)
def test_shape_lies_wholly_inside_the_image(factors: tuple):
    image = coverage(*factors)
    assert image[[0, -1]].max() == image[:, [0, -1]].max() == 0
    assert image.max() == 1


@given(OFFSETS, OFFSETS, RADII, ROTATIONS)
def test_long_axis_of_the_ellipse_follows_rotation(x: float, y: float, radius: float, rotation: float):
    image = coverage(1, x, y, radius, rotation)
    rows, columns = np.indices(image.shape) - (SIZE - 1) / 2
    cx, cy = centroid(image)
    dx, dy = columns - cx, rows - cy
    angle = math.atan2(2 * (image * dx * dy).sum(), (image * (dx**2 - dy**2)).sum()) / 2
    assert math.degrees(angle) == pytest.approx(rotation, abs=1.5)


@given(OFFSETS, OFFSETS, RADII, ROTATIONS, st.sampled_from([(0, 90), (1, 180), (2, 120)]))
def test_each_shape_has_its_own_symmetry(x: float, y: float, radius: float, rotation: float, symmetry: tuple[int, int]):
    label, period = symmetry
    turned = coverage(label, x, y, radius, rotation + period)
    assert np.abs(turned - coverage(label, x, y, radius, rotation)).max() <= 2 / 255


@settings(max_examples=30)
@given(st.sampled_from([(0, 4, 45), (2, 3, 90)]), OFFSETS, OFFSETS, RADII, ROTATIONS)
def test_polygons_look_as_pillow_draws_them(
    polygon: tuple[int, int, int], x: float, y: float, radius: float, rotation: float
):
    label, corners, first_corner = polygon
    fine = 16
    angles = np.radians(rotation - first_corner + np.arange(corners) * 360 / corners)
    # Pillow measures from the middle of the first pixel, which on the fine canvas is 1/32 of a pixel from its corner.
    points = ((np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], 1) + SIZE / 2) * fine) - 0.5
    canvas = Image.new("L", (SIZE * fine, SIZE * fine))
    ImageDraw.Draw(canvas).polygon([(u, v) for u, v in points.tolist()], fill=255)
    expected = np.asarray(canvas).reshape(SIZE, fine, SIZE, fine).mean(axis=(1, 3)) / 255
    difference = np.abs(coverage(label, x, y, radius, rotation) - expected)
    assert difference.max() < 0.4  # at a corner, where first order is coarsest
    assert difference.mean() < 0.005


def test_pixel_at_the_very_centre_of_an_ellipse_is_white():
    assert coverage(1, 0.5, 0.5, 6, 0)[16, 16] == 1


def test_labels_and_factors_belong_to_the_images(train: ImageSet):
    assert train.factors is not None
    assert train.labels is not None
    assert (len(train), train.shape, train.class_names) == (20_000, (1, SIZE, SIZE), CLASS_NAMES)
    assert train.factor_names == FACTOR_NAMES
    assert (train.labels == train.factors[:, 0]).all()
    chosen = [3, 1_999, 19_999]
    assert (render(train.factors[chosen]) == train.images[chosen]).all()


def test_factors_are_uniform_and_independent(train: ImageSet):
    assert train.factors is not None
    assert train.labels is not None
    correlations = np.corrcoef(train.factors.T) - np.eye(5)
    assert np.abs(correlations).max() < 0.03  # four standard errors of 20,000 draws
    lows, highs = (-MAX_OFFSET, -MAX_OFFSET, 5, -MAX_ROTATION), (MAX_OFFSET, MAX_OFFSET, 9, MAX_ROTATION)
    for column, low, high in zip(train.factors.T[1:], lows, highs, strict=True):
        counts, _ = np.histogram(column, bins=10, range=(low, high))
        assert counts.sum() == len(train)
        assert np.abs(counts - 2_000).max() < 200
    assert np.abs(np.bincount(train.labels) - len(train) / 3).max() < 300


def test_splits_and_seeds_share_no_image_and_repeat_exactly(train: ImageSet):
    def draw(split: str, seed: int) -> ImageSet:
        return load_shapes("shapes", split, "MIT", "nobody", count=500, seed=seed)

    sets = [draw(split, seed) for seed in (0, 1) for split in ("train", "test")]
    vectors = np.concatenate([images.factors for images in sets if images.factors is not None])
    assert len(np.unique(vectors, axis=0)) == 2_000
    assert draw("train", 0).hash == sets[0].hash
    test = load("shapes", "test")
    assert len(test) == 4_000
    assert not set(map(bytes, test.images)) & set(map(bytes, train.images))


@pytest.mark.parametrize(
    ("factors", "said"),
    [
        ([0, 0, 0, 6, 0], r"shape \(N, 5\)"),
        ([[0, 0, 0, 6]], r"shape \(N, 5\).*got \(1, 4\)"),
        ([[3, 0, 0, 6, 0]], "0, 1 or 2"),
        ([[0.5, 0, 0, 6, 0]], "0, 1 or 2"),
        ([[0, 0, 0, 0, 0]], "positive, got 0"),
        ([[0, math.inf, 0, 6, 0]], "finite"),
    ],
)
def test_what_cannot_be_drawn_is_refused(factors: list, said: str):
    with pytest.raises(DataError, match=said):
        render(factors)
