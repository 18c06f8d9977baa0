"""The processes behind runs: starting one, telling whether it is still there, and what became of one that is not."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from vae.jobs.settings import JobSettings
from vae.jobs.spare import Spare
from vae.library import ROOT
from vae.training.journal import LOG, RunState, now

SAME_START = 2.0  # seconds: the system rounds a process's start, and corrects its clock
LOG_TAIL = 64_000  # bytes
START_OF_LOG = "--- "  # begins the line that each start writes
LAST_BREATH = 1.0  # seconds
NEARLY_FULL = 1_000_000  # bytes left on a disk
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class _Child:
    process: subprocess.Popen[bytes]
    memory_kills: int  # processes that the system had ended for want of memory when this one began


spare = Spare()
_children: dict[int, _Child] = {}  # of this process, by pid: only a parent hears how one ended


def spawn(folder: Path, settings: JobSettings) -> tuple[int, float]:
    """Start the training of `folder` in a session of its own, which outlives this process: its pid and start time.

    Raises OSError when the system gives no process or the log cannot be written.
    """
    environment = environment_of_runs(settings)
    with (folder / LOG).open("ab") as log:
        log.write(f"{START_OF_LOG}{now():%Y-%m-%d %H:%M:%S} UTC\n".encode())
    folder, niceness = folder.resolve(), settings.niceness
    child = spare.take(folder, environment, niceness) or _begin(folder, environment, niceness)
    _children[child.pid] = _Child(child, _memory_kills())
    return child.pid, psutil.Process(child.pid).create_time()


def keep_spare(settings: JobSettings, room: bool) -> None:
    """Have a process wait for the next run, if one is wanted and there is `room` for a run."""
    spare.keep(room, environment_of_runs(settings))


def environment_of_runs(settings: JobSettings) -> dict[str, str]:
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | dict.fromkeys(THREADS, str(settings.threads)) | {"PYTHONPATH": os.pathsep.join(paths)}


def _begin(folder: Path, environment: Mapping[str, str], niceness: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "vae", "train", "--out", str(folder), "--resume"]
    with (folder / LOG).open("ab") as log:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True
        )
    lower_priority(child.pid, niceness)
    return child


def lower_priority(pid: int, niceness: int) -> None:
    """To that of a run; what has ended meanwhile has none."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        process.nice(max(process.nice(), niceness))


def reap() -> None:
    """Let the system forget runs that have ended. How they ended is kept: see `why_gone`."""
    for child in _children.values():
        child.process.poll()


def is_alive(pid: int | None, started: float | None) -> bool:
    """Whether that very process still runs: a pid counts only with its start time."""
    if pid is None or started is None:
        return False
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - started) < SAME_START
    except psutil.Error:
        return False


def seconds_running(state: RunState) -> float:
    """Since this start of the run; its process may be older, if it had waited for one."""
    started = state.started.timestamp() if state.started else state.pid_started
    return 0.0 if started is None else time.time() - started


def why_gone(folder: Path, state: RunState) -> str:
    """What became of a run's process that is not there any more, as well as can be told, in a sentence."""
    said = _last_words(folder / LOG)
    if said:
        return said
    child = _children.get(state.pid or 0)
    code = _exit_code(child) if child else None
    if child and code is not None and code < 0:
        return _killed_by(-code, child)
    if shutil.disk_usage(folder).free < NEARLY_FULL:
        return "the disk is full; delete runs that nobody needs"
    if psutil.boot_time() > state.updated.timestamp():
        return "the machine was started anew"
    if code:
        return f"its process ended with exit code {code}"
    return "its process is gone without a word: killed from outside, or for want of memory"


def _exit_code(child: _Child) -> int | None:
    """Of a process that ends just now: its threads may take a moment longer than itself."""
    with suppress(subprocess.TimeoutExpired):
        return child.process.wait(timeout=LAST_BREATH)
    return None


def _killed_by(number: int, child: _Child) -> str:
    if number == signal.SIGKILL and _memory_kills() > child.memory_kills:
        return "out of memory: the system killed it; take smaller batches or a smaller network"
    return f"killed by signal {number} ({signal.strsignal(number)})"


def _memory_kills() -> int:
    """How many processes the system has ended for want of memory since it started; 0 where it does not tell."""
    with suppress(OSError):
        counts = dict(line.split() for line in Path("/proc/vmstat").read_text().splitlines())
        return int(counts.get("oom_kill", 0))
    return 0


def _last_words(log: Path) -> str | None:
    """The error that the log's last start ends with, if it does."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - LOG_TAIL))
            text = file.read().decode(errors="replace")
    except OSError:
        return None
    lines = [line for line in text.rpartition(START_OF_LOG)[2].splitlines() if line.strip()]
    if any(line.startswith("Traceback (most recent call last)") for line in lines):
        return lines[-1].strip()
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return errors[-1].strip() if errors else None
