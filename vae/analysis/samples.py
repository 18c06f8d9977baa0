"""Images with no image put in: z from the prior, decoded."""

import torch
from torch import Tensor

from vae.errors import ConfigError
from vae.models import VAE, Model

DECODE_BATCH = 1024


@torch.no_grad()
def sample_images(model: Model, count: int, seed: int) -> Tensor:
    """`count` mean images (N, C, H, W) in [0, 1] of z drawn from the model's prior.

    Raises ConfigError for a model that has no prior.
    """
    if not isinstance(model, VAE):
        raise ConfigError(f"a model of kind {model.config.kind!r} has no prior to draw from; choose a VAE")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        z = model.prior.sample((count,))
    return torch.cat([model.images(batch) for batch in z.split(DECODE_BATCH)])
