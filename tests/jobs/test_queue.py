"""Whose turn it is, what a host does not take, and two managers at once. The processes started here only wait."""

import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import idle_process, make_run, small

from vae.errors import ConfigError, DataError, RunError
from vae.jobs import JobSettings, enqueue, list_runs, queue, start_due
from vae.jobs.settings import cores
from vae.lock import locked
from vae.training.controls import read_controls
from vae.training.journal import LOCK, read_config, read_state

ROOT = Path(__file__).parents[2]
ONE = JobSettings(most_running=1)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The ids of the runs that were started, each with a process that only waits."""
    ids: list[str] = []
    processes: list[subprocess.Popen[bytes]] = []

    def spawn(folder: Path, _settings: JobSettings) -> tuple[int, float]:
        ids.append(folder.name)
        processes.append(subprocess.Popen(["sleep", "600"]))
        return processes[-1].pid, psutil.Process(processes[-1].pid).create_time()

    monkeypatch.setattr(queue, "spawn", spawn)
    yield ids
    for process in processes:
        process.kill()
        process.wait()


# --- into the queue


def test_a_queued_run_is_a_whole_folder_with_a_name_that_is_safe(tmp_path: Path) -> None:
    id = enqueue(small(latent_dim=3), tmp_path / "runs", "ann", shared=True)
    folder = tmp_path / "runs" / id
    assert id.startswith("digits-vae-3d-")
    assert read_config(folder) == small(latent_dim=3)
    state = read_state(folder)
    assert (state.status, state.owner, state.shared, state.epochs, state.pid) == ("queued", "ann", True, 4, None)
    assert [run.id for run in list_runs(tmp_path / "runs")] == [id]


@given(dataset=st.text(min_size=1, max_size=60))
def test_a_name_is_safe_whatever_the_data_set_is_called(dataset: str) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{0,80}", queue._name(small(dataset=dataset)))


@pytest.mark.parametrize(
    ("settings", "config", "said"),
    [
        ({"most_epochs": 3}, {}, "epochs = 4: at most 3 are trained here"),
        ({"most_parameters": 100}, {}, "this model has 1,700 parameters; at most 100"),
        ({}, {"kind": "pca", "latent_dim": 65}, "latent_dim = 65"),
    ],
)
def test_what_the_host_does_not_take_leaves_nothing(
    tmp_path: Path, settings: dict[str, Any], config: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        enqueue(small(**config), tmp_path / "runs", "ann", settings=JobSettings(**settings))
    assert not (tmp_path / "runs").exists()


def test_an_unknown_data_set_is_not_queued(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no data set named 'nothing'"):
        enqueue(small(dataset="nothing"), tmp_path / "runs")


def test_a_visitor_has_so_many_runs_waiting_and_so_many_bytes(tmp_path: Path) -> None:
    settings = JobSettings(most_queued=2, most_bytes=10_000_000)
    for _ in range(2):
        enqueue(small(), tmp_path, "ann", settings=settings)
    with pytest.raises(RunError, match="2 of your runs are waiting"):
        enqueue(small(), tmp_path, "ann", settings=settings)
    enqueue(small(), tmp_path, "bob", settings=settings)
    big = make_run(tmp_path, "big", status="done", owner="cy") / "weights.safetensors"
    big.write_bytes(b"0" * 10_000_000)
    with pytest.raises(RunError, match="your runs take 10 MB of the 10 MB"):
        enqueue(small(), tmp_path, "cy", settings=settings)


def test_limits_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_JOBS_MOST_EPOCHS", "7")
    monkeypatch.setenv("VAE_JOBS_MOST_SECONDS", "1.5")
    settings = JobSettings.from_environment()
    assert (settings.most_epochs, settings.most_seconds) == (7, 1.5)
    monkeypatch.setenv("VAE_JOBS_MOST_EPOCHS", "many")
    with pytest.raises(ConfigError, match="the environment variable VAE_JOBS_MOST_EPOCHS = 'many': "):
        JobSettings.from_environment()


def test_runs_leave_a_core_to_the_app() -> None:
    assert JobSettings().most_running == max(1, cores() // 2)
    assert all(
        settings.threads * settings.most_running <= max(settings.most_running, cores() - 1)
        for settings in (JobSettings(most_running=n) for n in range(1, 20))
    )


# --- whose turn it is


def test_there_are_no_more_than_so_many_at_once(tmp_path: Path, started: list[str]) -> None:
    for number in range(4):
        make_run(tmp_path, f"run{number}", minute=number)
    settings = JobSettings(most_running=2)
    assert start_due(tmp_path, settings) == ["run0", "run1"]
    assert start_due(tmp_path, settings) == []
    assert [run.state.status for run in list_runs(tmp_path)] == ["queued", "queued", "running", "running"]
    with idle_process() as process:
        assert start_due(tmp_path, JobSettings(most_running=3)) == ["run2"]
        make_run(tmp_path, "from-a-terminal", status="paused", **process)
        assert start_due(tmp_path, JobSettings(most_running=4)) == []


def test_owners_take_turns(tmp_path: Path, started: list[str]) -> None:
    for number in range(3):
        make_run(tmp_path, f"ann{number}", minute=number, owner="ann")
    make_run(tmp_path, "bob", minute=10, owner="bob")
    make_run(tmp_path, "cy", minute=11, owner="cy")
    assert start_due(tmp_path, JobSettings(most_running=4)) == ["ann0", "bob", "cy", "ann1"]


@pytest.fixture(scope="module")
def idle() -> Iterator[tuple[int, float]]:
    with idle_process() as process:
        yield process["pid"], process["pid_started"]


@given(owners=st.lists(st.sampled_from("abc"), min_size=1, max_size=8), most=st.integers(1, 8))
def test_no_owner_waits_while_another_has_two_more(owners: list[str], most: int, idle: tuple[int, float]) -> None:
    no_wait_for_the_disk = mock.patch("os.fsync")  # only power cuts tell, and these are hundreds of runs
    with tempfile.TemporaryDirectory() as name, no_wait_for_the_disk:
        spawn = mock.patch.object(queue, "spawn", return_value=idle)
        for number, owner in enumerate(owners):
            make_run(Path(name), f"{number}", minute=number, owner=owner)
        with spawn:
            start_due(Path(name), JobSettings(most_running=most))
        runs = list_runs(Path(name))
        running = Counter(run.state.owner for run in runs if run.state.status == "running")
        waiting = {run.state.owner for run in runs if run.state.status == "queued"}
        assert running.total() == min(most, len(owners))
        assert all(running[owner] >= max(running.values()) - 1 for owner in waiting)


def test_a_run_that_cannot_be_started_fails_and_lets_the_next_one_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[str]
) -> None:
    willing = queue.spawn

    def spawn(folder: Path, settings: JobSettings) -> tuple[int, float]:
        if folder.name == "first":
            raise OSError(12, "Cannot allocate memory")
        return willing(folder, settings)

    monkeypatch.setattr(queue, "spawn", spawn)
    make_run(tmp_path, "first")
    make_run(tmp_path, "second", minute=1)
    assert start_due(tmp_path, ONE) == ["second"]
    state = read_state(tmp_path / "first")
    assert state.status == "failed"
    assert "could not be started: [Errno 12] Cannot allocate memory" in (state.reason or "")


def test_a_run_being_resumed_from_a_terminal_is_not_started_again(tmp_path: Path, started: list[str]) -> None:
    folder = make_run(tmp_path, "run")
    with locked(folder / LOCK):
        assert start_due(tmp_path, ONE) == []
    assert start_due(tmp_path, ONE) == ["run"]


def test_the_end_of_a_process_is_written_down_once(tmp_path: Path, started: list[str]) -> None:
    folder = make_run(tmp_path, "run", status="running", pid=2**22 - 1, pid_started=1.0, epoch=3)
    start_due(tmp_path, ONE)
    first = read_state(folder)
    assert (first.status, first.epoch) == ("failed", 3)
    start_due(tmp_path, ONE)
    assert read_state(folder) == first


def test_damage_to_one_run_is_no_hindrance_to_another(tmp_path: Path, started: list[str]) -> None:
    for name in ("state.json", "config.json"):
        (make_run(tmp_path, name, owner="ann") / name).write_text("{")
    make_run(tmp_path, "sound", minute=1)
    assert "sound" in start_due(tmp_path, JobSettings(most_running=3))


def test_a_visitors_run_is_stopped_when_it_has_had_its_time(tmp_path: Path, started: list[str]) -> None:
    with idle_process() as process:
        for name, owner in (("anns", "ann"), ("hosts", None)):
            make_run(tmp_path, name, status="running", owner=owner, **process)
        start_due(tmp_path, JobSettings(most_seconds=1e6))
        assert read_controls(tmp_path / "anns") is None
        start_due(tmp_path, JobSettings(most_seconds=1e-6))
        asked = read_controls(tmp_path / "anns")
        assert asked is not None
        assert asked.stop
        assert "that a run may take here" in (asked.reason or "")
        assert read_controls(tmp_path / "hosts") is None


# --- several managers

MANAGER = """
import subprocess, sys, time
from pathlib import Path
import psutil
from vae.jobs import JobSettings, queue, start_due

def spawn(folder, settings):
    time.sleep(0.05)  # as long as a real start takes, so that managers meet
    process = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL)
    return process.pid, psutil.Process(process.pid).create_time()

queue.spawn = spawn
print("ready", flush=True)
sys.stdin.readline()
print(*start_due(Path(sys.argv[1]), JobSettings(most_running=3)))
"""


def test_managers_that_start_at_once_start_each_run_once(tmp_path: Path) -> None:
    for number in range(6):
        make_run(tmp_path, f"run{number}", minute=number, owner=str(number % 2))
    command = [sys.executable, "-c", MANAGER, str(tmp_path)]
    managers = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    try:
        for manager in managers:
            assert manager.stdout is not None
            assert manager.stdout.readline() == "ready\n"
        for manager in managers:
            assert manager.stdin is not None
            manager.stdin.write("\n")
            manager.stdin.flush()
        said = [manager.communicate(timeout=120)[0].split() for manager in managers]
        running = [run for run in list_runs(tmp_path) if run.state.status == "running"]
        assert sorted(id for ids in said for id in ids) == sorted(run.id for run in running)
        assert len(running) == 3
    finally:
        for run in list_runs(tmp_path):
            if run.state.pid is not None and run.is_at_work:
                psutil.Process(run.state.pid).kill()


HOLDER = """
import sys
from pathlib import Path
from vae.lock import locked

with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_left_behind_holds_nobody_up(tmp_path: Path, started: list[str]) -> None:
    make_run(tmp_path, "run")
    holder = (
        f"import sys; from pathlib import Path; from vae.lock import locked; c = locked(Path({str(tmp_path / LOCK)!r}))"
    )
    code = f"{holder}; c.__enter__(); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert start_due(tmp_path, ONE) == []  # somebody is at it
        process.kill()
        process.wait()
        assert (tmp_path / LOCK).exists()
        assert start_due(tmp_path, ONE) == ["run"]
