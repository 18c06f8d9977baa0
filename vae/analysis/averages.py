"""The objective's terms averaged over a set of images."""

from collections.abc import Callable
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
        self._sums: Tensor | None = None  # (2 + d,) double: images, reconstruction, KL of each dimension
        self._waiting: list[Terms] = []

    def add(self, batch: Terms) -> None:
        self._waiting.append(Terms(batch.reconstruction.detach(), batch.kl.detach()))

    def averages(self, pooled: Callable[[Tensor], Tensor] = lambda sums: sums) -> Averages:
        """Over the images so far; `pooled` may turn their sums (2 + d,) into those of more images."""
        self._sum_waiting()
        if self._sums is None:
            raise ValueError("no images were measured")
        images, reconstruction, *kl = pooled(self._sums).tolist()
        return Averages(reconstruction / images, tuple(each / images for each in kl))

    def _sum_waiting(self) -> None:
        if not self._waiting:
            return
        reconstruction = torch.cat([each.reconstruction for each in self._waiting]).double()
        kl = torch.cat([each.kl for each in self._waiting]).double()
        images = reconstruction.new_tensor([len(reconstruction)])
        sums = torch.cat([images, reconstruction.sum(dim=0, keepdim=True), kl.sum(dim=0)])
        self._sums = sums if self._sums is None else self._sums + sums
        self._waiting.clear()


@torch.no_grad()
def measure(model: Model, images: Tensor, seed: int = 0, samples: int = 1) -> Averages:
    """Mean terms over uint8 images (N, C, H, W), with `samples` draws of q for each image."""
    generator = torch.Generator().manual_seed(seed)
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    running = RunningAverages()
    for _ in range(samples):
        for batch in images.split(MEASURE_BATCH):
            running.add(terms(model, to_float(batch.to(device)), generator))
    model.train(was_training)
    return running.averages()
