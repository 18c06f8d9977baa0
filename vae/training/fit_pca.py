"""Fitting principal components: one step, told as a training of one epoch."""

import time
from collections.abc import Iterator

import torch
from torch import Tensor

from vae.analysis.averages import measure
from vae.config import ModelConfig, TrainingConfig
from vae.errors import ConfigError
from vae.models import PCA
from vae.training.events import Done, EpochDone, Event, Started
from vae.training.state import TrainingState


def fit_pca(state: TrainingState, config: TrainingConfig, train_images: Tensor, test_images: Tensor) -> Iterator[Event]:
    """Fit a PCA, unless `state` says that it has been, yielding the events of a training of one epoch.

    Images are uint8 (N, C, H, W). There is nothing to stop half-way. No setting of training but the seed has a part in
    it, and that only where the images are so large that scikit-learn takes its randomised solver.
    """
    model = state.model
    assert isinstance(model, PCA)
    parameters = sum(p.numel() for p in model.parameters())
    yield Started(1, state.epoch + 1, len(train_images), parameters)
    if state.epoch == 0:
        started = time.perf_counter()
        model.set_components(*principal_components(train_images, model.config.latent_dim, config.seed))
        state.seconds = time.perf_counter() - started
        state.epoch = 1
        yield EpochDone(
            epoch=1,
            train=measure(model, train_images),
            test=measure(model, test_images),
            seconds=state.seconds,
            images_per_second=len(train_images) / state.seconds,
            beta=0.0,
            learning_rate=0.0,
        )
    yield Done(state.epoch, state.seconds)


def check_enough(images: int, config: ModelConfig) -> None:
    """Raises ConfigError when there are fewer images than components."""
    if images < config.latent_dim:
        raise ConfigError(
            f"latent_dim = {config.latent_dim}: there are no more principal components than images, {images}"
        )


def principal_components(images: Tensor, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """W (count, pixels) and the mean (pixels,) in float64 of uint8 images (N, C, H, W), scaled to [0, 1].

    The sign of a row is scikit-learn's: its largest entry is positive.
    """
    from sklearn import decomposition  # when first asked: most runs end without it

    flat = images.flatten(1).double().div_(255).numpy()
    fitted = decomposition.PCA(n_components=count, random_state=seed).fit(flat)
    return torch.from_numpy(fitted.components_), torch.from_numpy(fitted.mean_)
