"""What is told of runs whose files are sound, damaged, or written by a process that is not there any more."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import idle_process, make_run

from vae.errors import RunError
from vae.jobs import Run, find, list_runs
from vae.jobs.processes import START_OF_LOG
from vae.training.controls import Controls, write_controls
from vae.training.journal import read_state

GONE = {"status": "running", "pid": 2**22 - 1, "pid_started": 1.0}


def the(runs: Path, id: str) -> Run:
    return next(run for run in list_runs(runs) if run.id == id)


# --- who sees which


def test_visitors_see_their_own_the_shared_and_those_of_nobody(tmp_path: Path) -> None:
    make_run(tmp_path, "anns", minute=1, owner="ann")
    make_run(tmp_path, "bobs", minute=2, owner="bob")
    make_run(tmp_path, "bobs-shared", minute=3, owner="bob", shared=True)
    make_run(tmp_path, "terminal", minute=4)
    assert [run.id for run in list_runs(tmp_path, "ann")] == ["terminal", "bobs-shared", "anns"]
    assert [run.id for run in list_runs(tmp_path, "bob")] == ["terminal", "bobs-shared", "bobs"]
    assert [run.id for run in list_runs(tmp_path)] == ["terminal", "bobs-shared", "bobs", "anns"]
    assert [run.id for run in list_runs(tmp_path, "ann") if run.belongs_to("ann")] == ["terminal", "anns"]


def test_what_is_no_run_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "holiday.jpg").write_bytes(b"")
    make_run(tmp_path, ".making")
    assert list_runs(tmp_path) == []
    assert list_runs(tmp_path / "nowhere") == []


def test_a_model_trained_before_there_were_states_is_a_run_that_is_done() -> None:
    shipped = Path(__file__).parents[2] / "checkpoints"
    run = the(shipped, "digits-vae-2d")
    assert (run.state.status, run.state.epoch, run.state.epochs) == ("done", 150, 150)
    assert run.config is not None
    assert run.config.dataset == "digits"


# --- a process that is there, and one that is not


def test_a_run_goes_on_while_its_process_does(tmp_path: Path) -> None:
    with idle_process() as process:
        folder = make_run(tmp_path, "run", status="running", epoch=2, **process)
        assert the(tmp_path, "run").state.status == "running"
        assert the(tmp_path, "run").is_at_work
        write_controls(folder, Controls(stop=True))
        assert the(tmp_path, "run").state.status == "stopping"
    run = the(tmp_path, "run")
    assert run.state.status == "failed"
    assert run.state.epoch == 2
    assert run.is_resumable


def test_another_process_with_the_same_pid_is_not_the_run(tmp_path: Path) -> None:
    with idle_process() as process:
        reused = process | {"pid_started": process["pid_started"] - 60}
        make_run(tmp_path, "run", status="running", **reused)
        make_run(tmp_path, "no-start", status="paused", pid=process["pid"])
        assert {run.state.status for run in list_runs(tmp_path)} == {"failed"}


def test_a_zombie_does_not_train(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as process:
        import psutil

        started = psutil.Process(process.pid).create_time()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, and nobody has asked for its exit code
        make_run(tmp_path, "run", status="running", pid=process.pid, pid_started=started)
        assert the(tmp_path, "run").state.status == "failed"


# --- why it is gone


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("Traceback (most recent call last):\n  File x\nValueError: not so\n", "ValueError: not so"),
        ("1,437 images\nerror: disk.bin: No space left on device\n", "disk.bin: No space left on device"),
        (f"Traceback (most recent call last):\nOld: error\n{START_OF_LOG}\nepoch 1\n", "gone without a word"),
        ("", "gone without a word"),
        ("x" * 200_000 + "\nerror: late\n", "late"),
        (b"\xff\xfe\nerror: odd \xff\n", "odd"),
    ],
)
def test_the_last_words_in_the_log_are_the_reason(tmp_path: Path, log: str | bytes, reason: str) -> None:
    folder = make_run(tmp_path, "run", **GONE)
    (folder / "log.txt").write_bytes(log if isinstance(log, bytes) else log.encode())
    # The machine of the test may have been started after the made run was heard of.
    state = read_state(folder).told()
    (folder / "state.json").write_text(state.model_dump_json())
    assert reason in (the(tmp_path, "run").state.reason or "")


def test_a_machine_that_was_started_anew_is_a_reason(tmp_path: Path) -> None:
    make_run(tmp_path, "run", minute=-60 * 24 * 365 * 20, **GONE)
    assert the(tmp_path, "run").state.reason == "the machine was started anew"


def test_a_full_disk_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_run(tmp_path, "run", **GONE)
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 100}))
    assert "the disk is full" in (the(tmp_path, "run").state.reason or "")


# --- damage


@pytest.mark.parametrize(
    "damage", ["", "{", "null", '{"status": "done"}', '{"status": "dancing", "owner": "ann", "epochs": 1}', "[" * 9999]
)
def test_a_damaged_state_is_a_failed_run_that_says_so(tmp_path: Path, damage: str) -> None:
    folder = make_run(tmp_path, "run", owner="ann")
    (folder / "state.json").write_text(damage)
    run = the(tmp_path, "run")
    assert run.state.status == "failed"
    assert "state.json is damaged" in (run.state.reason or "")
    assert run.is_resumable


def test_the_owner_of_a_damaged_state_is_kept_where_it_can_be_read(tmp_path: Path) -> None:
    folder = make_run(tmp_path, "run", owner="ann")
    text = json.loads((folder / "state.json").read_text()) | {"epoch": -1}
    (folder / "state.json").write_text(json.dumps(text))
    assert [run.id for run in list_runs(tmp_path, "bob")] == []
    assert [run.state.status for run in list_runs(tmp_path, "ann")] == ["failed"]


def test_damaged_settings_are_told_and_cannot_be_resumed(tmp_path: Path) -> None:
    folder = make_run(tmp_path, "run", status="stopped")
    (folder / "config.json").write_text((folder / "config.json").read_text().replace('"epochs": 4', '"epochs": -4'))
    run = the(tmp_path, "run")
    assert run.config is None
    assert "epochs = -4" in (run.problem or "")
    assert not run.is_resumable


@given(state=st.binary(max_size=100), config=st.binary(max_size=100), log=st.binary(max_size=100))
def test_no_content_of_the_files_is_an_error(tmp_path_factory: pytest.TempPathFactory, **files: bytes) -> None:
    runs = tmp_path_factory.mktemp("runs")
    folder = make_run(runs, "run", **GONE)
    for name, content in zip(("state.json", "config.json", "events.jsonl"), files.values(), strict=True):
        (folder / name).write_bytes(content)
    assert [run.id for run in list_runs(runs)] == ["run"]


# --- names


@pytest.mark.parametrize(
    "id", ["", ".", "..", "../run", "/etc", "run/film", "a\\b", ".hidden", "a\0b", "x" * 300, "none"]
)
def test_only_plain_names_of_runs_are_found(tmp_path: Path, id: str) -> None:
    make_run(tmp_path / "runs", "run")
    (tmp_path / "runs" / "run" / "film").mkdir()
    make_run(tmp_path / "runs", ".hidden")
    with pytest.raises(RunError, match="there is no run named"):
        find(tmp_path / "runs", id)
    assert find(tmp_path / "runs", "run") == tmp_path / "runs" / "run"


def test_a_link_out_of_the_folder_is_no_run(tmp_path: Path) -> None:
    make_run(tmp_path / "elsewhere", "run")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "link").symlink_to(tmp_path / "elsewhere" / "run")
    with pytest.raises(RunError):
        find(tmp_path / "runs", "link")


QUEUES = """
import sys
from pathlib import Path
from vae.config import RunConfig
from vae.jobs import enqueue, list_runs
runs = Path(sys.argv[1])
enqueue(RunConfig(), runs)
print(len(list_runs(runs)), "torch" in sys.modules)
"""


def test_queuing_and_looking_at_runs_needs_no_torch(tmp_path: Path) -> None:
    command = [sys.executable, "-c", QUEUES, str(tmp_path)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "False"]
