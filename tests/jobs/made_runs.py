"""Run folders in any state, made without training; and processes that do nothing, to stand for those that train."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from vae.config import RunConfig, from_flat
from vae.training.journal import RunState, write_config, write_state

START = datetime(2026, 1, 1, tzinfo=UTC)


def small(**values: Any) -> RunConfig:
    return from_flat({"dataset": "digits", "hidden": (12,), "epochs": 4} | values)


def make_run(runs: Path, id: str, minute: int = 0, config: RunConfig | None = None, **state: Any) -> Path:
    """A run that was created, and last heard of, so many minutes after `START`."""
    folder = runs / id
    folder.mkdir(parents=True)
    when = START + timedelta(minutes=minute)
    config = config or small()
    given = {"status": "queued", "epochs": config.training.epochs, "created": when, "updated": when} | state
    write_config(folder, config)
    write_state(folder, RunState(**given))
    return folder


@contextmanager
def idle_process() -> Iterator[dict[str, Any]]:
    """The pid and start, as a state names them, of a process that waits until the block is left."""
    process = subprocess.Popen(["sleep", "600"])
    try:
        yield {"pid": process.pid, "pid_started": psutil.Process(process.pid).create_time()}
    finally:
        process.kill()
        process.wait()
