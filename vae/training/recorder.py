"""Listens to a run and writes state.json and events.jsonl: its end too, whatever it is."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from vae.analysis.averages import Averages
from vae.card import CARD
from vae.checkpoint import WEIGHTS
from vae.codes import LATENTS
from vae.config import RunConfig
from vae.errors import BusyError, CheckpointError, VaeError
from vae.files import remove_leftovers
from vae.lock import locked
from vae.training import controls, resume
from vae.training.events import (
    Changed,
    Continued,
    Done,
    EpochDone,
    Event,
    GapMeasured,
    Paused,
    Progress,
    Saved,
    Started,
    Stopped,
)
from vae.training.journal import (
    AT_WORK,
    CONFIG,
    ENDED,
    LOCK,
    STATE,
    EventLog,
    RunState,
    now,
    read_state,
    write_config,
    write_state,
)
from vae.training.pace import Pace

WRITTEN = (CONFIG, STATE, resume.FILE, WEIGHTS, LATENTS, CARD)
DIGITS = 6  # of each figure in the log
LOGGED: dict[type, str] = {
    Started: "started",
    EpochDone: "epoch_done",
    GapMeasured: "gap_measured",
    Changed: "changed",
    Paused: "paused",
    Continued: "continued",
    Stopped: "stopped",
    Done: "done",
}


@contextmanager
def recording(folder: Path, config: RunConfig) -> Iterator["Recorder"]:
    """A recorder of the run in `folder`, which no other process can train meanwhile.

    Raises BusyError when one does; CheckpointError in place of the error that follows when the folder was deleted.
    """
    try:
        with locked(folder / LOCK):
            recorder = Recorder(folder, config)
            try:
                yield recorder
            except BaseException as error:
                if _comes_of_deleting(error, folder):
                    raise CheckpointError(controls.deleted(folder)) from None
                recorder.failed(_sentence(error))
                raise
    except BusyError:
        raise BusyError(f"{folder} is being trained by another process; stop that one, or wait for its end") from None


class Recorder:
    """Holds the state of a run as its folder tells it.

    Nothing is written before `begin`, so that a resume that is refused leaves the folder as it was.
    """

    def __init__(self, folder: Path, config: RunConfig) -> None:
        self._folder, self._config = folder, config
        self._earlier = _earlier_state(folder)
        self._state: RunState | None = None
        self._log: EventLog | None = None
        self._pace = Pace()

    def begin(self, epoch: int) -> None:
        """Say that this process trains now, with `epoch` whole epochs behind it."""
        remove_leftovers(self._folder, WRITTEN)
        if not self._is_awaited():
            (self._folder / controls.FILE).unlink(missing_ok=True)  # it was meant for a process that is gone
        write_config(self._folder, self._config)
        earlier = self._earlier
        self._state = RunState(
            status="running",
            pid=os.getpid(),
            pid_started=psutil.Process().create_time(),
            started=now(),
            epoch=epoch,
            epochs=self._config.training.epochs,
            owner=earlier.owner if earlier else None,
            shared=earlier.shared if earlier else False,
            created=earlier.created if earlier else now(),
            updated=now(),
        )
        write_state(self._folder, self._state)
        self._log = EventLog(self._folder)

    def hear(self, event: Event) -> None:
        """Raises OSError when it cannot be written."""
        # The log first: who reads that a run has ended finds all of it.
        if self._log is not None and type(event) in LOGGED:
            self._log.write(LOGGED[type(event)], {name: _plain(value) for name, value in vars(event).items()})
        self._pace.hear(event)
        match event:
            case Progress():
                self._tell(durable=False, status="running", moving=self._pace.moving)
            case Saved():
                self._tell(durable=False, epoch=event.epoch, moving=self._pace.moving)
            case Paused():
                self._tell(status="paused")
            case Continued():
                self._tell(status="running")
            case Stopped():
                self._tell(status="failed" if event.diverged else "stopped", reason=event.reason, moving=None)
            case Done():
                self._tell(status="done", epoch=event.epoch, moving=None)

    def stopping(self) -> None:
        """A stop was asked for: what is left to do is to measure and to save."""
        self._tell(status="stopping")

    def failed(self, reason: str) -> None:
        """Unless this is a resume that was refused before it began, or the run had come to its end already."""
        state = self._state or (self._earlier if self._is_awaited() else None)
        if state is None or state.status in ENDED:
            return
        # The disk that fails the run may refuse this too; who finds the process gone then says so.
        with suppress(OSError):
            write_state(self._folder, state.told(status="failed", reason=reason))

    def _tell(self, durable: bool = True, **values: Any) -> None:
        assert self._state is not None, "begin comes first"
        told = self._state.told(**values)
        write_state(self._folder, told, durable)
        self._state = told

    def _is_awaited(self) -> bool:
        """Whether somebody queued or started this very process, and reads its state for the outcome."""
        match self._earlier:
            case None:
                return False
            case RunState(status="queued"):
                return True
            case RunState(status=status, pid=pid):
                return status in AT_WORK and pid == os.getpid()


def _comes_of_deleting(error: BaseException, folder: Path) -> bool:
    """Whether a file or folder is missing that this process alone may touch: whole or not yet, the run is deleted."""
    if isinstance(error, FileNotFoundError) and error.filename and Path(error.filename).is_relative_to(folder):
        return True
    return isinstance(error, OSError) and not folder.is_dir()


def _earlier_state(folder: Path) -> RunState | None:
    try:
        return read_state(folder)
    except CheckpointError:
        return None


def _plain(value: Any) -> Any:
    """A field of an event as JSON has it."""
    if isinstance(value, Averages):
        per_dimension = [_plain(kl) for kl in value.kl_per_dimension]
        terms = {"elbo": value.elbo, "reconstruction": value.reconstruction, "kl": value.kl}
        return {name: _plain(term) for name, term in terms.items()} | {"kl_per_dimension": per_dimension}
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _sentence(error: BaseException) -> str:
    if isinstance(error, VaeError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.filename or 'writing'}: {error.strerror or error}"
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if isinstance(error, GeneratorExit):
        return "ended by the program that had started it"
    said = str(error).splitlines()[0] if str(error) else ""
    if isinstance(error, MemoryError) or "can't allocate memory" in said:
        return "out of memory; take smaller batches or a smaller network"
    return f"{type(error).__name__}: {said}"
