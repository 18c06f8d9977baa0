"""What a classifier makes of decoded images: how many look like something, and like how many things."""

import numpy as np

SURE = 0.9


def confident_share(probabilities: np.ndarray) -> float:
    """Share of images, with class probabilities (N, K), that are called one class with probability at least 0.9."""
    return float(_is_sure(probabilities).mean())


def class_entropy(probabilities: np.ndarray) -> float | None:
    """Entropy, in nats, of the classes of those images that are called one with probability at least 0.9.

    log K when each of K classes is called as often as any other, 0 when it is always the same one, None when there is
    no such image.
    """
    sure = probabilities[_is_sure(probabilities)]
    if len(sure) == 0:
        return None
    shares = np.unique(sure.argmax(axis=1), return_counts=True)[1] / len(sure)
    return float(-(shares * np.log(shares)).sum()) + 0.0  # no minus zero


def _is_sure(probabilities: np.ndarray) -> np.ndarray:
    return probabilities.max(axis=1) >= SURE
