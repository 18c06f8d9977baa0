"""Encoding a whole set of images: what a latent map is drawn from."""

import numpy as np
import torch

from vae.codes import Codes
from vae.data import ImageSet
from vae.models import VAE, Model
from vae.pixels import to_float

ENCODE_BATCH = 2048


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
