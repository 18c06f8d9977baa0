"""The training images that decoded ones come nearest to: is it new, or learnt by heart?"""

import numpy as np

IMAGES_AT_ONCE = 4096


def nearest_images(images: np.ndarray, training: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each of images (n, ...) in [0, 1], the nearest of the uint8 training images (N, ...) with 0..255 as 0..1.

    Gives indices into `training`, int64 (n,), and Euclidean distances over pixels, float64 (n,). By
    |a - b|^2 = |a|^2 + |b|^2 - 2ab, some thousand training images at a time. Raises ValueError when shapes differ or
    there is no training image.
    """
    if images.shape[1:] != training.shape[1:] or len(training) == 0:
        raise ValueError(f"images {images.shape} have no nearest among training images {training.shape}")
    asked = images.reshape(len(images), -1).astype(np.float32)
    least = np.full(len(asked), np.inf, dtype=np.float32)  # of |b|^2 - 2ab: |a|^2 changes no order
    indices = np.zeros(len(asked), dtype=np.int64)
    for start in range(0, len(training), IMAGES_AT_ONCE):
        known = _flat(training[start : start + IMAGES_AT_ONCE])
        squares = np.einsum("ij,ij->i", known, known) - 2 * asked @ known.T
        found = squares.argmin(axis=1)
        value = squares[np.arange(len(asked)), found]
        nearer = value < least
        least[nearer], indices[nearer] = value[nearer], start + found[nearer]
    # Measured anew: the difference of large squares has lost the last digits of a small distance.
    distances = np.linalg.norm(asked.astype(np.float64) - _flat(training[indices]), axis=1)
    return indices, distances


def _flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
