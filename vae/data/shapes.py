"""Shapes drawn from known factors, in the manner of dSprites (Matthey et al., 2017).

Because every image is drawn from numbers we chose, "which z follows which factor" becomes a thing to measure.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae.data.image_set import ImageSet
from vae.errors import DataError

SIZE = 32  # pixels, both ways
CLASS_NAMES = ("square", "ellipse", "triangle")
FACTOR_NAMES = ("shape", "x", "y", "scale", "rotation")

MAX_OFFSET = 6.0  # pixels from the image's centre; with the largest radius a shape still lies wholly inside
RADIUS_RANGE = (5.0, 9.0)  # pixels, of the circle around the shape
# A square looks the same after a quarter turn. A wider range would give one image several rotations, and no encoder
# could tell which of them was meant.
MAX_ROTATION = 45.0  # degrees

COUNTS = {"train": 20_000, "test": 4_000}
_STREAMS = {"train": 0, "test": 1}
_CHUNK = 1_000  # images drawn at once: keeps the intermediate arrays in a few megabytes

Array = NDArray[np.floating]


def load_shapes(
    name: str, split: str, licence: str, credit: str, *, count: int | None = None, seed: int = 0
) -> ImageSet:
    """White shapes on black, 1 x 32 x 32, with independent, uniform factors; labels are the shape classes.

    Args:
        count: how many images; 20,000 (train) and 4,000 (test) unless told.
        seed: the splits of one seed are drawn from separate streams.
    """
    rng = np.random.default_rng([seed, _STREAMS[split]])
    factors = sample_factors(COUNTS[split] if count is None else count, rng)
    labels = factors[:, 0].astype(np.int64)
    return ImageSet(render(factors), labels, CLASS_NAMES, name, split, licence, credit, factors, FACTOR_NAMES)


def sample_factors(count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Factor vectors (count, 5), each factor uniform over its range and independent of the others."""
    columns = (
        rng.integers(len(CLASS_NAMES), size=count),
        rng.uniform(-MAX_OFFSET, MAX_OFFSET, count),
        rng.uniform(-MAX_OFFSET, MAX_OFFSET, count),
        rng.uniform(*RADIUS_RANGE, count),
        rng.uniform(-MAX_ROTATION, MAX_ROTATION, count),
    )
    return np.stack(columns, axis=1).astype(np.float32)


def render(factors: ArrayLike) -> NDArray[np.uint8]:
    """Draw factor vectors (N, 5) as images, uint8 (N, 1, 32, 32).

    The columns: shape (0 square, 1 ellipse, 2 triangle); x (pixels right of the centre); y (pixels below it); scale
    (radius of the surrounding circle, pixels); rotation (degrees, clockwise).

    Raises:
        DataError: the array has another shape, a number is not finite, a class is unknown or a scale not positive.
    """
    vectors = _check_factors(np.asarray(factors, dtype=np.float32))
    images = np.empty((len(vectors), 1, SIZE, SIZE), np.uint8)
    for label, distance in enumerate((_square, _ellipse, _triangle)):
        members = np.flatnonzero(vectors[:, 0] == label)
        for start in range(0, len(members), _CHUNK):
            chosen = members[start : start + _CHUNK]
            images[chosen, 0] = _draw(vectors[chosen], distance)
    return images


def _check_factors(vectors: Array) -> Array:
    if vectors.ndim != 2 or vectors.shape[1] != len(FACTOR_NAMES):
        raise DataError(f"Factors must have shape (N, {len(FACTOR_NAMES)}): {FACTOR_NAMES}, got {vectors.shape}.")
    if not np.isfinite(vectors).all():
        raise DataError("Factors must be finite numbers.")
    if not np.isin(vectors[:, 0], range(len(CLASS_NAMES))).all():
        raise DataError(f"The factor 'shape' must be 0, 1 or 2 ({', '.join(CLASS_NAMES)}).")
    if not (vectors[:, 3] > 0).all():
        raise DataError(f"The factor 'scale' must be positive, got {vectors[:, 3].min():g}.")
    return vectors


def _draw(vectors: Array, distance: Callable[[Array, Array, Array], Array]) -> NDArray[np.uint8]:
    """Coverage of each pixel, to first order: one half at the outline, falling off across one pixel."""
    _, x, y, radius, rotation = (column[:, np.newaxis, np.newaxis] for column in vectors.T)
    centres = np.arange(SIZE, dtype=np.float32) - np.float32((SIZE - 1) / 2)
    right, down = centres[np.newaxis, np.newaxis, :] - x, centres[np.newaxis, :, np.newaxis] - y
    cos, sin = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))
    signed_distance = distance(cos * right + sin * down, cos * down - sin * right, radius)
    return np.rint(255 * np.clip(0.5 - signed_distance, 0, 1)).astype(np.uint8)


# Signed distances in pixels, negative inside, of points (u, v) in the shape's own frame (v points down).
# For a polygon the largest distance to an edge line is exact inside it and beside an edge.


def _square(u: Array, v: Array, radius: Array) -> Array:
    return np.maximum(np.abs(u), np.abs(v)) - radius * np.float32(np.sqrt(1 / 2))


def _triangle(u: Array, v: Array, radius: Array) -> Array:
    slanted = np.float32(np.sqrt(3 / 4)) * np.abs(u) - v / 2  # the two upper edges; the apex points up
    return np.maximum(slanted, v) - radius / 2


def _ellipse(u: Array, v: Array, radius: Array) -> Array:
    """Twice as wide as high; distance to first order, f / |grad f| with f the radius in units of the outline's."""
    level = np.hypot(u, 2 * v) / radius
    slope = np.hypot(u, 4 * v) / (radius**2)
    tiny = np.float32(1e-6)  # at the very centre both vanish; any negative distance is right there
    return np.maximum(level, tiny) * (level - 1) / np.maximum(slope, tiny)
