"""Models: networks, likelihoods, and the kinds built from them."""

import torch

from vae.config import Kind, ModelConfig
from vae.models.autoencoder import Autoencoder
from vae.models.pca import PCA
from vae.models.vae import VAE
from vae.network_sizes import Shape

Model = Autoencoder | VAE | PCA
KINDS: dict[Kind, type[Autoencoder] | type[VAE] | type[PCA]] = {"ae": Autoencoder, "vae": VAE, "pca": PCA}


def build(config: ModelConfig, shape: Shape, seed: int = 0) -> Model:
    """A model with fresh weights, the same for the same seed; torch's global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return KINDS[config.kind](config, shape)


__all__ = ["PCA", "VAE", "Autoencoder", "Model", "build"]
