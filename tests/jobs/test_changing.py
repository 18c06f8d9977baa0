"""What is asked of runs, by one person or by two at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from made_runs import idle_process, make_run, small

from vae.errors import ConfigError, RunError
from vae.jobs import JobSettings, clone_settings, continue_for, delete, list_runs, request, resume, share
from vae.lock import locked
from vae.training.controls import Controls, read_controls, write_controls
from vae.training.journal import LOCK, read_config, read_state, write_state


def test_requests_add_up(tmp_path: Path) -> None:
    with idle_process() as process:
        run = make_run(tmp_path, "run", status="running", **process)
        request(run, Controls(beta=4.0))
        request(run, Controls(paused=True))
        request(run, Controls(speed=0.5))
        assert read_controls(run) == Controls(beta=4.0, paused=True, speed=0.5)


def test_many_who_stop_a_run_at_once_stop_it_once(tmp_path: Path) -> None:
    with idle_process() as process:
        run = make_run(tmp_path, "run", status="running", **process)
        with ThreadPoolExecutor(8) as tabs:
            list(tabs.map(lambda _: request(run, Controls(stop=True)), range(24)))
        assert read_controls(run) == Controls(stop=True)
    request(run, Controls(stop=True))  # it is gone by now: there is nothing left to ask for, and nothing wrong


def test_no_request_of_several_at_once_is_lost(tmp_path: Path) -> None:
    with idle_process() as process:
        run = make_run(tmp_path, "run", status="running", **process)
        with ThreadPoolExecutor(8) as tabs:
            list(tabs.map(lambda _: request(run, Controls(single_epoch=True)), range(40)))
            changes = [Controls(beta=2.0), Controls(learning_rate=0.1), Controls(speed=0.3)] * 5
            list(tabs.map(lambda change: request(run, change), changes))
        asked = read_controls(run)
        assert asked is not None
        assert asked == Controls(single_epoch=True, beta=2.0, learning_rate=0.1, speed=0.3, serial=40)


def test_a_waiting_run_is_stopped_without_a_process(tmp_path: Path) -> None:
    run = make_run(tmp_path, "run")
    request(run, Controls(stop=True))
    assert read_state(run).status == "stopped"
    assert list_runs(tmp_path)[0].is_resumable


def test_a_run_that_has_ended_has_nothing_to_be_asked_for(tmp_path: Path) -> None:
    run = make_run(tmp_path, "run", status="done")
    with pytest.raises(RunError, match=r"run does not go on \(it is done\)"):
        request(run, Controls(paused=True))
    assert read_controls(run) is None


@pytest.mark.parametrize("status", ["stopped", "failed"])
def test_a_resumed_run_waits_again_and_forgets_what_was_asked(tmp_path: Path, status: str) -> None:
    run = make_run(tmp_path, "run", status=status, epoch=2, owner="ann", shared=True, reason="stopped in epoch 3")
    write_controls(run, Controls(stop=True))
    resume(run)
    state = read_state(run)
    assert (state.status, state.epoch, state.owner, state.shared, state.reason) == ("queued", 2, "ann", True, None)
    assert read_controls(run) is None


def test_a_resume_may_ask_for_a_change(tmp_path: Path) -> None:
    run = make_run(tmp_path, "run", status="failed")
    resume(run, Controls(learning_rate=1e-4))
    assert read_controls(run) == Controls(learning_rate=1e-4)


@pytest.mark.parametrize("status", ["queued", "done"])
def test_what_did_not_end_early_is_not_resumed(tmp_path: Path, status: str) -> None:
    run = make_run(tmp_path, "run", status=status)
    with pytest.raises(RunError, match=f"run cannot be resumed: it is {status}"):
        resume(run)


def test_a_run_is_continued_for_more_epochs(tmp_path: Path) -> None:
    run = make_run(tmp_path, "run", status="done", epoch=4)
    (run / "resume.safetensors").write_bytes(b"")
    continue_for(run, 6)
    assert read_config(run) == small(epochs=10)
    state = read_state(run)
    assert (state.status, state.epoch, state.epochs) == ("queued", 4, 10)
    assert read_controls(run) is None


def test_a_run_is_continued_with_a_change(tmp_path: Path) -> None:
    run = make_run(tmp_path, "run", status="done", epoch=4)
    (run / "resume.safetensors").write_bytes(b"")
    continue_for(run, 6, change=Controls(trains="encoder", exact_gap_images=8))
    assert read_controls(run) == Controls(trains="encoder", exact_gap_images=8)
    assert read_config(run) == small(epochs=10)  # what was set at the beginning stays; the change comes on top


def test_what_a_model_cannot_have_is_not_asked_of_its_run(tmp_path: Path) -> None:
    with idle_process() as process:
        pca = make_run(tmp_path, "pca", config=small(kind="pca"), status="running", **process)
        with pytest.raises(ConfigError, match="trains = 'encoder': a PCA is fitted in one step"):
            request(pca, Controls(trains="encoder"))
        assert read_controls(pca) is None
    deep = make_run(tmp_path, "deep", config=small(latent_dim=3), status="done", epoch=4)
    (deep / "resume.safetensors").write_bytes(b"")
    before = (deep / "config.json").read_bytes(), (deep / "state.json").read_bytes()
    with pytest.raises(ConfigError, match=r"exact_gap_images = 8: .* a VAE with latent_dim = 3; set it to 0"):
        continue_for(deep, 1, change=Controls(exact_gap_images=8))
    assert ((deep / "config.json").read_bytes(), (deep / "state.json").read_bytes()) == before
    failed = make_run(tmp_path, "failed", config=small(kind="ae"), status="failed")
    with pytest.raises(ConfigError, match="this is an AE"):
        resume(failed, Controls(exact_gap_images=8))
    assert read_state(failed).status == "failed"


def test_a_cosine_is_continued_by_another_one(tmp_path: Path) -> None:
    run = make_run(tmp_path, "run", status="done", config=small(schedule="cosine"))
    (run / "resume.safetensors").write_bytes(b"")
    continue_for(run, 3)
    assert read_config(run) == small(schedule="cosine", epochs=7, restarts=(4,))
    assert read_state(run).status == "queued"


def test_what_cannot_be_continued_says_why(tmp_path: Path) -> None:
    def refused(id: str, error: type[Exception], said: str, more: int = 1, **values: object) -> None:
        run = make_run(tmp_path, id, status=values.pop("status", "done"), config=small(**values))
        (run / "resume.safetensors").write_bytes(b"")
        before = (run / "config.json").read_bytes(), (run / "state.json").read_bytes()
        with pytest.raises(error, match=said):
            continue_for(run, more, JobSettings(most_epochs=50))
        assert ((run / "config.json").read_bytes(), (run / "state.json").read_bytes()) == before

    refused("waits", RunError, "has not ended", status="queued")
    refused("none", RunError, "ask for at least 1", more=0)
    refused("many", ConfigError, "at most 50", more=47)
    refused("endless", ConfigError, "epochs = 20004", more=20_000)
    bare = make_run(tmp_path, "bare", status="done", epoch=4)
    with pytest.raises(RunError, match=r"it has no resume\.safetensors"):
        continue_for(bare, 1)


def test_settings_can_be_taken_for_another_run(tmp_path: Path) -> None:
    run = make_run(tmp_path, "run", config=small(beta=3.5, seed=8))
    assert clone_settings(run) == small(beta=3.5, seed=8)
    (run / "config.json").write_text("{")
    with pytest.raises(RunError, match="the settings of run cannot be read"):
        clone_settings(run)


def test_a_run_is_shared_whatever_it_does_and_its_process_need_not_know(tmp_path: Path) -> None:
    with idle_process() as process:
        run = make_run(tmp_path, "run", status="running", owner="ann", **process)
        before = read_state(run)
        share(run, True)
        assert [each.id for each in list_runs(tmp_path, "bob")] == ["run"]
        assert not list_runs(tmp_path, "bob")[0].belongs_to("bob")
        write_state(run, before.told(epoch=3))  # as its process does, which knows nothing of it
        assert [each.state.epoch for each in list_runs(tmp_path, "bob")] == [3]
        share(run, False)
        assert list_runs(tmp_path, "bob") == []
    share(run, True)
    assert [each.state.status for each in list_runs(tmp_path, "bob")] == ["failed"]
    resume(run)
    assert [each.state.status for each in list_runs(tmp_path, "bob")] == ["queued"]


def test_what_was_queued_as_shared_can_be_taken_back(tmp_path: Path) -> None:
    run = make_run(tmp_path, "run", owner="ann", shared=True)
    assert list_runs(tmp_path, "bob")
    share(run, False)
    assert list_runs(tmp_path, "bob") == []
    (run / "sharing.json").write_text("{")  # damaged: whoever made it may not have meant everybody
    assert list_runs(tmp_path, "bob") == []
    with pytest.raises(RunError, match="there is no run named"):
        share(tmp_path / "none", True)
    assert not (tmp_path / "none").exists()


def test_a_deleted_run_is_gone_and_one_that_goes_on_is_not_deleted(tmp_path: Path) -> None:
    with idle_process() as process:
        going_on = make_run(tmp_path, "on", status="paused", **process)
        with pytest.raises(RunError, match="on is paused; stop it first"):
            delete(going_on)
        assert read_state(going_on).status == "paused"
    delete(going_on)
    waiting = make_run(tmp_path, "waiting")
    delete(waiting)
    assert list_runs(tmp_path) == []
    assert not any(tmp_path.rglob("state.json"))
    with pytest.raises(RunError, match="there is no run named 'waiting'"):
        delete(waiting)


def test_a_damaged_state_does_not_let_a_run_be_deleted_under_its_process(tmp_path: Path) -> None:
    run = make_run(tmp_path, "run")
    (run / "state.json").write_text("{")
    with locked(run / LOCK), pytest.raises(RunError, match="a process still trains run"):
        delete(run)
    assert run.is_dir()
    delete(run)
    assert not run.exists()
