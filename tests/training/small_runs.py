"""Runs on the embedded digits that take a moment."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from vae.config import RunConfig, from_flat
from vae.training.events import EpochDone, Event, Progress
from vae.training.run import run

IMAGES, BATCHES = 1437, 6  # of digits, at the default batch size
EPOCHS = 4
SMALL = {"dataset": "digits", "hidden": (12,), "epochs": EPOCHS}


def config_of(**values: Any) -> RunConfig:
    return from_flat(SMALL | values)


def events_of(config: RunConfig, folder: Path, **options: Any) -> list[Event]:
    return list(run(config, folder, **options))


def epochs_of(events: list[Event]) -> list[tuple[Any, ...]]:
    """All that an epoch tells, but for the time it took."""
    return [(e.epoch, e.train, e.test, e.beta, e.learning_rate) for e in events if isinstance(e, EpochDone)]


def names_of(events: list[Event]) -> list[str]:
    """But for progress, which comes by the clock."""
    return [type(event).__name__ for event in events if not isinstance(event, Progress)]


def files_of(folder: Path) -> dict[str, bytes]:
    """All but the lock, which is empty."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def tensors_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ("weights.safetensors", "latents.safetensors")}


def in_epoch(number: int, batch: int = 0) -> Callable[[], bool]:
    """Asks for a stop before that batch (of `BATCHES`) of that epoch."""
    asked = iter(range(10**9))
    return lambda: next(asked) >= (number - 1) * BATCHES + batch


def stopped_run(config: RunConfig, folder: Path, epoch: int, batch: int = 0) -> list[Event]:
    return events_of(config, folder, stop=in_epoch(epoch, batch))
