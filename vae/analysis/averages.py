"""The objective's terms averaged over a set of images."""

from dataclasses import dataclass

import torch
from torch import Tensor

from vae.models import Model
from vae.objective import Terms, terms
from vae.pixels import to_float

MEASURE_BATCH = 2048


@dataclass(frozen=True)
class Averages:
    """Mean terms, in nats per image. An AE's reconstruction is minus its loss, and it has no KL."""

    reconstruction: float
    kl_per_dimension: tuple[float, ...]

    @property
    def kl(self) -> float:
        return sum(self.kl_per_dimension)

    @property
    def elbo(self) -> float:
        return self.reconstruction - self.kl


class RunningAverages:
    """Sums of terms, kept in tensors so that no training step waits for a Python number."""

    def __init__(self) -> None:
        self.images = 0
        self._reconstruction = torch.zeros((), dtype=torch.float64)
        self._kl: Tensor | None = None

    def add(self, batch: Terms) -> None:
        self.images += len(batch.reconstruction)
        self._reconstruction += batch.reconstruction.detach().sum()
        kl = batch.kl.detach().sum(dim=0).double()
        self._kl = kl if self._kl is None else self._kl + kl

    def averages(self) -> Averages:
        if self._kl is None:
            raise ValueError("no images were measured")
        kl = (self._kl / self.images).tolist()
        return Averages(reconstruction=float(self._reconstruction) / self.images, kl_per_dimension=tuple(kl))


@torch.no_grad()
def measure(model: Model, images: Tensor, seed: int = 0, samples: int = 1) -> Averages:
    """Mean terms over uint8 images (N, C, H, W), with `samples` draws of q for each image."""
    generator = torch.Generator().manual_seed(seed)
    was_training = model.training
    model.eval()
    running = RunningAverages()
    for _ in range(samples):
        for batch in images.split(MEASURE_BATCH):
            running.add(terms(model, to_float(batch), generator))
    model.train(was_training)
    return running.averages()
