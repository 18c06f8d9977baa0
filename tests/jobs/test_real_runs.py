"""Runs with real processes: started, watched, steered, ended in every way, and resumed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from made_runs import small

import vae
from vae.card import read_card
from vae.jobs import JobSettings, Run, delete, enqueue, list_runs, request, resume, start_due
from vae.training.controls import Controls
from vae.training.journal import read_events

ROOT = Path(__file__).parents[2]
PATIENCE = 300  # seconds, for a process that hangs
SETTINGS = JobSettings(most_running=1, niceness=7)
LONG = small(epochs=1000)  # nobody waits for its end
pytestmark = pytest.mark.slow


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "runs"
    yield folder
    for run in list_runs(folder):
        if run.is_at_work and run.state.pid is not None:
            os.kill(run.state.pid, signal.SIGKILL)


def until(runs: Path, id: str, holds: Callable[[Run], bool]) -> Run:
    """The run as soon as `holds` of it; the queue goes on meanwhile."""
    given_up = time.monotonic() + PATIENCE
    while True:
        start_due(runs, SETTINGS)
        run = next(run for run in list_runs(runs) if run.id == id)
        if holds(run):
            return run
        log = run.folder / "log.txt"
        assert time.monotonic() < given_up, f"{run.state}\n{log.read_text() if log.exists() else 'no log'}"
        time.sleep(0.05)


def has(status: str, epoch: int = 0) -> Callable[[Run], bool]:
    return lambda run: run.state.status == status and run.state.epoch >= epoch


def begun(runs: Path, config: vae.config.RunConfig = LONG) -> Run:
    """A run that has some epochs behind it."""
    return until(runs, enqueue(config, runs, "ann"), has("running", epoch=2))


def names(folder: Path) -> list[str]:
    return [event["event"] for event in read_events(folder).events]


APP = """
import os, sys
from pathlib import Path
from vae.config import from_flat
from vae.jobs import enqueue, start_due
runs = Path(sys.argv[1])
print(enqueue(from_flat({"dataset": "digits", "hidden": (12,), "epochs": 1000}), runs, "ann"))
assert start_due(runs)
sys.stdout.flush()
os._exit(1)  # the server dies
"""


def test_a_run_outlives_the_app_and_obeys_the_next_one(runs: Path) -> None:
    app = subprocess.run([sys.executable, "-c", APP, runs], cwd=ROOT, capture_output=True, text=True, check=False)
    [id] = app.stdout.split()
    run = until(runs, id, has("running", epoch=2))
    assert run.state.moving is not None
    assert run.state.moving.images_per_second > 0

    request(run.folder, Controls(paused=True))
    paused = until(runs, id, has("paused"))
    request(run.folder, Controls(single_epoch=True))
    one_more = until(runs, id, has("paused", epoch=paused.state.epoch + 1))
    assert one_more.state.epoch == paused.state.epoch + 1
    request(run.folder, Controls(beta=3.0))
    request(run.folder, Controls(paused=False, speed=0.9))
    until(runs, id, has("running", epoch=one_more.state.epoch + 1))
    request(run.folder, Controls(stop=True))
    stopped = until(runs, id, has("stopped"))

    assert names(run.folder)[0] == "started"
    assert names(run.folder)[-1] == "stopped"
    card = read_card(run.folder)
    assert card.training.epochs == stopped.state.epoch
    assert [(change.name, change.new) for change in card.training.changes] == [("beta", 3.0)]
    vae.load(run.folder)


def test_a_run_is_killed_with_a_reason_and_resumed(runs: Path) -> None:
    run = begun(runs)
    assert run.state.pid is not None
    process = psutil.Process(run.state.pid)
    assert process.nice() >= SETTINGS.niceness
    assert process.environ()["OMP_NUM_THREADS"] == str(SETTINGS.threads)
    process.kill()
    failed = until(runs, run.id, has("failed"))
    assert failed.state.reason == "killed by signal 9 (Killed)"
    assert failed.is_resumable
    resume(run.folder)
    resumed = until(runs, run.id, has("running", epoch=failed.state.epoch + 1))
    assert resumed.state.pid != run.state.pid
    epochs = [event["epoch"] for event in read_events(run.folder).events if event["event"] == "epoch_done"]
    assert set(epochs) == set(range(1, max(epochs) + 1))


def test_sigterm_stops_and_keeps(runs: Path) -> None:
    run = begun(runs)
    assert run.state.pid is not None
    os.kill(run.state.pid, signal.SIGTERM)
    stopped = until(runs, run.id, has("stopped"))
    assert vae.load(run.folder).card is not None
    assert stopped.state.epoch >= 2
    delete(run.folder)
    assert list_runs(runs) == []


def test_an_absurd_learning_rate_ends_a_run_and_a_sound_one_mends_it(runs: Path) -> None:
    run = begun(runs, small(epochs=1000, hidden=(12, 12, 12)))
    request(run.folder, Controls(learning_rate=10.0))
    failed = until(runs, run.id, has("failed"))
    assert "a smaller learning rate usually mends it" in (failed.state.reason or "")
    kept = vae.load(run.folder).card
    assert kept is not None
    assert kept.training.epochs == failed.state.epoch >= 2
    resume(run.folder, Controls(learning_rate=1e-3))
    until(runs, run.id, has("running", epoch=failed.state.epoch + 2))
    changed = [event for event in read_events(run.folder).events if event["event"] == "changed"]
    assert [event["new"] for event in changed] == [10.0, 1e-3]


def test_a_second_run_waits_for_the_first(runs: Path) -> None:
    first = begun(runs)
    second = enqueue(small(epochs=2), runs, "bob")
    start_due(runs, SETTINGS)
    assert next(run for run in list_runs(runs) if run.id == second).state.status == "queued"
    request(first.folder, Controls(stop=True))
    assert until(runs, second, has("done")).state.epoch == 2


def test_settings_out_of_bounds_in_a_file_are_a_reason(runs: Path) -> None:
    id = enqueue(small(), runs)
    config = runs / id / "config.json"
    config.write_text(config.read_text().replace('"learning_rate": 0.003', '"learning_rate": 300'))
    failed = until(runs, id, has("failed"))
    assert "learning_rate = 300" in (failed.state.reason or "")
    assert failed.config is None


def test_a_terminal_run_whose_folder_is_deleted_ends_with_one_sentence(runs: Path) -> None:
    folder = runs / "mine"
    command = [sys.executable, "-m", "vae", "train", "--dataset", "digits", "--hidden", "12", "--epochs", "10000"]
    with subprocess.Popen(
        [*command, "--out", str(folder)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as training:
        assert training.stdout is not None
        assert next(line for line in training.stdout if line.startswith("epoch   2"))
        [run] = list_runs(runs, "anybody")
        assert (run.id, run.state.status, run.state.pid) == ("mine", "running", training.pid)
        while folder.exists():
            shutil.rmtree(folder, ignore_errors=True)  # it writes while we delete
        _, errors = training.communicate(timeout=PATIENCE)
    assert training.returncode == 2
    assert (
        errors == f"error: {folder} was deleted while its run went on; the run ends here, and nothing of it is kept\n"
    )
    assert not folder.exists()


def test_the_system_need_not_remember_a_run_that_was_deleted(runs: Path) -> None:
    run = begun(runs)
    pid = run.state.pid
    assert pid is not None
    while run.folder.exists():
        shutil.rmtree(run.folder, ignore_errors=True)  # it writes while we delete
    given_up = time.monotonic() + PATIENCE
    while psutil.pid_exists(pid) and time.monotonic() < given_up:
        start_due(runs, SETTINGS)
        time.sleep(0.05)
    assert not psutil.pid_exists(pid)
