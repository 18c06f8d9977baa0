"""Small handwritten digits that come inside scikit-learn: the set that is always there."""

from typing import Any

import numpy as np

from vae.data.image_set import ImageSet

CLASS_NAMES = tuple("0123456789")


def load_digits(name: str, split: str, licence: str, credit: str) -> ImageSet:
    """1,797 digits of 8 x 8 pixels; every fifth is kept for the test set (360), the rest trains (1,437)."""
    from sklearn import datasets

    bunch: Any = datasets.load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[:, np.newaxis]
    is_test = np.arange(len(images)) % 5 == 0
    chosen = is_test if split == "test" else ~is_test
    return ImageSet(images[chosen], bunch.target[chosen].astype(np.int64), CLASS_NAMES, name, split, licence, credit)
