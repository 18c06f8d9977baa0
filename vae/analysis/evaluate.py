"""What `evaluate` measures, and a card carries."""

import numpy as np
import torch
from pydantic import ValidationError

from vae.analysis.averages import measure
from vae.analysis.codes import ENCODE_BATCH, encode_set
from vae.analysis.factors import factor_information
from vae.card import Metrics
from vae.config import explain
from vae.data import ImageSet
from vae.errors import ConfigError, VaeError
from vae.models import VAE, Model
from vae.pixels import to_float

ELBO_SAMPLES = 16  # draws of q for each image
ACTIVE_VARIANCE = 0.01
NEIGHBOURS = 5


def evaluate(model: Model, image_set: ImageSet, name: str, binarized: bool = False, seed: int = 0) -> Metrics:
    """Measure a model on a set; with `binarized`, on its images split at one half.

    Raises VaeError when a figure is not finite.
    """
    image_set = image_set.binarized() if binarized else image_set
    codes = encode_set(model, image_set)
    if not np.isfinite(codes.mu).all():
        raise VaeError(f"{name} gives {image_set.name} codes that are not finite; its weights are unusable")
    images = torch.from_numpy(image_set.images.copy())
    figures = {}
    if isinstance(model, VAE):
        averages = measure(model, images, seed, ELBO_SAMPLES)
        figures = {
            "elbo": averages.elbo,
            "reconstruction": averages.reconstruction,
            "kl": averages.kl,
            "kl_per_dimension": averages.kl_per_dimension,
            "active_units": active_units(codes.mu),
        }
    if codes.labels is not None and len(image_set) > NEIGHBOURS:
        figures["knn_accuracy"] = knn_accuracy(codes.mu, codes.labels)
    if image_set.factors is not None:
        z = codes.sample(np.random.default_rng(seed))
        figures["factors"] = factor_information(z, image_set.factors, image_set.factor_names)
    try:
        return Metrics(
            model=name,
            dataset=image_set.name,
            split=image_set.split,
            images=len(image_set),
            binarized=binarized,
            mse=mean_squared_error(model, images),
            **figures,
        )
    except ValidationError as error:
        raise VaeError(f"{name} cannot be measured on {image_set.name}: {explain(error)}") from None


def check_fits(model: Model, image_set: ImageSet, name: str) -> None:
    """Raises ConfigError when the set's images are not of the model's shape."""
    if image_set.shape != model.shape:
        raise ConfigError(
            f"{name} takes images of shape {model.shape} (channels, height, width); {image_set.name} has "
            f"{image_set.shape}. Choose a set of that shape."
        )


@torch.no_grad()
def mean_squared_error(model: Model, images: torch.Tensor) -> float:
    """Squared error per pixel between uint8 images (N, C, H, W), scaled to [0, 1], and the image of their mean code."""
    total = 0.0
    for batch in images.split(ENCODE_BATCH):
        x = to_float(batch)
        total += (model.images(model.latents(x)) - x).square().sum().item()
    return total / images.numel()


def active_units(mu: np.ndarray) -> int:
    """How many dimensions of mu (N, d) vary over the data: Var_x(mu_j) > 0.01 (Burda et al. 2015, arXiv:1509.00519)."""
    return int((mu.var(axis=0) > ACTIVE_VARIANCE).sum())


def knn_accuracy(codes: np.ndarray, labels: np.ndarray) -> float:
    """Share of codes (N, d) whose 5 nearest others vote for their label (N,); a tie goes to the smaller label."""
    from sklearn.neighbors import NearestNeighbors  # when first asked: a run begins without it

    others = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(codes).kneighbors(return_distance=False)
    votes = np.apply_along_axis(np.bincount, 1, labels[others], minlength=labels.max() + 1)
    return float((votes.argmax(axis=1) == labels).mean())
