"""Small handwritten digits that come inside scikit-learn: the set that is always there."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from vae.data.image_set import ImageSet
from vae.errors import DataError

CLASS_NAMES = tuple("0123456789")


def load_digits(name: str, split: str, licence: str, credit: str) -> ImageSet:
    """1,797 digits of 8 x 8 pixels; every fifth is kept for the test set (360), the rest trains (1,437).

    Raises:
        DataError: scikit-learn's file of digits is not where it should be.
    """
    numbers = np.loadtxt(_file(), delimiter=",", dtype=np.uint8)  # a row: 64 pixels from 0 to 16, and the label
    images = np.rint(numbers[:, :64].reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8)
    labels = numbers[:, 64].astype(np.int64)
    is_test = np.arange(len(images)) % 5 == 0
    chosen = is_test if split == "test" else ~is_test
    return ImageSet(images[chosen], labels[chosen], CLASS_NAMES, name, split, licence, credit)


def _file() -> Path:
    """Found without importing scikit-learn: the second or two that this takes are the longest part of a run's start."""
    package = find_spec("sklearn")
    path = Path(package.origin if package and package.origin else "sklearn").parent / "datasets/data/digits.csv.gz"
    if not path.is_file():
        raise DataError(f"{path} is missing, the digits that come with scikit-learn; install scikit-learn anew")
    return path
