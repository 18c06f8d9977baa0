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
    """Mean terms, in nats per image. The reconstruction of an AE or PCA is minus its loss, and it has no KL."""

    reconstruction: float
    kl_per_dimension: tuple[float, ...]

    @property
    def kl(self) -> float:
        return sum(self.kl_per_dimension)

    @property
    def elbo(self) -> float:
        return self.reconstruction - self.kl


class RunningAverages:
    """Sums of terms; batches wait unsummed until somebody asks, so that a training step pays nothing for them."""

    def __init__(self) -> None:
        self.images = 0
        self._reconstruction = 0.0
        self._kl: Tensor | None = None  # (d,) double
        self._waiting: list[Terms] = []

    def add(self, batch: Terms) -> None:
        self.images += len(batch.reconstruction)
        self._waiting.append(Terms(batch.reconstruction.detach(), batch.kl.detach()))

    def averages(self) -> Averages:
        self._sum_waiting()
        if self._kl is None:
            raise ValueError("no images were measured")
        kl = (self._kl / self.images).tolist()
        return Averages(reconstruction=self._reconstruction / self.images, kl_per_dimension=tuple(kl))

    def _sum_waiting(self) -> None:
        if not self._waiting:
            return
        self._reconstruction += float(torch.cat([each.reconstruction for each in self._waiting]).double().sum())
        kl = torch.cat([each.kl for each in self._waiting]).double().sum(dim=0)
        self._kl = kl if self._kl is None else self._kl + kl
        self._waiting.clear()


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
