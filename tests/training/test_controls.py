"""Pause, speed, single epochs and changed settings: what a loop does when it is asked to."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_runs import BATCHES, EPOCHS, config_of, epochs_of, events_of, in_epoch, names_of, tensors_of

from vae.card import Change, read_card
from vae.config import RunConfig, TrainingConfig
from vae.data import load
from vae.models import build
from vae.objective import Terms
from vae.training import run as running
from vae.training.changes import new_changes, settings_at, with_change
from vae.training.controls import ControlFile, Controls, read_controls, write_controls
from vae.training.events import Changed, Event, Stopped
from vae.training.loop import TrainingState, train
from vae.training.run import run


def played(config: RunConfig, script: Callable[[int], Controls]) -> list[Event]:
    """The events of a loop whose n-th question to the controls is answered by `script(n)`."""
    train_images, test_images = (torch.from_numpy(load("digits", split).images.copy()) for split in ("train", "test"))
    state = TrainingState.fresh(build(config.model, (1, 8, 8), config.training.seed), config.training.learning_rate)
    asked = iter(range(10**9))
    return list(train(state, config.training, train_images, test_images, lambda: script(next(asked))))


def answers(*given: Controls) -> Callable[[int], Controls]:
    return lambda n: given[min(n, len(given) - 1)]


# --- pause, single epoch, speed


def test_a_pause_holds_the_next_batch_and_changes_nothing() -> None:
    config = config_of(epochs=2)
    undisturbed = played(config, answers(Controls()))
    events = played(config, lambda n: Controls(paused=2 <= n < 5))
    assert names_of(events) == ["Started", "Paused", "Continued", "EpochDone", "EpochDone", "Done"]
    assert epochs_of(events) == epochs_of(undisturbed)


def test_a_paused_run_can_be_stopped() -> None:
    events = played(config_of(), lambda n: Controls(paused=True, stop=n > 3, reason="enough" if n > 3 else None))
    assert names_of(events) == ["Started", "Paused", "Stopped"]
    assert events[-1] == Stopped(0, "enough", diverged=False)


def test_a_single_epoch_ends_in_a_pause_and_a_second_one_is_another_request() -> None:
    first = Controls(single_epoch=True, serial=1)
    second = Controls(single_epoch=True, serial=2)
    play = Controls(serial=3)
    # Six batches; then it holds, asking again, until the request is another one.
    script = [Controls(paused=True), *[first] * (BATCHES + 3), *[second] * (BATCHES + 3), play]
    events = played(config_of(epochs=3), answers(*script))
    assert names_of(events) == [
        *("Started", "Paused", "Continued", "EpochDone"),
        *("Paused", "Continued", "EpochDone"),
        *("Paused", "Continued", "EpochDone", "Done"),
    ]


def test_a_slower_speed_rests_in_proportion_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(epochs=1)
    clock = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    monkeypatch.setattr("time.sleep", lambda seconds: clock.__setitem__(0, clock[0] + max(seconds, 1e-9)))
    loss = Terms.loss

    def slow_loss(batch: Terms, beta: float, images: int) -> torch.Tensor:
        clock[0] += 0.1  # each batch takes a tenth of a second
        return loss(batch, beta, images)

    monkeypatch.setattr(Terms, "loss", slow_loss)
    seconds = {}
    for speed in (1.0, 0.5, 0.25):
        began = clock[0]
        events = played(config, answers(Controls(speed=speed)))
        seconds[speed] = clock[0] - began
    assert seconds[1.0] == pytest.approx(BATCHES * 0.1)
    assert seconds[0.5] == pytest.approx(BATCHES * 0.2)
    assert seconds[0.25] == pytest.approx(BATCHES * 0.4)
    assert names_of(events)[-1] == "Done"


# --- changes of beta and learning rate


CHANGED = {8: Controls(beta=4.0), 15: Controls(beta=4.0, learning_rate=1e-3), 20: Controls(beta=0.5)}


def changing(n: int) -> Controls:
    """Beta in the second epoch, the learning rate in the third, beta again in the fourth."""
    return CHANGED.get(max((at for at in CHANGED if at <= n), default=0), Controls())


def test_a_change_holds_from_the_next_batch_on(monkeypatch: pytest.MonkeyPatch) -> None:
    betas, rates = [], []
    loss, step = Terms.loss, torch.optim.Adam.step
    monkeypatch.setattr(Terms, "loss", lambda batch, beta, images: betas.append(beta) or loss(batch, beta, images))
    monkeypatch.setattr(
        torch.optim.Adam, "step", lambda adam, *rest: rates.append(adam.param_groups[0]["lr"]) or step(adam, *rest)
    )
    events = played(config_of(), changing)
    assert betas == [1.0] * 8 + [4.0] * 12 + [0.5] * 4
    assert rates == [3e-3] * 15 + [1e-3] * 9
    assert [event for event in events if isinstance(event, Changed)] == [
        Changed(2, 2, "beta", 1.0, 4.0),
        Changed(3, 3, "learning_rate", 3e-3, 1e-3),
        Changed(4, 2, "beta", 4.0, 0.5),
    ]
    assert [epoch[3:] for epoch in epochs_of(events)] == [(1.0, 3e-3), (4.0, 3e-3), (4.0, 1e-3), (0.5, 1e-3)]


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], Controls]], None]:
    """Puts a script, counted from a run's first batch, in place of control.json; it is asked once before that too."""

    def play(script: Callable[[int], Controls]) -> None:
        asked = iter(range(-1, 10**9))
        monkeypatch.setattr(running, "ControlFile", lambda *_: lambda: script(max(0, next(asked))))

    return play


FREEZING = {
    8: Controls(trains="encoder"),
    14: Controls(trains="decoder", exact_gap_images=2),
    21: Controls(trains="both"),
}


def freezing(n: int) -> Controls:
    """The decoder stands from within the second epoch on, the encoder in the third; in the fourth both learn again."""
    return FREEZING.get(max((at for at in FREEZING if at <= n), default=0), Controls())


@pytest.mark.parametrize("stopped_at", [(1, 3), (2, 1), (2, 4), (3, 0), (3, 1), (3, 5), (4, 2), (4, 5)])
def test_a_run_that_froze_its_parts_and_was_resumed_is_the_uninterrupted_one(
    tmp_path: Path, scripted: Callable[..., None], stopped_at: tuple[int, int]
) -> None:
    resumed_equals_uninterrupted(config_of(), tmp_path, scripted, freezing, stopped_at)
    changes = read_card(tmp_path / "run").training.changes
    assert [change.new for change in changes] == ["encoder", "decoder", 2, "both"]


@pytest.mark.parametrize("stopped_at", [(1, 3), (2, 1), (2, 5), (3, 0), (3, 4), (4, 1), (4, 5)])
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_changed_run_stopped_anywhere_and_resumed_is_the_uninterrupted_one(
    tmp_path: Path, scripted: Callable[..., None], stopped_at: tuple[int, int], schedule: str
) -> None:
    config = config_of(schedule=schedule, warmup_epochs=2.5)
    resumed_equals_uninterrupted(config, tmp_path, scripted, changing, stopped_at)
    assert len(read_card(tmp_path / "run").training.changes) == 3


def resumed_equals_uninterrupted(
    config: RunConfig,
    tmp_path: Path,
    scripted: Callable[..., None],
    script: Callable[[int], Controls],
    stopped_at: tuple[int, int],
) -> None:
    scripted(script)
    expected = epochs_of(events_of(config, tmp_path / "whole"))
    epoch, batch = stopped_at
    scripted(script)
    before = events_of(config, tmp_path / "run", stop=in_epoch(epoch, batch))
    scripted(lambda n: script(n + (epoch - 1) * BATCHES if n >= batch else (epoch - 1) * BATCHES + batch - 1))
    after = events_of(config, tmp_path / "run", resume=True)
    assert epochs_of(before) + epochs_of(after) == expected
    assert tensors_of(tmp_path / "run") == tensors_of(tmp_path / "whole")
    assert read_card(tmp_path / "run").training.changes == read_card(tmp_path / "whole").training.changes


def test_a_change_is_written_down_before_anything_is_done_by_it(tmp_path: Path, scripted: Callable[..., None]) -> None:
    scripted(changing)
    events_of(config_of(), tmp_path / "whole")
    scripted(changing)
    for event in run(config_of(), tmp_path / "run"):
        if isinstance(event, Changed) and event.epoch == 3:
            break
    scripted(lambda n: changing(n + 2 * BATCHES) if n >= 4 else Controls())  # nobody asks for it again
    events_of(config_of(), tmp_path / "run", resume=True)
    assert tensors_of(tmp_path / "run") == tensors_of(tmp_path / "whole")


def test_a_run_that_diverged_by_a_change_goes_on_with_another(tmp_path: Path, scripted: Callable[..., None]) -> None:
    scripted(lambda n: Controls(learning_rate=10.0) if n >= 8 else Controls())
    events = events_of(config_of(hidden=(12, 12, 12), batch_size=250), tmp_path)
    assert isinstance(events[-1], Stopped)
    assert events[-1].diverged
    scripted(answers(Controls(learning_rate=1e-3)))
    after = events_of(config_of(hidden=(12, 12, 12), batch_size=250), tmp_path, resume=True)
    assert epochs_of(after)[-1][0] == EPOCHS
    assert [change.new for change in read_card(tmp_path).training.changes] == [1e-3]


values = st.floats(min_value=0.01, max_value=10)
places = st.tuples(st.integers(1, 4), st.integers(0, 5))


@given(st.lists(st.tuples(places, st.sampled_from(["beta", "learning_rate"]), values), max_size=8), places)
def test_settings_are_those_of_the_last_change_before(
    changes: Iterable[tuple[tuple[int, int], Any, float]], place: tuple[int, int]
) -> None:
    config = TrainingConfig()
    made: list[Change] = []
    current = {"beta": config.beta, "learning_rate": config.learning_rate}
    for where, name, value in sorted(changes, key=lambda change: change[0]):
        asked = Controls.model_validate({name: value})
        for change in new_changes(asked, config, made, *where):
            made = with_change(made, change)
        if where <= place:
            current[name] = value
    in_force = settings_at(config, made, *place)
    assert {"beta": in_force.beta, "learning_rate": in_force.learning_rate} == current


# --- control.json


def test_a_request_says_only_what_it_changes() -> None:
    controls = Controls().merged(Controls(beta=2.0)).merged(Controls(paused=True)).merged(Controls(speed=0.5))
    assert controls == Controls(beta=2.0, paused=True, speed=0.5)
    single = controls.merged(Controls(single_epoch=True))
    assert single.single_epoch
    assert single.merged(Controls(single_epoch=True)).serial == single.serial + 1
    assert not single.merged(Controls(paused=False)).single_epoch
    changed = single.merged(Controls(beta=3.0))
    assert (changed.single_epoch, changed.serial) == (True, single.serial)  # no further epoch is asked for


def test_what_was_asked_for_is_read_back_and_damage_asks_for_nothing(tmp_path: Path) -> None:
    asked = Controls(stop=True, reason="late", speed=0.25, serial=7)
    write_controls(tmp_path, asked)
    assert read_controls(tmp_path) == asked
    assert ControlFile(tmp_path)() == asked
    for damage in ('{"stop": tr', '{"stop": true, "beta": -1}', '{"speed": 0}', '{"stopp": true}', "[]", ""):
        (tmp_path / "control.json").write_text(damage)
        assert read_controls(tmp_path) is None
        assert ControlFile(tmp_path)() == Controls()
