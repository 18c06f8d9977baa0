"""The codes of a set of images, and the file a checkpoint keeps those of its test set in. No torch here."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from vae.errors import CheckpointError

LATENTS = "latents.safetensors"


@dataclass(frozen=True)
class Codes:
    """Mean codes of N images, the spread of q around them where the model has one, and the labels where the data do."""

    mu: np.ndarray  # (N, d) float32
    sigma: np.ndarray | None  # (N, d) float32
    labels: np.ndarray | None  # (N,) int32

    def sample(self, rng: np.random.Generator) -> np.ndarray:
        """One z (N, d) for each image: a draw from q where there is one, the code itself otherwise."""
        if self.sigma is None:
            return self.mu
        return self.mu + self.sigma * rng.standard_normal(self.mu.shape, dtype=np.float32)


def load_codes(folder: Path | str) -> Codes:
    """The stored codes of a checkpoint folder: those of its test set.

    Raises CheckpointError, naming the file, when it is missing, damaged, or holds no codes.
    """
    path = Path(folder) / LATENTS
    try:
        stored = load_file(path)
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing: the model has no stored codes. Train or copy it again.") from None
    except (SafetensorError, OSError, KeyError) as error:  # KeyError: a number format that numpy has not
        raise CheckpointError(f"{path} is damaged or no safetensors file: {error}") from None
    mu, sigma, labels = (stored.pop(name, None) for name in ("mu", "sigma", "labels"))
    if stored:
        raise CheckpointError(f"{path} holds, beside codes, {', '.join(sorted(stored)[:3])}")
    if mu is None or mu.ndim != 2 or 0 in mu.shape or mu.dtype != np.float32 or not np.isfinite(mu).all():
        raise CheckpointError(f"{path} holds no codes: wanted mu, finite float32 of shape (images, d)")
    if sigma is not None and not (sigma.shape == mu.shape and sigma.dtype == mu.dtype and _are_spreads(sigma)):
        raise CheckpointError(f"{path}: sigma must be float32, 0 or more, of the shape of mu, {mu.shape}")
    if labels is not None and not (labels.shape == mu.shape[:1] and labels.dtype == np.int32):
        raise CheckpointError(f"{path}: labels must be int32, one for each of the {len(mu)} codes")
    return Codes(mu, sigma, labels)


def _are_spreads(sigma: np.ndarray) -> bool:
    return bool((np.isfinite(sigma) & (sigma >= 0)).all())
