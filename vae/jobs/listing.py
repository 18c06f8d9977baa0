"""The runs there are, each with what it is really doing: a state that names a process counts only while that lives."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from vae.card import read_card
from vae.config import RunConfig
from vae.errors import CheckpointError, RunError
from vae.jobs.processes import is_alive, why_gone
from vae.training.controls import read_controls
from vae.training.journal import AT_WORK, CONFIG, STATE, RunState, read_config, read_state

LONGEST_NAME = 255
SHARING = "sharing.json"  # whether every visitor sees it: true or false, whatever its state said when it was queued


@dataclass(frozen=True)
class Run:
    """A run as it is now. `config` is None when it cannot be read; `problem` then says why."""

    id: str
    folder: Path
    state: RunState
    config: RunConfig | None
    problem: str | None

    @property
    def is_at_work(self) -> bool:
        return self.state.status in AT_WORK

    @property
    def is_resumable(self) -> bool:
        """Whether it ended before its time, and can go on from its last whole epoch."""
        return self.state.status in ("stopped", "failed") and self.config is not None

    @property
    def remark(self) -> str:
        """What is wrong with it or why it ended, for who need not know where the host keeps its runs; or nothing."""
        return (self.problem or self.state.reason or "").replace(str(self.folder), self.id)

    def belongs_to(self, visitor: str | None) -> bool:
        """Whether `visitor` may steer it: their own, or that of nobody in particular, as from a terminal."""
        return visitor is None or self.state.owner in (None, visitor)

    def is_shown_to(self, visitor: str | None) -> bool:
        return self.state.shared or self.belongs_to(visitor)


def list_runs(runs: Path, visitor: str | None = None) -> list[Run]:
    """The runs in the folder `runs` that `visitor` may see (None: all), the newest first.

    What cannot be read is listed too, as failed, with the reason.
    """
    found = [run for run in map(_read, _folders(runs)) if run is not None and run.is_shown_to(visitor)]
    return sorted(found, key=lambda run: run.state.created, reverse=True)


def find(runs: Path, id: str) -> Path:
    """The folder of a run by its id. Raises RunError when there is none, or when `id` is no plain name."""
    plain = 0 < len(id) <= LONGEST_NAME and not id.startswith(".") and not set(id) & set("/\\\0")
    folder = runs / id
    if not plain or folder.is_symlink() or not folder.is_dir():
        raise RunError(f"there is no run named {id[:60]!r}; it may have been deleted")
    return folder


def read_run(folder: Path) -> Run:
    """Raises RunError when the folder holds no run (any more)."""
    run = _read(folder)
    if run is None:
        raise RunError(f"there is no run named {folder.name!r}; it may have been deleted")
    return run


def is_shown_to(folder: Path, visitor: str | None) -> bool:
    """Whether the visitor may see the run in `folder`; what holds none (any more) is shown to nobody."""
    run = _read(folder)
    return run is not None and run.is_shown_to(visitor)


def _folders(runs: Path) -> Iterator[Path]:
    if runs.is_dir():
        yield from (folder for folder in runs.iterdir() if folder.is_dir() and not folder.name.startswith("."))


def _read(folder: Path) -> Run | None:
    state, problem = _state(folder)
    if state is None:
        return None
    if (folder / SHARING).exists():
        state = state.model_copy(update={"shared": _is_shared(folder)})
    try:
        config = _config(folder)
    except CheckpointError as error:
        return Run(folder.name, folder, state, None, str(error))
    return Run(folder.name, folder, state, config, problem)


def _is_shared(folder: Path) -> bool:
    """A file that cannot be read shares nothing."""
    try:
        return json.loads((folder / SHARING).read_bytes()) is True
    except (OSError, ValueError, RecursionError):
        return False


def _config(folder: Path) -> RunConfig:
    """Of a run from before there was a config.json, its card has it."""
    return read_config(folder) if (folder / CONFIG).exists() else read_card(folder).config


def _state(folder: Path) -> tuple[RunState | None, str | None]:
    """The state as it is, and what is wrong with the file; no state for a folder that holds no run."""
    try:
        return _as_it_is(folder, read_state(folder)), None
    except CheckpointError as error:
        if (folder / STATE).exists() or (folder / CONFIG).exists():
            return _lost(folder, str(error)), str(error)
    try:
        card = read_card(folder)
    except CheckpointError:
        return None, None
    when = card.training.finished
    epochs = card.config.training.epochs
    status = "done" if card.training.epochs >= epochs or card.model.kind == "pca" else "stopped"
    return RunState(status=status, epoch=card.training.epochs, epochs=epochs, created=when, updated=when), None


def _as_it_is(folder: Path, said: RunState) -> RunState:
    if said.status not in AT_WORK:
        return said
    if not is_alive(said.pid, said.pid_started):
        # It may have told its end after it was asked, and before it was looked for.
        last = read_state(folder)
        if last.status not in AT_WORK:
            return last
        return last.model_copy(update={"status": "failed", "reason": why_gone(folder, last), "moving": None})
    asked = read_controls(folder)
    return said.model_copy(update={"status": "stopping"}) if asked and asked.stop else said


def _lost(folder: Path, problem: str) -> RunState:
    """In place of a state.json that cannot be read; the owner is kept where it can still be told."""
    try:
        said = json.loads((folder / STATE).read_bytes())
    except (OSError, ValueError, RecursionError):
        said = None
    owner, shared = (said.get("owner"), said.get("shared")) if isinstance(said, dict) else (None, None)
    when = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
    return RunState(
        status="failed",
        epochs=1,
        reason=problem,
        owner=owner if isinstance(owner, str) else None,
        shared=shared is True,
        created=when,
        updated=when,
    )
