"""The process that waits for a run: at most one, never longer than its app, and its runs are those of the command."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from made_runs import small

from vae.jobs import JobSettings, enqueue, is_preparing, list_runs, prepare, processes, start_due
from vae.jobs.listing import Run
from vae.jobs.processes import environment_of_runs
from vae.jobs.spare import Spare
from vae.training.journal import LOG, read_state

ROOT = Path(__file__).parents[2]
PATIENCE = 300  # seconds, for a process that hangs
ONE = JobSettings(most_running=1, niceness=7)
LONG = small(epochs=1000)  # nobody waits for its end


@pytest.fixture
def spare(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spare]:
    """The app's, before anybody has wanted one."""
    spare = Spare()
    monkeypatch.setattr(processes, "spare", spare)
    monkeypatch.setattr("vae.jobs.queue.spare", spare)
    yield spare
    spare.keep(room=False, environment={})
    until(lambda: waiting() == [])


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "runs"
    for run in list_runs(tmp_path / "runs"):
        if run.is_at_work and run.state.pid is not None:
            os.kill(run.state.pid, signal.SIGKILL)


def waiting() -> list[psutil.Process]:
    """The processes of this test that wait."""
    return [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and child.cmdline()[-1:] == ["vae.waiting"]
    ]


def the_one_that_waits() -> psutil.Process:
    """Just started, a process has no command line for a moment."""
    until(lambda: len(waiting()) == 1)
    return waiting()[0]


def until(holds: Callable[[], bool]) -> None:
    given_up = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < given_up
        time.sleep(0.02)


def ended(runs: Path, settings: JobSettings = ONE) -> Run:
    """The only run, once it is done."""

    def is_over() -> bool:
        start_due(runs, settings)
        return list_runs(runs)[0].state.status in ("done", "failed", "stopped")

    until(is_over)
    return list_runs(runs)[0]


def test_nobody_waits_unless_somebody_may_start_a_run(runs: Path, spare: Spare) -> None:
    start_due(runs, ONE)
    assert waiting() == []
    prepare(JobSettings(spare_minutes=0))
    start_due(runs, ONE)
    assert waiting() == []


def test_one_waits_at_most_and_not_for_ever(runs: Path, spare: Spare) -> None:
    for _ in range(3):
        prepare(ONE)
        start_due(runs, ONE)
    process = the_one_that_waits()
    assert os.getsid(process.pid) == process.pid
    spare.want(-1)  # as when the time is over
    start_due(runs, ONE)
    process.wait(PATIENCE)
    start_due(runs, ONE)
    assert waiting() == []


def test_it_is_told_when_it_has_loaded_also_for_a_run(runs: Path, spare: Spare) -> None:
    assert not is_preparing()
    start_due(runs, ONE)
    prepare(ONE)
    assert is_preparing()  # without another turn
    enqueue(LONG, runs, "ann")
    start_due(runs, ONE)
    assert list_runs(runs)[0].is_at_work
    until(lambda: not is_preparing())
    assert not is_preparing()
    prepare(ONE.model_copy(update={"most_running": 2}))
    start_due(runs, ONE.model_copy(update={"most_running": 2}))
    assert is_preparing()
    assert spare._process is not None
    spare._process.kill()
    until(lambda: not is_preparing())


def test_one_that_cannot_even_wait_is_not_started_for_ever(
    runs: Path, spare: Spare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vae.jobs.spare.COMMAND", (sys.executable, "-c", "raise SystemExit(3)"))
    prepare(ONE)
    start_due(runs, ONE)
    assert spare._process is not None
    first = spare._process
    first.wait(PATIENCE)
    for _ in range(3):
        start_due(runs, ONE)
    assert spare._process is None
    assert first.returncode == 3


@pytest.mark.slow
def test_its_run_is_that_of_the_command_bit_for_bit(
    runs: Path, tmp_path: Path, spare: Spare, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(ONE)
    start_due(runs, ONE)
    process = the_one_that_waits()
    monkeypatch.setenv("KMP_INIT_AT_FORK", "FALSE")  # as scikit-learn sets it when it is imported
    id = enqueue(small(), runs, "ann")
    assert start_due(runs, ONE) == [id]
    assert read_state(runs / id).pid == process.pid
    until(lambda: process.nice() >= ONE.niceness)
    done = ended(runs)
    assert (done.state.status, done.state.pid) == ("done", process.pid)
    assert done.state.started is not None
    assert "done: 4 epochs" in (runs / id / LOG).read_text()

    command = [sys.executable, "-m", "vae", "train", "--dataset", "digits", "--hidden", "12", "--epochs", "4"]
    environment = environment_of_runs(ONE)
    subprocess.run([*command, "--out", str(tmp_path / "alone")], cwd=ROOT, env=environment, check=True)
    for name in ("weights.safetensors", "latents.safetensors"):
        assert (runs / id / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


@pytest.mark.slow
def test_a_spare_with_other_threads_or_one_that_was_killed_is_passed_over(runs: Path, spare: Spare) -> None:
    two = ONE.model_copy(update={"most_running": 2})
    prepare(two)
    spare.keep(room=True, environment=environment_of_runs(two) | {"OMP_NUM_THREADS": "7"})
    other = the_one_that_waits()
    id = enqueue(LONG, runs, "ann")
    start_due(runs, ONE)
    first = read_state(runs / id)
    assert first.pid is not None
    assert first.pid != other.pid
    assert psutil.Process(first.pid).environ()["OMP_NUM_THREADS"] == str(ONE.threads)
    other.wait(PATIENCE)

    start_due(runs, two)  # there is room for another run, and for who waits for it
    killed = the_one_that_waits()
    killed.kill()
    killed.wait(PATIENCE)
    second = enqueue(LONG, runs, "bob")
    start_due(runs, two)
    assert read_state(runs / second).pid not in (None, killed.pid)
    assert {run.state.status for run in list_runs(runs)} == {"running"}


@pytest.mark.slow
def test_the_time_it_has_waited_is_not_the_run_s(runs: Path, spare: Spare) -> None:
    prepare(ONE)
    start_due(runs, ONE)
    time.sleep(3)
    limited = ONE.model_copy(update={"most_seconds": 2.9})
    id = enqueue(LONG, runs, "ann")
    start_due(runs, limited)
    assert list_runs(runs)[0].state.status == "running"  # not stopping
    assert ended(runs, limited).state.reason == "stopped after the 3 s that a run may take here"
    assert read_state(runs / id).status == "stopped"


APP = """
import json, os, sys, time
from pathlib import Path
from vae.config import from_flat
from vae.jobs import JobSettings, enqueue, prepare, start_due
from vae.jobs.processes import spare
runs, with_run = Path(sys.argv[1]), sys.argv[2] == "run"
one = JobSettings(most_running=1)
prepare(one)
start_due(runs, one)
process = spare._process
if with_run:
    enqueue(from_flat({"dataset": "digits", "hidden": (12,), "epochs": 3}), runs, "ann")
    start_due(runs, one)
print(json.dumps(process.pid), flush=True)
os.kill(os.getpid(), 9)  # the server dies
"""


@pytest.mark.slow
@pytest.mark.parametrize("with_run", [False, True])
def test_it_ends_with_the_app_unless_it_has_a_run(runs: Path, with_run: bool) -> None:
    command = [sys.executable, "-c", APP, str(runs), "run" if with_run else "none"]
    app = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert app.returncode == -signal.SIGKILL
    pid = json.loads(app.stdout)
    if with_run:
        assert ended(runs).state.status == "done"
        assert list_runs(runs)[0].state.pid == pid
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
