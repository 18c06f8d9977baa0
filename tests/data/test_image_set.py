"""ImageSet refuses what it does not promise, cannot be changed, and its hash names exactly its data."""

import hashlib
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from vae.data import ImageSet
from vae.errors import DataError

SHAPES = st.tuples(st.integers(1, 5), st.sampled_from([1, 3]), st.integers(1, 4), st.integers(1, 4))
IMAGES = arrays.arrays(np.uint8, SHAPES)


def image_set(images: np.ndarray, labels: np.ndarray | None = None) -> ImageSet:
    class_names = () if labels is None else tuple("abcdefghij")
    return ImageSet(images, labels, class_names, "tiny", "train", "MIT", "nobody")


def labelled(count: int = 4) -> ImageSet:
    images = np.arange(count * 6, dtype=np.uint8).reshape(count, 1, 2, 3)
    factors = np.arange(count * 2, dtype=np.float32).reshape(count, 2)
    return replace(image_set(images, np.arange(count)), factors=factors, factor_names=("size", "angle"))


def test_shape_length_and_repr():
    images = labelled()
    assert images.shape == (1, 2, 3)
    assert len(images) == 4
    assert repr(images) == "ImageSet('tiny', 'train', 4 images of 1 x 2 x 3)"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"images": np.zeros((2, 1, 4, 4), np.float32)}, r"uint8 array, got float32 \(2, 1, 4, 4\)"),
        ({"images": [[[[0]]]]}, "uint8 array, got list"),
        ({"images": np.zeros((4, 4, 4), np.uint8)}, r"\(N, C, H, W\)"),
        ({"images": np.zeros((4, 2, 4, 4), np.uint8)}, "C = 1 or 3"),
        ({"images": np.zeros((0, 1, 4, 4), np.uint8)}, "at least one image"),
        ({"labels": np.zeros(4, np.int32)}, r"int64 of shape \(4,\), got int32"),
        ({"labels": np.zeros(3, np.int64)}, r"int64 of shape \(4,\), got int64 \(3,\)"),
        ({"labels": np.full(4, -1)}, "labels run from -1 to -1"),
        ({"labels": np.full(4, 10)}, "to 10, but there are 10 class names"),
        ({"labels": None}, "names 10 classes but has no labels"),
        ({"factors": np.zeros((4, 3), np.float32)}, r"float32 of shape \(4, 2\)"),
        ({"factors": np.zeros((4, 2), np.float64)}, "got float64"),
        ({"factors": np.full((4, 2), np.nan, np.float32)}, "finite"),
        ({"factors": None}, "names 2 factors but has none"),
    ],
)
def test_wrong_content_is_refused_with_the_value_and_the_set_named(change: dict, said: str):
    with pytest.raises(DataError, match=said) as caught:
        replace(labelled(), **change)
    assert "'tiny' (train)" in str(caught.value)


def test_nothing_in_it_can_be_changed():
    images = labelled()
    assert images.labels is not None
    assert images.factors is not None
    for array in (images.images, images.labels, images.factors):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(FrozenInstanceError):
        images.name = "other"  # pyright: ignore[reportAttributeAccessIssue]


def test_the_callers_array_stays_writable():
    pixels = np.zeros((1, 1, 2, 2), np.uint8)
    image_set(pixels)
    pixels[0] = 1


@given(IMAGES)
def test_hash_is_sha256_of_shape_and_pixels(pixels: np.ndarray):
    assert image_set(pixels).hash == hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()


@given(IMAGES, st.data())
def test_hash_ignores_memory_layout_but_no_pixel(pixels: np.ndarray, data: st.DataObject):
    original = image_set(pixels).hash
    assert image_set(np.asfortranarray(pixels)).hash == original
    altered = pixels.copy()
    altered[tuple(data.draw(st.integers(0, length - 1)) for length in pixels.shape)] ^= data.draw(st.integers(1, 255))
    assert image_set(altered).hash != original


@given(IMAGES.filter(lambda pixels: pixels.shape[2] != pixels.shape[3]))
def test_hash_tells_the_same_bytes_in_another_shape_apart(pixels: np.ndarray):
    count, channels, height, width = pixels.shape
    assert image_set(pixels.reshape(count, channels, width, height)).hash != image_set(pixels).hash


def test_hash_covers_the_labels_but_not_the_name():
    images = labelled()
    assert images.labels is not None
    assert replace(images, labels=images.labels[::-1].copy()).hash != images.hash
    assert replace(images, labels=None, class_names=()).hash != images.hash
    assert replace(images, name="other", split="test").hash == images.hash


@given(st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_take_keeps_images_labels_and_factors_together(indices: list[int]):
    images = labelled()
    taken = images.take(indices)
    assert taken.labels is not None
    assert taken.factors is not None
    assert taken.labels.tolist() == indices
    assert taken.images[:, 0, 0, 0].tolist() == [6 * index for index in indices]
    assert taken.factors[:, 0].tolist() == [2 * index for index in indices]
    assert taken.class_names == images.class_names


def test_take_accepts_a_mask_and_a_slice_and_head_stops_at_the_end():
    images = labelled()
    by_mask = images.take(np.array([False, True, False, True]))
    assert by_mask.hash == images.take(slice(1, None, 2)).hash == images.take([1, 3]).hash
    assert images.head(2).hash == images.take([0, 1]).hash
    assert images.head(99).hash == images.hash


def test_take_of_an_unlabelled_set_stays_unlabelled():
    taken = image_set(np.zeros((3, 1, 2, 2), np.uint8)).take([0])
    assert taken.labels is None
    assert taken.factors is None
