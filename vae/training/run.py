"""A run that lives in a folder: data in, events out, a checkpoint at the end, resumable after every epoch.

What is told of an epoch, its events and its frame of the film, is written before `resume.safetensors` says that the
epoch is done: whatever kills the run, nothing of a whole epoch is missing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vae.card import CARD
from vae.config import RunConfig, TrainingConfig
from vae.data import lasting_name
from vae.errors import CheckpointError, ConfigError
from vae.models import build
from vae.training.changes import END_OF_EPOCH, new_changes, settings_at
from vae.training.controls import ControlFile, Controls, deleted
from vae.training.events import Changed, Done, EpochDone, Event, Saved, Stopped
from vae.training.film import Film
from vae.training.fit_pca import fit_pca
from vae.training.gap_meter import GapMeter
from vae.training.images import Held
from vae.training.journal import CONFIG, LOCK, read_config
from vae.training.loop import train
from vae.training.recorder import Recorder, recording
from vae.training.result import save_checkpoint
from vae.training.resume import FILE, load_state, save_changes, save_state, saved_config
from vae.training.run_data import RunData
from vae.training.state import TrainingState
from vae.training.team import Alone, Gathering


def run(
    config: RunConfig,
    folder: Path,
    resume: bool = False,
    stop: Callable[[], bool] = lambda: False,
    change: Controls | None = None,
    gathering: Gathering | None = None,
    workers: int = 0,
) -> Iterator[Event]:
    """Train `config` into `folder`. Yields the loop's events, and Saved whenever the folder is up to date.

    With `resume` the folder's own run goes on, or begins when it has only been queued.

    Args:
        stop: asked before each batch, as is what `control.json` in the folder holds.
        change: asked of a run that is resumed, and recorded, before its first batch.
        gathering: processes that take the steps together with this one.
        workers: processes that read a folder of pictures; see `RunData.of`.

    Raises CheckpointError when the folder holds something else, BusyError when another process trains in it, DataError,
    ConfigError; OSError when it cannot be written, with what was saved before intact.
    """
    config = config.model_copy(update={"dataset": lasting_name(config.dataset)})
    if gathering:
        gathering.check(config)
    if resume:
        run_config(folder)  # before anything is written: there must be a run
        with recording(folder, config) as recorder:
            data = RunData.of(config, workers)
            begun = (folder / FILE).is_file() or (folder / CARD).is_file()
            state = load_state(folder, config, data.train.hash) if begun else _fresh(config, data)
            _check_epochs_left(change, config, state)
            yield from _Run(config, folder, data, state, recorder, stop, change, gathering).steps()
        return
    data = RunData.of(config, workers)
    state = _fresh(config, data)
    claim(folder)  # once it is known that there is a model to put there
    with recording(folder, config) as recorder:
        yield from _Run(config, folder, data, state, recorder, stop, None, gathering).steps()


def run_config(folder: Path) -> RunConfig:
    """The settings of the run in `folder`, begun or queued. Raises CheckpointError when there is none."""
    return read_config(folder) if (folder / CONFIG).is_file() else saved_config(folder)


def claim(folder: Path) -> None:
    """Make `folder`. Raises CheckpointError when something already lies there, which is left alone.

    What a process leaves that is killed before it has written its settings is nothing.
    """
    if folder.is_file() or (folder.is_dir() and any(not _is_nothing(path) for path in folder.iterdir())):
        raise CheckpointError(f"{folder} is not empty; choose another --out, or add --resume to go on with its run")
    folder.mkdir(parents=True, exist_ok=True)


@dataclass(frozen=True)
class _Run:
    """All that a run that goes on is made of."""

    config: RunConfig
    folder: Path
    data: RunData
    state: TrainingState
    recorder: Recorder
    stop: Callable[[], bool]
    change: Controls | None
    gathering: Gathering | None

    def steps(self) -> Iterator[Event]:
        """The events of the loop, each written down before it is told."""
        config, folder, state, recorder = self.config, self.folder, self.state, self.recorder
        recorder.begin(state.epoch)
        asked = ControlFile(folder, self.change)

        def controls() -> Controls:
            return asked().model_copy(update={"stop": True}) if self.stop() else asked()

        film, gap_meter = Film(folder, self.data.test, state.epoch), GapMeter(self.data.test)
        if state.epoch == 0:
            film.add(0, state.model)
        self._save_state()
        if state.epoch < config.training.epochs:  # where this part of the run begins, by what will hold in it
            coming = new_changes(asked(), config.training, state.changes, state.epoch + 1, 0)
            in_force = settings_at(config.training, [*state.changes, *coming], state.epoch + 1, 0)
            yield from self._gap(gap_meter, in_force, controls)
        for event in self._events(controls):
            if isinstance(event, Changed):
                save_changes(folder, state.changes)  # before anything is done by them
            if isinstance(event, Done | Stopped) and state.epoch > 0:
                if isinstance(event, Stopped):
                    recorder.stopping()
                if not folder.is_dir():
                    raise CheckpointError(deleted(folder))
                computed = self.gathering.computed if self.gathering else None
                save_checkpoint(folder, config, state, self.data, computed)
                yield Saved(state.epoch, str(folder))
            recorder.hear(event)
            yield event
            if isinstance(event, EpochDone):
                film.add(state.epoch, state.model)
                in_force = settings_at(config.training, state.changes, state.epoch, END_OF_EPOCH)
                yield from self._gap(gap_meter, in_force, controls)
                self._save_state()
                saved = Saved(state.epoch, str(folder))
                recorder.hear(saved)
                yield saved

    def _events(self, controls: Callable[[], Controls]) -> Iterator[Event]:
        data, state, training = self.data, self.state, self.config.training
        if self.config.model.kind == "pca":
            assert isinstance(data.fit_on, Held)
            return fit_pca(state, training, data.fit_on.pixels, data.measure_on)
        if self.gathering:
            team = self.gathering.team(self.config, data.train.hash, state)
        else:
            team = Alone(state.model, state.optimizer)
        return train(state, training, data.fit_on, data.measure_on, controls, team)

    def _gap(self, meter: GapMeter, in_force: TrainingConfig, controls: Callable[[], Controls]) -> Iterator[Event]:
        """The gap of the model as it stands. Between two epochs, so that no epoch's time and speed count it."""
        images = in_force.exact_gap_images
        found = meter.measure(self.state.model, self.state.epoch, images, lambda: controls().stop)
        if found is not None:
            self.recorder.hear(found)
            yield found

    def _save_state(self) -> None:
        save_state(self.folder, self.state, self.config, self.data.train.shape, self.data.train.hash)


def _check_epochs_left(change: Controls | None, config: RunConfig, state: TrainingState) -> None:
    if change is not None and state.epoch >= config.training.epochs:
        raise ConfigError(
            f"the run has all its {state.epoch} epochs behind it, and nothing is left to be changed; give more epochs"
        )


def _fresh(config: RunConfig, data: RunData) -> TrainingState:
    model = build(config.model, data.train.shape, config.training.seed)
    return TrainingState.fresh(model, config.training.learning_rate)


def _is_nothing(path: Path) -> bool:
    return path.name == LOCK or path.name.startswith(f".{CONFIG}.")
