"""What `evaluate` does: the figures of a card and, when asked for, those that only evidence gives."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vae import checkpoint, evidence
from vae.analysis.evaluate import check_fits, evaluate
from vae.card import Metrics
from vae.data import ImageSet, load
from vae.errors import ConfigError
from vae.models import VAE, Model
from vae.pixels import to_float


def measure(
    folder: Path,
    dataset: str | None,
    split: str,
    binarized: bool,
    importance_samples: int | None,
    quadrature: bool,
    limit: int | None,
) -> Metrics:
    """Measure the checkpoint in `folder`. Raises VaeError for what cannot be had."""
    model = checkpoint.load(folder)
    card = model.card
    assert card is not None
    own = card.config
    image_set = load(dataset, split) if dataset else load(own.dataset, split, own.image_size)
    image_set = image_set if limit is None else image_set.head(limit)
    check_fits(model, image_set, str(folder))
    metrics = evaluate(model, image_set, card.name, binarized)
    seen = image_set.binarized() if binarized else image_set
    return metrics.model_copy(update=_evidence(model, seen, importance_samples, quadrature))


def _evidence(model: Model, image_set: ImageSet, importance_samples: int | None, quadrature: bool) -> dict[str, Any]:
    if importance_samples is None and not quadrature:
        return {}
    if not isinstance(model, VAE):
        raise ConfigError(f"a model of kind {model.config.kind!r} has no log p(x), and no bound on it; choose a VAE")
    x = to_float(torch.tensor(image_set.images))
    figures: dict[str, Any] = {}
    if importance_samples is not None:
        figures["importance_bound"] = evidence.importance_bound(model, x, importance_samples).double().mean().item()
    if quadrature:
        figures |= _by_quadrature(model, x)
    return figures


def _by_quadrature(model: VAE, x: Tensor) -> dict[str, float]:
    """log p(x), and the gap with the ELBO that it belongs to: the draws of q that `evaluate` takes are not in it."""
    average = evidence.measure_gap(model, x).average()
    return {
        "log_evidence": average.log_evidence.item(),
        "elbo": average.elbo.item(),
        "reconstruction": average.reconstruction.item(),
        "gap": average.gap.item(),
        "gap_error": average.error.item(),
    }
