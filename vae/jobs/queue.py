"""Runs that wait for their turn, and whose turn it is."""

import re
import secrets
import shutil
from collections import Counter
from pathlib import Path

from vae.config import RunConfig
from vae.data import lasting_name, plain_name
from vae.errors import BusyError
from vae.jobs.limits import check_config, check_dataset, check_room
from vae.jobs.listing import Run, list_runs
from vae.jobs.processes import keep_spare, reap, seconds_running, spare, spawn
from vae.jobs.settings import JobSettings
from vae.lock import locked
from vae.training.controls import Controls, read_controls, write_controls
from vae.training.journal import AT_WORK, LOCK, RunState, now, read_state, write_config, write_state

MAKING = ".making"  # below the runs folder: what is not whole yet


def enqueue(
    config: RunConfig,
    runs: Path,
    owner: str | None = None,
    shared: bool = False,
    settings: JobSettings | None = None,
) -> str:
    """A new run that waits in the folder `runs` for `start_due`: its id, which is its folder's name.

    Raises ConfigError and RunError, naming the limit, when the host does not take it; DataError; OSError.
    """
    settings = settings or JobSettings.from_environment()
    config = config.model_copy(update={"dataset": lasting_name(config.dataset)})
    check_dataset(config.dataset, owner, settings)
    check_config(config, settings)
    (runs / MAKING).mkdir(parents=True, exist_ok=True)
    with locked(runs / LOCK):
        check_room(runs, owner, settings)
        id = _name(config)
        while (runs / id).exists():
            id = _name(config)
        made = runs / MAKING / id
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        write_config(made, config)
        write_state(made, _queued(config, owner, shared))
        made.rename(runs / id)  # a reader sees a whole run or none
        return id


def prepare(settings: JobSettings | None = None) -> None:
    """Say that somebody may start a run soon: if the last `start_due` found room, a process begins to wait for it."""
    settings = settings or JobSettings.from_environment()
    spare.want(60 * settings.spare_minutes)


def is_preparing() -> bool:
    """Whether the process that will wait for a run loads just now: what else takes the machine makes the run wait."""
    return spare.is_loading()


def start_due(runs: Path, settings: JobSettings | None = None) -> list[str]:
    """Start as many waiting runs as there is room for, and give their ids.

    To be called now and then, by any number of processes. It also writes down the end of runs whose process is gone,
    and stops those that have had their time. Owners take turns: the one with the fewest runs going on is next, and
    of several the one who has waited longest.

    Raises OSError when nothing can be written.
    """
    settings = settings or JobSettings.from_environment()
    reap()
    try:
        if not runs.is_dir():
            keep_spare(settings, room=True)
            return []
        with locked(runs / LOCK):
            return _start_due(runs, settings)
    except BusyError:
        return []  # another process is at it


def _start_due(runs: Path, settings: JobSettings) -> list[str]:
    known = list_runs(runs)
    for run in known:
        _write_down_the_end(run)
        _stop_when_due(run, settings)
    busy = Counter(run.state.owner for run in known if run.is_at_work)
    waiting = [run for run in known if run.state.status == "queued"]
    started = []
    while waiting and busy.total() < settings.most_running:
        run = min(waiting, key=lambda run: (busy[run.state.owner], run.state.updated))
        waiting.remove(run)
        if _start(run, settings):
            busy[run.state.owner] += 1
            started.append(run.id)
    keep_spare(settings, room=busy.total() < settings.most_running)
    return started


def _start(run: Run, settings: JobSettings) -> bool:
    try:
        with locked(run.folder / LOCK, patience=0):  # its process waits for this, so that it finds itself expected
            state = read_state(run.folder)
            try:
                pid, pid_started = spawn(run.folder, settings)
            except OSError as error:
                write_state(run.folder, state.told(status="failed", reason=f"it could not be started: {error}"))
                return False
            write_state(run.folder, state.told(status="running", pid=pid, pid_started=pid_started, started=now()))
            return True
    except BusyError:
        return False  # somebody has just resumed it from a terminal


def _write_down_the_end(run: Run) -> None:
    """Of a run whose process died without a word."""
    if run.state.status != "failed" or run.problem is not None or read_state(run.folder).status not in AT_WORK:
        return
    try:
        with locked(run.folder / LOCK, patience=0):
            if read_state(run.folder).status in AT_WORK:
                write_state(run.folder, run.state.told())
    except (BusyError, OSError):
        return  # it goes on after all; or it cannot be written, and is found out anew each time


def _stop_when_due(run: Run, settings: JobSettings) -> None:
    limited = run.state.status in ("running", "paused") and run.state.owner is not None
    if limited and seconds_running(run.state) > settings.most_seconds:
        reason = f"stopped after the {settings.most_seconds:,.0f} s that a run may take here"
        asked = read_controls(run.folder) or Controls()
        write_controls(run.folder, asked.merged(Controls(stop=True, reason=reason)))


def _queued(config: RunConfig, owner: str | None, shared: bool) -> RunState:
    when = now()
    return RunState(
        status="queued", epochs=config.training.epochs, owner=owner, shared=shared, created=when, updated=when
    )


def _name(config: RunConfig) -> str:
    """Such as digits-vae-2d-7f3a: says what it is, and is safe in a path and in an address."""
    dataset = re.sub(r"[^a-z0-9]+", "-", plain_name(config.dataset).lower()).strip("-")[-40:].strip("-") or "images"
    return f"{dataset}-{config.model.kind}-{config.model.latent_dim}d-{secrets.token_hex(2)}"
