"""What a run writes of itself: its state, its events, and what becomes of them when they are damaged."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_runs import EPOCHS, IMAGES, config_of, epochs_of, events_of, files_of, stopped_run

from vae.analysis.averages import Averages
from vae.config import RunConfig
from vae.errors import BusyError, CheckpointError
from vae.lock import locked
from vae.training import loop
from vae.training.events import Continued, Done, EpochDone, Event, Paused, Progress, Started, Stopped
from vae.training.journal import EVENTS, LOCK, EventLog, read_config, read_events, read_state
from vae.training.pace import Pace
from vae.training.run import run

ROOT = Path(__file__).parents[2]


# --- state


def test_a_finished_run_says_so(done: Path) -> None:
    state = read_state(done)
    assert (state.status, state.epoch, state.epochs, state.reason) == ("done", EPOCHS, EPOCHS, None)
    assert (state.owner, state.shared, state.moving) == (None, False, None)
    assert state.created <= state.updated
    assert read_config(done) == config_of(latent_dim=3)


def test_the_state_follows_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_PROGRESS", -1)
    for event in run(config_of(), tmp_path / "run"):
        state = read_state(tmp_path / "run")
        if isinstance(event, Progress):
            assert (state.status, state.epoch) == ("running", event.epoch - 1)
            assert (state.pid, state.pid_started) == (os.getpid(), psutil.Process().create_time())
            assert state.moving is not None
            assert state.moving.images_done == event.images_done
            left = (EPOCHS - event.epoch + 1) * IMAGES - event.images_done
            at_this_rate = left / event.images_per_second
            assert state.moving.seconds_left >= at_this_rate * 0.999
            if event.epoch == 1:
                assert state.moving.seconds_left == pytest.approx(at_this_rate)
            assert state.moving.elbo == pytest.approx(event.terms.elbo)


def test_a_stopped_run_says_why(tmp_path: Path) -> None:
    stopped_run(config_of(), tmp_path, epoch=3)
    state = read_state(tmp_path)
    assert (state.status, state.epoch, state.reason) == ("stopped", 2, "stopped in epoch 3")
    events_of(config_of(), tmp_path, resume=True)
    resumed = read_state(tmp_path)
    assert (resumed.status, resumed.epoch, resumed.reason) == ("done", EPOCHS, None)
    assert resumed.created == state.created


@pytest.mark.parametrize(("learning_rate", "status"), [(10, "failed"), (1e-3, "done")])
def test_who_stops_listening_after_the_last_event_changes_nothing(
    tmp_path: Path, learning_rate: float, status: str
) -> None:
    config = config_of(hidden=(12, 12, 12), batch_size=2000, learning_rate=learning_rate)
    for event in run(config, tmp_path):
        if isinstance(event, Stopped | Done):
            break
    state = read_state(tmp_path)
    assert state.status == status
    assert state.reason is None or "a smaller learning rate" in state.reason


def test_who_stops_listening_before_it_ends_the_run(tmp_path: Path) -> None:
    for event in run(config_of(), tmp_path):
        if isinstance(event, EpochDone) and event.epoch == 2:
            break
    state = read_state(tmp_path)
    assert (state.status, state.epoch) == ("failed", 1)
    assert state.reason == "ended by the program that had started it"


def test_an_error_is_the_reason_of_a_failed_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no such kernel\nand more")

    monkeypatch.setattr(loop, "measure", broken)
    with pytest.raises(RuntimeError):
        events_of(config_of(), tmp_path)
    assert (read_state(tmp_path).status, read_state(tmp_path).reason) == ("failed", "RuntimeError: no such kernel")


@pytest.mark.parametrize("damage", ["", "{", '{"status": "done"}', "null", '{"status": "asleep", "epochs": 3}'])
def test_a_damaged_state_is_an_error_that_names_it_and_no_hindrance(tmp_path: Path, damage: str) -> None:
    stopped_run(config_of(), tmp_path, epoch=2)
    (tmp_path / "state.json").write_text(damage)
    with pytest.raises(CheckpointError, match=r"state\.json is damaged"):
        read_state(tmp_path)
    events_of(config_of(), tmp_path, resume=True)
    assert read_state(tmp_path).status == "done"


def test_settings_out_of_bounds_in_a_file_are_named(tmp_path: Path) -> None:
    stopped_run(config_of(), tmp_path, epoch=2)
    settings = json.loads((tmp_path / "config.json").read_text())
    settings["training"]["beta"] = -3
    (tmp_path / "config.json").write_text(json.dumps(settings))
    with pytest.raises(CheckpointError, match=r"config\.json holds settings that no run can have: beta = -3"):
        events_of(config_of(), tmp_path, resume=True)


def test_a_run_is_trained_by_one_process(tmp_path: Path) -> None:
    stopped_run(config_of(), tmp_path, epoch=2)
    before = files_of(tmp_path)
    with locked(tmp_path / LOCK), pytest.raises(BusyError, match="is being trained by another process"):
        events_of(config_of(), tmp_path, resume=True)
    assert files_of(tmp_path) == before


def test_what_a_killed_process_was_writing_is_swept_away(tmp_path: Path) -> None:
    stopped_run(config_of(), tmp_path, epoch=2)
    for leftover in (".resume.safetensors.x1", ".state.json.x2", "film/.0002.safetensors.x3"):
        (tmp_path / leftover).write_bytes(b"half")
    (tmp_path / ".control.json.x4").write_bytes(b"somebody else's, and just being written")
    events_of(config_of(), tmp_path, resume=True)
    assert [path.name for path in tmp_path.rglob(".*.x?")] == [".control.json.x4"]


# --- events


def test_the_log_holds_what_the_epochs_told(tmp_path: Path) -> None:
    told = [event for event in events_of(config_of(), tmp_path) if isinstance(event, EpochDone)]
    log = read_events(tmp_path)
    assert log.skipped == 0
    assert [event["event"] for event in log.events] == ["started", *["epoch_done"] * EPOCHS, "done"]
    assert [event["n"] for event in log.events] == list(range(EPOCHS + 2))
    for event, logged in zip(told, log.events[1:-1], strict=True):
        assert logged["epoch"] == event.epoch
        for name, averages in (("train", event.train), ("test", event.test)):
            assert logged[name]["elbo"] == pytest.approx(averages.elbo, rel=1e-5)
            assert logged[name]["reconstruction"] == pytest.approx(averages.reconstruction, rel=1e-5)
            assert logged[name]["kl_per_dimension"] == pytest.approx(averages.kl_per_dimension, rel=1e-5)
    assert [event["n"] for event in read_events(tmp_path, after=3).events] == [4, 5]


def test_a_resumed_run_goes_on_with_its_log(tmp_path: Path) -> None:
    stopped_run(config_of(), tmp_path, epoch=3)
    with (tmp_path / EVENTS).open("ab") as log:
        log.write(b'{"n":4,"time":1.0,"event":"epoch_do')  # killed while writing
    assert read_events(tmp_path).skipped == 1
    events_of(config_of(), tmp_path, resume=True)
    read = read_events(tmp_path)
    assert read.skipped == 1
    assert [event["epoch"] for event in read.events if event["event"] == "epoch_done"] == [1, 2, 3, 4]
    assert [event["n"] for event in read.events] == list(range(len(read.events)))


@given(st.binary(max_size=300))
def test_damage_costs_only_the_damaged_lines(noise: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        EventLog(folder).write("started", {"epochs": 2})
        with (folder / EVENTS).open("ab") as log:
            log.write(noise)
        EventLog(folder).write("done", {"epoch": 2})
        kept = [event["event"] for event in read_events(folder).events]
        assert kept[0] == "started"
        assert kept[-1] == "done"


@pytest.mark.parametrize(
    "line", ["[]", "3", '{"n": 1}', '{"n": 1.5, "time": 0, "event": "x"}', '{"n": NaN}', "[" * 9999]
)
def test_a_line_that_is_no_event_is_skipped(tmp_path: Path, line: str) -> None:
    (tmp_path / EVENTS).write_text(line + "\n")
    assert read_events(tmp_path).events == ()
    assert read_events(tmp_path).skipped == 1


def test_no_log_is_no_events(tmp_path: Path) -> None:
    assert read_events(tmp_path).events == ()


# --- deleted while it runs


def test_a_run_whose_folder_is_deleted_ends_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_PROGRESS", -1)
    for cut in (Progress, EpochDone):
        folder = tmp_path / cut.__name__

        def deleting(folder: Path = folder, cut: type = cut) -> None:
            for event in run(config_of(), folder):
                if isinstance(event, cut):
                    shutil.rmtree(folder)

        with pytest.raises(CheckpointError, match="was deleted while its run went on"):
            deleting()
        assert not folder.exists()


@pytest.mark.parametrize("missing", ["film", ".lock", "state.json", "resume.safetensors"])
def test_a_run_that_is_being_deleted_ends_with_the_same_sentence(tmp_path: Path, missing: str) -> None:
    """A folder goes file by file; the run may notice at any of them, or not before the next."""

    def deleting() -> None:
        for event in run(config_of(), tmp_path / "run"):
            if isinstance(event, EpochDone):
                gone = tmp_path / "run" / missing
                shutil.rmtree(gone) if gone.is_dir() else gone.unlink(missing_ok=True)

    if missing == "film":
        with pytest.raises(CheckpointError, match="was deleted while its run went on"):
            deleting()
    else:
        deleting()
        assert read_state(tmp_path / "run").status == "done"


def test_reading_a_run_needs_no_torch() -> None:
    code = "import sys, vae.training.journal, vae.training.controls; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_config_is_what_it_was(done: Path) -> None:
    assert RunConfig.model_validate_json((done / "config.json").read_bytes()) == config_of(latent_dim=3)


def test_epochs_are_those_of_the_undisturbed_run(done: Path, tmp_path: Path) -> None:
    """The log has a part in nothing: a run with a damaged one gives the same figures."""
    config = config_of(latent_dim=3)
    before = stopped_run(config, tmp_path, epoch=2)
    (tmp_path / EVENTS).write_bytes(b"\xff\xfe\n{{{")
    after = events_of(config, tmp_path, resume=True)
    assert len(epochs_of(before) + epochs_of(after)) == EPOCHS
    assert (tmp_path / "weights.safetensors").read_bytes() == (done / "weights.safetensors").read_bytes()


# --- pace


def test_time_left_counts_measuring_but_no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    pace, terms = Pace(), Averages(-1.0, (0.5,))

    def at(seconds: float, event: Event) -> None:
        clock[0] = seconds
        pace.hear(event)

    at(10, Started(epochs=3, first_epoch=1, images=100, parameters=1))
    at(11, Progress(1, 50, 100, images_per_second=50.0, terms=terms))
    assert pace.moving is not None
    assert pace.moving.seconds_left == pytest.approx(250 / 50)
    at(12, Paused(1))
    at(1012, Continued(1))
    at(1015, EpochDone(1, terms, terms, 2.0, 50.0, 1.0, 1e-3))  # 5 s without the pause, of which 2 s trained
    assert pace.moving.seconds_left == pytest.approx(2 * 5)
    at(1017, Progress(2, 50, 100, images_per_second=1.0, terms=terms))  # slowed down
    assert pace.moving.seconds_left == pytest.approx(150)
