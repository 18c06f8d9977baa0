"""The same images through a model and back: what comes out, and what is lost."""

from dataclasses import dataclass

import numpy as np
import torch

from vae.models import Model
from vae.pixels import to_float


@dataclass(frozen=True)
class Reconstruction:
    """Images (N, C, H, W) and what a model makes of them, in [0, 1]."""

    originals: np.ndarray
    images: np.ndarray

    @property
    def differences(self) -> np.ndarray:
        """What the reconstruction has too much (above 0) or too little, in [-1, 1]."""
        return self.images - self.originals

    @property
    def mse(self) -> float:
        """Squared error per pixel, averaged over these images."""
        return float(np.mean(self.differences.astype(np.float64) ** 2))


@torch.no_grad()
def reconstruct(model: Model, images: np.ndarray) -> Reconstruction:
    """uint8 images (N, C, H, W) to their mean codes and back."""
    x = to_float(torch.from_numpy(images.copy()))
    return Reconstruction(x.numpy(), model.images(model.latents(x)).numpy())
