"""A run that lives in a folder: data in, events out, a checkpoint at the end, resumable after every epoch.

What is told of an epoch, its events and its frame of the film, is written before `resume.safetensors` says that the
epoch is done: whatever kills the run, nothing of a whole epoch is missing.
"""

import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
from vae.training.controls import ControlFile, Controls, deleted
from vae.training.events import Changed, Done, EpochDone, Event, Saved, Stopped
from vae.training.film import Film
from vae.training.fit_pca import check_enough, fit_pca
from vae.training.journal import CONFIG, LOCK, read_config
from vae.training.loop import TrainingState, train
from vae.training.recorder import Recorder, recording
from vae.training.resume import FILE, load_state, save_changes, save_state, saved_config


@dataclass(frozen=True)
class _Data:
    train: ImageSet
    test: ImageSet
    fit_on: np.ndarray  # uint8 (N, C, H, W)
    measure_on: np.ndarray

    @classmethod
    def of(cls, config: RunConfig) -> "_Data":
        train_set, test_set = load(config.dataset, "train"), load(config.dataset, "test")
        fit_on, measure_on = _split(train_set, test_set, config.training.held_out)
        if config.model.kind == "pca":
            check_enough(len(fit_on), config.model)
        return cls(train_set, test_set, fit_on, measure_on)


def run(
    config: RunConfig, folder: Path, resume: bool = False, stop: Callable[[], bool] = lambda: False
) -> Iterator[Event]:
    """Train `config` into `folder`. Yields the loop's events, and Saved whenever the folder is up to date.

    Before each batch `stop` is asked, and what `control.json` in the folder holds. With `resume` the folder's own run
    goes on, or begins when it has only been queued.

    Raises CheckpointError when the folder holds something else, BusyError when another process trains in it, DataError,
    ConfigError; OSError when it cannot be written, with what was saved before intact.
    """
    if resume:
        run_config(folder)  # before anything is written: there must be a run
        with recording(folder, config) as recorder:
            data = _Data.of(config)
            begun = (folder / FILE).is_file() or (folder / checkpoint.CARD).is_file()
            state = load_state(folder, config, data.train.hash) if begun else _fresh(config, data)
            yield from _steps(config, folder, data, state, recorder, stop)
        return
    data = _Data.of(config)
    state = _fresh(config, data)
    claim(folder)  # once it is known that there is a model to put there
    with recording(folder, config) as recorder:
        yield from _steps(config, folder, data, state, recorder, stop)


def run_config(folder: Path) -> RunConfig:
    """The settings of the run in `folder`, begun or queued. Raises CheckpointError when there is none."""
    return read_config(folder) if (folder / CONFIG).is_file() else saved_config(folder)


def _fresh(config: RunConfig, data: _Data) -> TrainingState:
    model = build(config.model, data.train.shape, config.training.seed)
    return TrainingState.fresh(model, config.training.learning_rate)


def _steps(
    config: RunConfig,
    folder: Path,
    data: _Data,
    state: TrainingState,
    recorder: Recorder,
    stop: Callable[[], bool],
) -> Iterator[Event]:
    """The events of the loop, each written down before it is told."""
    recorder.begin(state.epoch)
    film = Film(folder, data.test)
    if state.epoch == 0:
        film.add(0, state.model)
    save_state(folder, state, config, data.train.shape, data.train.hash)
    for event in _events(config, folder, data, state, stop):
        if isinstance(event, Changed):
            save_changes(folder, state.changes)  # before anything is done by them
        if isinstance(event, Done | Stopped) and state.epoch > 0:
            if isinstance(event, Stopped):
                recorder.stopping()
            if not folder.is_dir():
                raise CheckpointError(deleted(folder))
            _save_checkpoint(folder, config, state, data.train, data.test)
            yield Saved(state.epoch, str(folder))
        recorder.hear(event)
        yield event
        if isinstance(event, EpochDone):
            film.add(state.epoch, state.model)
            save_state(folder, state, config, data.train.shape, data.train.hash)
            saved = Saved(state.epoch, str(folder))
            recorder.hear(saved)
            yield saved


def _events(
    config: RunConfig, folder: Path, data: _Data, state: TrainingState, stop: Callable[[], bool]
) -> Iterator[Event]:
    images = torch.from_numpy(data.fit_on), torch.from_numpy(data.measure_on)
    if config.model.kind == "pca":
        return fit_pca(state, config.training, *images)
    asked = ControlFile(folder)

    def controls() -> Controls:
        return asked().model_copy(update={"stop": True}) if stop() else asked()

    return train(state, config.training, *images, controls)


def claim(folder: Path) -> None:
    """Make `folder`. Raises CheckpointError when something already lies there, which is left alone.

    What a process leaves that is killed before it has written its settings is nothing.
    """
    if folder.is_file() or (folder.is_dir() and any(not _is_nothing(path) for path in folder.iterdir())):
        raise CheckpointError(f"{folder} is not empty; choose another --out, or add --resume to go on with its run")
    folder.mkdir(parents=True, exist_ok=True)


def _is_nothing(path: Path) -> bool:
    return path.name == LOCK or path.name.startswith(f".{CONFIG}.")


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
            ink=train_set.is_ink,
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
            changes=tuple(state.changes),
        ),
        metrics=evaluate(model, test_set, name=folder.resolve().name),
        versions={"python": platform.python_version()} | {name: version(name) for name in ("torch", "numpy")},
    )
    checkpoint.save(folder, model, card, encode_set(model, test_set))
