"""The exact gap of the same test images, after any epoch: what freezing one part of a VAE is watched by."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vae.config import ModelConfig
from vae.data import ImageSet
from vae.evidence import Evidence, Gap, log_evidence, measure_gap
from vae.models import VAE, Model
from vae.pixels import to_float
from vae.training.events import GapMeasured

IMAGES_AT_ONCE = 64  # seconds at most: between them it can be told to stop


class _Known(NamedTuple):
    """log p(x) of the chosen images under a decoder, which alone decides it."""

    images: int
    decoder: dict[str, Tensor]
    evidence: list[Evidence]  # of each part


class GapMeter:
    """Measures a fixed choice of test images: as many of each class as of any other, where there are classes."""

    def __init__(self, test_set: ImageSet) -> None:
        self._test_set = test_set
        self._known: _Known | None = None

    def measure(
        self, model: Model, epoch: int, images: int, is_stopped: Callable[[], bool] = lambda: False
    ) -> GapMeasured | None:
        """The averages over that many images; None when there are to be none, or no such figures.

        That is a model other than a VAE with d = 2, one whose figures are not finite (an encoder can give an unlikely
        image a sigma beyond all bounds, and then its ELBO is minus infinity), or a stop that was asked for meanwhile.

        log p(x) does not depend on the encoder. While only that is trained, log p(x) is taken from the last time, which
        saves most of the work, and is the same number rather than one within its error.
        """
        if images == 0 or not isinstance(model, VAE) or model.config.latent_dim != 2:
            return None
        x = to_float(torch.tensor(seen_by(model.config, evenly_chosen(self._test_set, images)).images))
        known = self._known_of(model, len(x))
        evidence: list[Evidence] = []
        gaps: list[Gap] = []
        for at, part in enumerate(x.split(IMAGES_AT_ONCE)):
            if is_stopped():
                return None
            evidence.append(known[at] if known else log_evidence(model, part))
            gaps.append(measure_gap(model, part, evidence[-1]))
        if all(each.isfinite().all() for part in evidence for each in part):  # an encoder gone astray misleads the grid
            decoder = {name: value.clone() for name, value in model.decoder.state_dict().items()}
            self._known = _Known(len(x), decoder, evidence)
        average = Gap(*(torch.cat(each) for each in zip(*gaps, strict=True))).average()
        return _told(average, epoch, len(x), is_binarized(model.config))

    def _known_of(self, model: VAE, images: int) -> list[Evidence] | None:
        """What is known of log p(x), if the decoder is, bit for bit, the one that it was measured with."""
        if self._known is None or self._known.images != images:
            return None
        now = model.decoder.state_dict()
        same = all(torch.equal(now[name], value) for name, value in self._known.decoder.items())
        return self._known.evidence if same else None


def evenly_chosen(image_set: ImageSet, count: int) -> ImageSet:
    """The first `count` images, taken from the classes in turn; fewer when there are fewer."""
    if image_set.labels is None:
        return image_set.head(count)
    turn = np.zeros(len(image_set), dtype=int)  # how many of its class come before an image
    for label in np.unique(image_set.labels):
        of_class = image_set.labels == label
        turn[of_class] = np.arange(of_class.sum())
    return image_set.take(np.sort(np.lexsort((image_set.labels, turn))[:count]))


def is_binarized(config: ModelConfig) -> bool:
    """Whether images are made black and white first: a Bernoulli is no density of grey values, the others are."""
    return config.likelihood == "bernoulli"


def seen_by(config: ModelConfig, image_set: ImageSet) -> ImageSet:
    """The images as a model with `config` has a log p(x) of them."""
    return image_set.binarized() if is_binarized(config) else image_set


def _told(average: Gap, epoch: int, images: int, binarized: bool) -> GapMeasured | None:
    figures = {name: value.item() for name, value in average._asdict().items()} | {"gap": average.gap.item()}
    if not all(math.isfinite(value) for value in figures.values()):
        return None
    return GapMeasured(epoch=epoch, images=images, binarized=binarized, **figures)
