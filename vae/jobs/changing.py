"""What can be asked of a run: steer it while it goes on; when it does not, go on, go further, share, delete."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vae.config import RunConfig
from vae.errors import BusyError, RunError
from vae.files import write_atomically
from vae.jobs.limits import check_epochs
from vae.jobs.listing import SHARING, Run, read_run
from vae.jobs.settings import JobSettings
from vae.lock import locked
from vae.training import controls
from vae.training.changes import with_epochs
from vae.training.controls import Controls, check_fits, read_controls, write_controls
from vae.training.journal import CONFIG, LOCK, RunState, now, write_config, write_state

RESUME = "resume.safetensors"
TRASH = ".trash"  # below the runs folder


def request(folder: Path, change: Controls) -> None:
    """Ask the run for what `change` says explicitly; the rest stays as it is. To ask twice for a stop is to ask once.

    Raises RunError when the run does not go on, and has nothing to be asked for; ConfigError when its model cannot have
    what is asked; OSError.
    """
    with _held(folder) as run:
        if run.config is not None:
            check_fits(change, run.config)
        status = run.state.status
        if status == "queued" and change.stop:
            write_state(folder, run.state.told(status="stopped", reason="stopped before it began"))
        elif status == "queued" or run.is_at_work:
            write_controls(folder, (read_controls(folder) or Controls()).merged(change))
        elif not change.stop:
            raise RunError(f"{run.id} does not go on (it is {status}); resume it first")


def resume(folder: Path, change: Controls | None = None) -> None:
    """Put a stopped or failed run back into the queue, to go on from its last whole epoch; `change` holds from there.

    Raises RunError when it is not one of those; ConfigError when its model cannot have what is asked.
    """
    with _held(folder) as run:
        if not run.is_resumable:
            raise RunError(f"{run.id} cannot be resumed: {run.problem or f'it is {run.state.status}'}")
        config = _settings(run)
        check_fits(change or Controls(), config)
        _queue_again(run, config, change)


def continue_for(
    folder: Path, more_epochs: int, settings: JobSettings | None = None, change: Controls | None = None
) -> None:
    """Give an ended run a later end, and put it back into the queue; `change` holds from where it ended.

    Raises RunError when it goes on, or cannot go on; ConfigError.
    """
    settings = settings or JobSettings.from_environment()
    with _held(folder) as run:
        config = _settings(run)
        if run.is_at_work or run.state.status == "queued":
            raise RunError(f"{run.id} has not ended (it is {run.state.status})")
        if config.model.kind == "pca":
            raise RunError(f"{run.id} is a PCA, which is fitted in one step; there is nothing to continue")
        if not (folder / RESUME).is_file():
            raise RunError(f"{run.id} cannot go on: it has no {RESUME}; start a new run with its settings")
        epochs = config.training.epochs + more_epochs
        if more_epochs < 1:
            raise RunError(f"more epochs = {more_epochs}: ask for at least 1")
        longer = with_epochs(config, epochs)
        check_epochs(epochs, settings)
        check_fits(change or Controls(), longer)
        _queue_again(run, longer, change)


def clone_settings(folder: Path) -> RunConfig:
    """The settings of a run, for another one. Raises RunError when they cannot be read."""
    return _settings(read_run(folder))


def share(folder: Path, shared: bool) -> None:
    """Show the run to every visitor, or to its owner alone; its process, which may be at work, does not hear of it.

    Raises RunError when there is no such run (any more); OSError.
    """
    with _held(folder):
        write_atomically(folder / SHARING, json.dumps(shared).encode())


def delete(folder: Path) -> None:
    """Remove a run that does not go on. Raises RunError while it does."""
    with _held(folder) as run:
        if run.is_at_work:
            raise RunError(f"{run.id} is {run.state.status}; stop it first")
        trash = folder.parent / TRASH
        trash.mkdir(exist_ok=True)
        gone = trash / f"{folder.name}-{os.urandom(4).hex()}"
        try:
            with locked(folder / LOCK, patience=0):  # whatever its state says
                folder.rename(gone)  # at once, so that nobody reads half a run
        except BusyError:
            raise RunError(f"a process still trains {run.id}; stop it first") from None
    shutil.rmtree(gone, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[Run]:
    """The run as it is, with nobody else changing it but its own process."""
    with locked(folder.parent / LOCK):
        yield read_run(folder)


def _settings(run: Run) -> RunConfig:
    if run.config is None:
        raise RunError(f"the settings of {run.id} cannot be read: {run.problem}")
    return run.config


def _queue_again(run: Run, config: RunConfig, change: Controls | None) -> None:
    (run.folder / controls.FILE).unlink(missing_ok=True)
    if change is not None:
        write_controls(run.folder, Controls().merged(change))
    if config != run.config or not (run.folder / CONFIG).exists():
        write_config(run.folder, config)
    earlier = run.state
    write_state(
        run.folder,
        RunState(
            status="queued",
            epoch=earlier.epoch,
            epochs=config.training.epochs,
            owner=earlier.owner,
            shared=earlier.shared,
            created=earlier.created,
            updated=now(),
        ),
    )
