"""A run that lives in a folder: data in, events out, a checkpoint at the end, resumable after every epoch."""

import platform
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from vae import checkpoint
from vae.analysis.codes import encode_set
from vae.analysis.evaluate import evaluate
from vae.card import Card, DataCard, TrainingCard
from vae.config import RunConfig
from vae.data import ImageSet, load
from vae.errors import CheckpointError, ConfigError
from vae.models import build
from vae.training.events import Done, EpochDone, Event, Saved, Stopped
from vae.training.fit_pca import check_enough, fit_pca
from vae.training.loop import TrainingState, train
from vae.training.resume import load_state, save_state

NEARLY_EMPTY = 26  # a tenth of full scale


def run(
    config: RunConfig, folder: Path, resume: bool = False, stop: Callable[[], bool] = lambda: False
) -> Iterator[Event]:
    """Train `config` into `folder`. Yields the loop's events, and Saved whenever the folder is up to date.

    Raises CheckpointError when the folder holds something else, DataError, ConfigError; OSError when it cannot be
    written, with what was saved before intact.
    """
    train_set, test_set = load(config.dataset, "train"), load(config.dataset, "test")
    fit_on, measure_on = _split(train_set, test_set, config.training.held_out)
    fitted_at_once = config.model.kind == "pca"
    if fitted_at_once:
        check_enough(len(fit_on), config.model)
    if resume:
        state = load_state(folder, config, train_set.hash)
    else:
        model = build(config.model, train_set.shape, config.training.seed)
        claim(folder)  # once it is known that there is a model to put there
        state = TrainingState.fresh(model, config.training.learning_rate)
        save_state(folder, state, config, train_set.shape, train_set.hash)
    images = torch.from_numpy(fit_on), torch.from_numpy(measure_on)
    steps = fit_pca(state, config.training, *images) if fitted_at_once else train(state, config.training, *images, stop)
    for event in steps:
        if isinstance(event, Done | Stopped) and state.epoch > 0:
            _save_checkpoint(folder, config, state, train_set, test_set)
            yield Saved(state.epoch, str(folder))
        yield event
        if isinstance(event, EpochDone):
            save_state(folder, state, config, train_set.shape, train_set.hash)
            yield Saved(state.epoch, str(folder))


def claim(folder: Path) -> None:
    """Make `folder`. Raises CheckpointError when something already lies there, which is left alone."""
    if (folder.is_dir() and any(folder.iterdir())) or folder.is_file():
        raise CheckpointError(f"{folder} is not empty; choose another --out, or add --resume to go on with its run")
    folder.mkdir(parents=True, exist_ok=True)


def is_ink(image_set: ImageSet) -> bool:
    """Whether the images are grey strokes on an empty ground: more than half of the pixels are nearly 0."""
    return image_set.shape[0] == 1 and float((image_set.images < NEARLY_EMPTY).mean()) > 0.5


def _split(train_set: ImageSet, test_set: ImageSet, held_out: int) -> tuple[np.ndarray, np.ndarray]:
    if held_out == 0:
        return train_set.images.copy(), test_set.images.copy()
    if held_out >= len(train_set):
        raise ConfigError(f"held_out = {held_out} leaves nothing of {len(train_set)} training images; take fewer")
    return train_set.images[:-held_out].copy(), train_set.images[-held_out:].copy()


def _save_checkpoint(
    folder: Path, config: RunConfig, state: TrainingState, train_set: ImageSet, test_set: ImageSet
) -> None:
    train_images = len(train_set) - config.training.held_out
    # What is measured is what is stored: rounded weights are loaded back before they are evaluated.
    model = build(config.model, train_set.shape)
    model.load_state_dict(checkpoint.rounded(state.model.state_dict(), config.storage))
    model.eval()
    card = Card(
        name=folder.resolve().name,
        config=config,
        data=DataCard(
            name=train_set.name,
            hash=train_set.hash,
            shape=train_set.shape,
            class_names=train_set.class_names,
            ink=is_ink(train_set),
            train_images=train_images,
            test_images=len(test_set),
            licence=train_set.licence,
            credit=train_set.credit,
        ),
        parameters=sum(p.numel() for p in model.parameters()),
        training=TrainingCard(
            epochs=state.epoch,
            seconds=round(state.seconds, 1),
            images_per_second=round(state.epoch * train_images / state.seconds),
            finished=datetime.now(UTC).replace(microsecond=0),
        ),
        metrics=evaluate(model, test_set, name=folder.resolve().name),
        versions={"python": platform.python_version()} | {name: version(name) for name in ("torch", "numpy")},
    )
    checkpoint.save(folder, model, card, encode_set(model, test_set))
