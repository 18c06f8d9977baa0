"""Settings changed while a run goes on: recorded with their place, so that an epoch done again is the same epoch."""

import sys
from collections.abc import Iterable

from vae.card import Change
from vae.config import CHANGEABLE, RunConfig, TrainingConfig, from_flat, to_flat
from vae.errors import ConfigError
from vae.training.controls import Controls

END_OF_EPOCH = sys.maxsize  # a batch that comes after every other


def settings_at(config: TrainingConfig, changes: Iterable[Change], epoch: int, batch: int) -> TrainingConfig:
    """The settings in force for that batch of that epoch. Warm-up and schedule keep their shape: they scale the new."""
    made = {change.name: change.new for change in changes if (change.epoch, change.batch) <= (epoch, batch)}
    return config.model_copy(update=made) if made else config


def with_epochs(config: RunConfig, epochs: int) -> RunConfig:
    """A run's settings with another end. A cosine still comes to its own end, and begins anew there.

    Raises ConfigError for epochs out of bounds, or fewer than a cosine was laid out for.
    """
    training = config.training
    changed: dict[str, object] = {"epochs": epochs}
    if training.schedule == "cosine" and epochs != training.epochs:
        if epochs < training.epochs:
            raise ConfigError(laid_out(epochs, training))
        changed["restarts"] = training.ends
    return from_flat(to_flat(config) | changed)


def laid_out(epochs: int, training: TrainingConfig) -> str:
    return f"epochs = {epochs}: the {training.schedule} schedule was laid out for {training.epochs} epochs"


def new_changes(asked: Controls, config: TrainingConfig, made: list[Change], epoch: int, batch: int) -> list[Change]:
    """What `asked` changes before that batch, beyond what was `made` already.

    A change made in an epoch that was cut short lies ahead of the run that resumes: it is not made again.
    """
    found: list[Change] = []
    for name in CHANGEABLE:
        wanted = getattr(asked, name)
        latest = next((change.new for change in reversed(made) if change.name == name), getattr(config, name))
        if wanted is not None and wanted != latest:
            old = getattr(settings_at(config, made, epoch, batch), name)
            found.append(Change(epoch=epoch, batch=batch, name=name, old=old, new=wanted))
    return found


def with_change(made: Iterable[Change], change: Change) -> list[Change]:
    """`made` and then `change`, which does away with later ones of the same setting: they belong to a cut epoch."""
    place = (change.epoch, change.batch)
    kept = [each for each in made if each.name != change.name or (each.epoch, each.batch) < place]
    return [*kept, change]
