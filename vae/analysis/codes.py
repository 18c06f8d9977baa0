"""The codes of a whole set of images: what a latent map is drawn from."""

from dataclasses import dataclass

import numpy as np
import torch

from vae.data import ImageSet
from vae.models import VAE, Model
from vae.pixels import to_float

ENCODE_BATCH = 2048


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


@torch.no_grad()
def encode_set(model: Model, image_set: ImageSet) -> Codes:
    """Encode every image, in batches."""
    means, sigmas = [], []
    for batch in torch.from_numpy(image_set.images.copy()).split(ENCODE_BATCH):
        if isinstance(model, VAE):
            q = model.encode(to_float(batch))
            means.append(q.mean)
            sigmas.append(q.stddev)
        else:
            means.append(model.encode(to_float(batch)))
    return Codes(
        mu=torch.cat(means).numpy(),
        sigma=torch.cat(sigmas).numpy() if sigmas else None,
        labels=None if image_set.labels is None else image_set.labels.astype(np.int32),
    )
