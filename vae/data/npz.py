"""A file of arrays as a set: `images`, and perhaps `labels` and `class_names`. Nothing in it is ever unpickled."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae.data.folder import one_line
from vae.data.image_set import ImageSet
from vae.data.own import CREDIT, LICENCE
from vae.errors import DataError

ONE_IN = 10  # images, spread evenly, are kept for the test set
MOST_TEST_IMAGES = 10_000
WANTED = "images: uint8, or floats in [0, 1] or 0..255, of shape (N, H, W), (N, H, W, C) or (N, C, H, W), C = 1 or 3"
Shape = tuple[int, int, int]


def load_npz(path: Path, name: str, split: str) -> ImageSet:
    """Raises DataError naming the array that is missing or wrong."""
    with _opened(path) as file:
        images = _as_bytes(_array(file, path, "images"), path)
        labels, class_names = _labels(file, path, len(images))
    chosen = _chosen(len(images), path)[split]
    return ImageSet(
        images[chosen], None if labels is None else labels[chosen], class_names, name, split, LICENCE, CREDIT
    )


def sizes_of_npz(path: Path) -> tuple[int, int, Shape]:
    """Training images, test images and the shape of one, from the header of the array. Raises DataError."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("images.npy") as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape = read(file)[0]
    except (KeyError, ValueError, OSError, zipfile.BadZipFile):
        train_set, test_set = load_npz(path, "", "train"), load_npz(path, "", "test")  # which says what is wrong
        return len(train_set), len(test_set), train_set.shape
    split = _chosen(shape[0] if shape else 0, path)
    return len(split["train"]), len(split["test"]), _channels_first(shape, path)[1]


def _chosen(count: int, path: Path) -> dict[str, NDArray[np.int64]]:
    """Which images train, and which are kept for the test: every tenth, or so many that there are at most 10,000."""
    if count < 2:
        raise DataError(f"{path} holds {count} images; two or more are needed, one of them for the test.")
    is_test = np.arange(count) % max(ONE_IN, -(-count // MOST_TEST_IMAGES)) == 0
    return {"train": np.flatnonzero(~is_test), "test": np.flatnonzero(is_test)}


def _opened(path: Path) -> Any:
    try:
        file = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise DataError(f"There is no file {path}. Write npz:PATH with the path of an .npz file.") from None
    except Exception as fault:  # numpy, zip and zlib raise a dozen kinds for a damaged file
        raise DataError(f"{path} cannot be read as an .npz file ({one_line(fault)}).") from None
    if not hasattr(file, "files"):
        raise DataError(f"{path} holds a single array without a name. Write it with numpy.savez(path, images=...).")
    return file


def _array(file: Any, path: Path, key: str) -> NDArray[Any]:
    try:
        found = file[key]
    except KeyError:
        there = ", ".join(map(str, file.files[:8])) or "none"
        raise DataError(f"{path} holds no array named {key!r}; it has {there}. Wanted: {WANTED}.") from None
    except Exception as fault:  # a pickle, a damaged member, an array too large
        raise DataError(f"{path}: the array {key!r} cannot be read ({one_line(fault)}).") from None
    if not isinstance(found, np.ndarray):  # numpy gives the bytes of a member that it does not know
        raise DataError(f"{path}: the array {key!r} cannot be read (it is no array).")
    return found


def _channels_first(shape: tuple[int, ...], path: Path) -> tuple[tuple[int, ...], Shape]:
    """How to order the axes of `images` so that they are (N, C, H, W) (none: C is missing), and the shape of one."""
    if len(shape) == 3:
        return (), (1, shape[1], shape[2])
    if len(shape) == 4 and shape[3] in (1, 3):
        return (0, 3, 1, 2), (shape[3], shape[1], shape[2])
    if len(shape) == 4 and shape[1] in (1, 3):
        return (0, 1, 2, 3), (shape[1], shape[2], shape[3])
    raise DataError(f"{path}: images have the shape {shape}. Wanted: {WANTED}.")


def _as_bytes(images: NDArray[Any], path: Path) -> NDArray[np.uint8]:
    """uint8 (N, C, H, W). Floats are taken for [0, 1] when none of them is above 1."""
    order, shape = _channels_first(images.shape, path)
    if images.dtype == bool:
        images = images.astype(np.uint8) * 255
    elif np.issubdtype(images.dtype, np.number) and not np.issubdtype(images.dtype, np.complexfloating):
        images = _scaled(images, path)
    else:
        raise DataError(f"{path}: images are of type {images.dtype}. Wanted: {WANTED}.")
    return images.transpose(order) if order else images.reshape(-1, *shape)


def _scaled(images: NDArray[Any], path: Path) -> NDArray[np.uint8]:
    if images.dtype == np.uint8 or images.size == 0:
        return images.astype(np.uint8)
    low, high = float(images.min()), float(images.max())
    if not (low >= 0 and high <= 255):  # nan compares as false
        raise DataError(f"{path}: images run from {low:g} to {high:g}. Wanted: {WANTED}.")
    factor = 255 if high <= 1 and np.issubdtype(images.dtype, np.floating) else 1
    return np.rint(images * factor).astype(np.uint8)


def _labels(file: Any, path: Path, count: int) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """Labels as indices, and the names of the classes: those given, or else the numbers themselves."""
    if "labels" not in file.files:
        return None, ()
    labels = _array(file, path, "labels")
    if labels.shape != (count,) or not np.issubdtype(labels.dtype, np.integer):
        raise DataError(
            f"{path}: labels must be integers of shape ({count},), got {labels.dtype} of shape {labels.shape}."
        )
    if "class_names" not in file.files:
        values, indices = np.unique(labels, return_inverse=True)
        return indices.astype(np.int64), tuple(str(value) for value in values)
    class_names = tuple(str(name) for name in np.ravel(_array(file, path, "class_names")))
    if labels.min() < 0 or labels.max() >= len(class_names):
        raise DataError(
            f"{path}: labels run from {labels.min()} to {labels.max()}, but there are {len(class_names)} class names."
        )
    return labels.astype(np.int64), class_names
