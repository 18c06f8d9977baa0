"""Models: networks, likelihoods, and the kinds built from them."""

import torch

from vae.config import ModelConfig
from vae.models.autoencoder import Autoencoder
from vae.models.networks import Shape
from vae.models.vae import VAE

Model = Autoencoder | VAE
KINDS: dict[str, type[Autoencoder] | type[VAE]] = {"ae": Autoencoder, "vae": VAE}


def build(config: ModelConfig, shape: Shape, seed: int = 0) -> Model:
    """A model with fresh weights, the same for the same seed; torch's global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return KINDS[config.kind](config, shape)


__all__ = ["VAE", "Autoencoder", "Model", "build"]
