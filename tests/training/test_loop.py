"""Training: its events, its schedules, and that a run is the same run however often it is interrupted."""

import errno
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import vae
from vae.analysis.averages import measure
from vae.card import read_card
from vae.config import RunConfig, TrainingConfig, from_flat
from vae.data import ImageSet, load
from vae.errors import CheckpointError, ConfigError, VaeError
from vae.objective import Terms, terms
from vae.training import loop
from vae.training import run as running
from vae.training.events import Done, EpochDone, Event, Progress, Started, Stopped
from vae.training.loop import beta_at, learning_rate_at
from vae.training.run import run

IMAGES, BATCHES = 1437, 6  # of digits, at the default batch size
EPOCHS = 4
SMALL = {"dataset": "digits", "hidden": (12,), "epochs": EPOCHS}
RUNS = {
    "vae": {},
    "vae, cosine, warm-up": {"schedule": "cosine", "warmup_epochs": 2.5, "beta": 3.0, "likelihood": "gaussian-learned"},
    "ae, cosine": {"kind": "ae", "schedule": "cosine"},
    "vae, conv, half": {"network": "conv", "storage": "float16", "held_out": 400},
}


def config_of(**values: Any) -> RunConfig:
    return from_flat(SMALL | values)


def events_of(config: RunConfig, folder: Path, **options: Any) -> list[Event]:
    return list(run(config, folder, **options))


def epochs_of(events: list[Event]) -> list[tuple[Any, ...]]:
    """All that an epoch tells, but for the time it took."""
    return [(e.epoch, e.train, e.test, e.beta, e.learning_rate) for e in events if isinstance(e, EpochDone)]


def names_of(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def tensors_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ("weights.safetensors", "latents.safetensors")}


def in_epoch(number: int, batch: int = 0) -> Callable[[], bool]:
    """Asks for a stop before that batch (of `BATCHES`) of that epoch."""
    asked = iter(range(10**9))
    return lambda: next(asked) >= (number - 1) * BATCHES + batch


def stopped_run(config: RunConfig, folder: Path, epoch: int, batch: int = 0) -> list[Event]:
    return events_of(config, folder, stop=in_epoch(epoch, batch))


# --- events


def test_events_come_in_order(tmp_path: Path) -> None:
    events = events_of(config_of(epochs=2), tmp_path / "run")
    assert names_of(events) == ["Started", "EpochDone", "Saved", "EpochDone", "Saved", "Saved", "Done"]
    model = vae.load(tmp_path / "run")
    assert events[0] == Started(2, 1, IMAGES, sum(p.numel() for p in model.parameters()))
    assert isinstance(events[-1], Done)
    assert model.card is not None
    assert model.card.training.epochs == events[-1].epoch == 2


def test_progress_counts_the_images_of_an_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_PROGRESS", -1)
    events = events_of(config_of(epochs=2), tmp_path / "run")
    progress = [event for event in events if isinstance(event, Progress)]
    done = [min(256 * batch, IMAGES) for batch in range(1, BATCHES + 1)]
    assert [(event.epoch, event.images_done) for event in progress] == [(e, n) for e in (1, 2) for n in done]
    assert all(event.images == IMAGES and event.images_per_second > 0 for event in progress)
    last = [event for event in events if isinstance(event, EpochDone)][0]
    assert progress[BATCHES - 1].terms == last.train


def test_the_loss_falls(tmp_path: Path) -> None:
    epochs = epochs_of(events_of(config_of(epochs=12), tmp_path / "run"))
    assert epochs[-1][1].elbo > epochs[0][1].elbo + 5
    assert epochs[-1][2].elbo > epochs[0][2].elbo + 5


# --- the same run, however often it is interrupted


@pytest.mark.parametrize("name", RUNS)
def test_a_seed_decides_a_run(tmp_path: Path, name: str) -> None:
    epochs = []
    for folder in ("one", "same"):
        torch.manual_seed(len(epochs))  # the global generator has no part in it
        epochs.append(epochs_of(events_of(config_of(**RUNS[name]), tmp_path / folder)))
    other = epochs_of(events_of(config_of(**RUNS[name], seed=1), tmp_path / "other"))
    assert epochs[0] == epochs[1] != other
    assert tensors_of(tmp_path / "one") == tensors_of(tmp_path / "same") != tensors_of(tmp_path / "other")


@pytest.mark.parametrize("name", RUNS)
def test_a_run_stopped_after_any_epoch_and_resumed_is_the_uninterrupted_one(tmp_path: Path, name: str) -> None:
    config = config_of(**RUNS[name])
    expected = epochs_of(events_of(config, tmp_path / "whole"))
    for epoch in range(EPOCHS):
        folder = tmp_path / f"stopped after {epoch}"
        before = stopped_run(config, folder, epoch + 1)
        assert before[-1] == Stopped(epoch, f"stopped in epoch {epoch + 1}", diverged=False)
        after = events_of(config, folder, resume=True)
        assert epochs_of(before) + epochs_of(after) == expected
        assert tensors_of(folder) == tensors_of(tmp_path / "whole")


def test_a_run_stopped_within_an_epoch_repeats_that_epoch(tmp_path: Path) -> None:
    expected = epochs_of(events_of(config_of(), tmp_path / "whole"))
    before = stopped_run(config_of(), tmp_path / "run", epoch=3, batch=4)
    assert names_of(before)[-2:] == ["Saved", "Stopped"]
    assert epochs_of(before) == expected[:2]
    kept = vae.load(tmp_path / "run")
    assert kept.card is not None
    assert kept.card.training.epochs == 2
    assert epochs_of(events_of(config_of(), tmp_path / "run", resume=True)) == expected[2:]
    assert tensors_of(tmp_path / "run") == tensors_of(tmp_path / "whole")


def test_a_run_that_was_killed_goes_on_from_what_was_saved(tmp_path: Path) -> None:
    expected = epochs_of(events_of(config_of(), tmp_path / "whole"))
    events = run(config_of(), tmp_path / "run")
    for event in events:
        if isinstance(event, EpochDone) and event.epoch == 3:  # told, but not yet saved
            break
    assert isinstance(events, Iterator)
    del events
    assert not (tmp_path / "run" / "card.json").exists()
    assert epochs_of(events_of(config_of(), tmp_path / "run", resume=True)) == expected[2:]
    assert tensors_of(tmp_path / "run") == tensors_of(tmp_path / "whole")


def test_a_finished_run_can_be_given_a_later_end(tmp_path: Path) -> None:
    events_of(config_of(epochs=4), tmp_path / "whole")
    events_of(config_of(epochs=2), tmp_path / "run")
    events_of(config_of(epochs=4), tmp_path / "run", resume=True)
    assert tensors_of(tmp_path / "run") == tensors_of(tmp_path / "whole")
    assert read_card(tmp_path / "run").config == config_of(epochs=4)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ({}, {"epochs": 2}, "epochs = 2: the run has 4 behind it"),
        ({"schedule": "cosine"}, {"schedule": "cosine", "epochs": 9}, "cosine schedule was laid out for 4 epochs"),
        ({}, {"learning_rate": 1e-4}, "keeps its own settings"),
        ({}, {"hidden": (13,)}, "keeps its own settings"),
    ],
)
def test_a_resumed_run_stays_the_run_it_was(
    tmp_path: Path, before: dict[str, Any], after: dict[str, Any], message: str
) -> None:
    events_of(config_of(**before), tmp_path)
    files = files_of(tmp_path)
    with pytest.raises(ConfigError, match=message):
        events_of(config_of(**after), tmp_path, resume=True)
    assert files_of(tmp_path) == files


# --- numbers that leave the finite ones


def poisoned(batch: int, poison: Callable[[Terms, torch.Tensor], Terms]) -> Callable[..., Terms]:
    """The objective, with the terms of that batch and all later ones replaced."""
    seen = iter(range(10**9))

    def replacement(model: Any, x: torch.Tensor, generator: torch.Generator) -> Terms:
        sound = terms(model, x, generator)
        return poison(sound, next(model.parameters())) if next(seen) >= batch else sound

    return replacement


def loss_is_nan(sound: Terms, _: torch.Tensor) -> Terms:
    return replace(sound, reconstruction=sound.reconstruction * torch.nan)


def gradient_is_nan(sound: Terms, weights: torch.Tensor) -> Terms:
    """The loss is finite; but d sqrt(0 w) / dw = 0 / 0."""
    return replace(sound, reconstruction=sound.reconstruction + (0 * weights).sqrt().sum())


@pytest.mark.parametrize(
    ("batch", "poison", "reason"),
    [
        (2 * BATCHES + 3, loss_is_nan, r"loss became nan in epoch 3; a smaller learning rate"),
        (2 * BATCHES + 3, gradient_is_nan, r"loss became nan in epoch 3; a smaller learning rate"),
        (3 * BATCHES - 1, gradient_is_nan, r"no longer finite after epoch 3; a smaller learning rate"),
    ],
    ids=["loss", "gradient", "gradient of an epoch's last batch"],
)
def test_nan_ends_a_run_with_the_last_good_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int, poison: Any, reason: str
) -> None:
    events_of(config_of(epochs=2), tmp_path / "good")
    monkeypatch.setattr(loop, "terms", poisoned(batch, poison))
    events = events_of(config_of(), tmp_path / "run")
    assert names_of(events) == ["Started", "EpochDone", "Saved", "EpochDone", "Saved", "Saved", "Stopped"]
    stopped = events[-1]
    assert isinstance(stopped, Stopped)
    assert stopped.diverged
    assert stopped.epoch == 2
    assert reason in stopped.reason
    assert tensors_of(tmp_path / "run") == tensors_of(tmp_path / "good")
    assert vae.load(tmp_path / "run").card is not None


def test_an_absurd_learning_rate_ends_a_run_before_its_first_epoch(tmp_path: Path) -> None:
    events = events_of(config_of(learning_rate=10, batch_size=2000), tmp_path)
    assert names_of(events) == ["Started", "Stopped"]
    assert isinstance(events[-1], Stopped)
    assert (events[-1].epoch, events[-1].diverged) == (0, True)
    assert "a smaller learning rate" in events[-1].reason
    assert list(files_of(tmp_path)) == ["resume.safetensors"]


# --- schedules


@pytest.mark.parametrize(("epochs", "expected"), [(0, 0), (1, 1.5), (2, 3), (4, 6), (9, 6)])
def test_beta_rises_linearly_during_the_warm_up(epochs: float, expected: float) -> None:
    assert beta_at(epochs, TrainingConfig(beta=6, warmup_epochs=4)) == expected
    assert beta_at(epochs, TrainingConfig(beta=6)) == 6


@pytest.mark.parametrize(("epochs", "share"), [(0, 1), (2, 0.853553390593), (4, 0.5), (6, 0.146446609407), (8, 0)])
def test_the_cosine_falls_to_zero(epochs: float, share: float) -> None:
    config = TrainingConfig(learning_rate=0.1, epochs=8)
    assert learning_rate_at(epochs, config.model_copy(update={"schedule": "cosine"})) == pytest.approx(0.1 * share)
    assert learning_rate_at(epochs, config) == 0.1


def test_every_step_uses_its_own_beta_and_learning_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    betas, rates = [], []
    loss, step = Terms.loss, torch.optim.Adam.step

    def seen_loss(batch: Terms, beta: float) -> torch.Tensor:
        betas.append(beta)
        return loss(batch, beta)

    def seen_step(optimizer: torch.optim.Adam, *arguments: Any) -> Any:
        rates.append(optimizer.param_groups[0]["lr"])
        return step(optimizer, *arguments)

    monkeypatch.setattr(Terms, "loss", seen_loss)
    monkeypatch.setattr(torch.optim.Adam, "step", seen_step)
    epochs = epochs_of(
        events_of(config_of(epochs=2, warmup_epochs=1.5, beta=4, schedule="cosine", learning_rate=0.01), tmp_path)
    )
    gone = np.array([epoch + 256 * batch / IMAGES for epoch in range(2) for batch in range(BATCHES)])
    np.testing.assert_allclose(betas, 4 * np.minimum(1, gone / 1.5))
    np.testing.assert_allclose(rates, 0.01 * (1 + np.cos(np.pi * gone / 2)) / 2)
    assert [epoch[3] for epoch in epochs] == pytest.approx([4 / 1.5, 4])
    assert [epoch[4] for epoch in epochs] == pytest.approx([0.005, 0])


# --- data and folders


def test_held_out_images_are_measured_and_not_trained_on(tmp_path: Path) -> None:
    events = events_of(config_of(held_out=400), tmp_path)
    train_set, model = load("digits", "train"), vae.load(tmp_path)
    assert isinstance(events[0], Started)
    assert events[0].images == IMAGES - 400
    assert epochs_of(events)[-1][2] == measure(model, torch.from_numpy(train_set.images[-400:].copy()))
    assert model.card is not None
    assert model.card.metrics is not None
    assert model.card.data.train_images == IMAGES - 400
    assert (model.card.metrics.split, model.card.metrics.images) == ("test", 360)


def test_not_everything_can_be_held_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"held_out = 1437 leaves nothing of 1437"):
        events_of(config_of(held_out=IMAGES), tmp_path)


@pytest.mark.parametrize("content", ["holiday.jpg", "card.json", ".hidden"])
def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / content).write_bytes(b"precious")
    with pytest.raises(CheckpointError, match=f"{tmp_path} is not empty; .*--resume"):
        events_of(config_of(), tmp_path)
    assert files_of(tmp_path) == {content: b"precious"}
    with pytest.raises(CheckpointError, match="no run to resume"):
        events_of(config_of(), tmp_path, resume=True)
    assert files_of(tmp_path) == {content: b"precious"}


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "run").write_bytes(b"precious")
    with pytest.raises(CheckpointError, match="run is not empty"):
        events_of(config_of(), tmp_path / "run")
    assert files_of(tmp_path) == {"run": b"precious"}


def test_a_run_whose_data_have_changed_is_not_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped_run(config_of(), tmp_path, epoch=2)
    before = files_of(tmp_path)

    def altered(name: str, split: str) -> ImageSet:
        images = load(name, split).images.copy()
        images[0, 0, 0, 0] ^= 1
        return replace(load(name, split), images=images)

    monkeypatch.setattr(running, "load", altered)
    with pytest.raises(CheckpointError, match="other data than 'digits' gives now"):
        events_of(config_of(), tmp_path, resume=True)
    assert files_of(tmp_path) == before


def test_a_full_disk_leaves_the_run_resumable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events_of(config_of(), tmp_path / "whole")
    fsync, calls = os.fsync, iter(range(10**9))

    def fails_in_time(handle: int) -> None:
        if next(calls) >= 3:  # the start and two epochs are saved
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", fails_in_time)
    with pytest.raises(OSError, match=r"No space left on device: .*resume\.safetensors"):
        events_of(config_of(), tmp_path / "run")
    monkeypatch.undo()
    assert list(files_of(tmp_path / "run")) == ["resume.safetensors"]
    assert epochs_of(events_of(config_of(), tmp_path / "run", resume=True))[0][0] == 3
    assert tensors_of(tmp_path / "run") == tensors_of(tmp_path / "whole")


@pytest.fixture(scope="module")
def resume_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("damaged")
    stopped_run(config_of(), folder, epoch=2)
    return folder / "resume.safetensors"


def check_not_resumed(path: Path, damaged: bytes) -> None:
    sound = path.read_bytes()
    path.write_bytes(damaged)
    try:
        with pytest.raises(VaeError, match=r"resume\.safetensors|resumed") as refused:
            next(run(config_of(), path.parent, resume=True))
        assert len(str(refused.value).splitlines()) == 1
        assert path.read_bytes() == damaged
    finally:
        path.write_bytes(sound)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content[: len(content) // 2],
        lambda content: content + b"\0",
        lambda content: content.replace(b'"epoch":"1"', b'"epoch":"x"'),
        lambda content: content.replace(b'"epoch":"1"', b'"epoch":""'),
        lambda content: content.replace(b'"shape":"1,8,8"', b'"shape":"1,8,9"'),
        lambda content: content.replace(b'"adam.0.exp_avg"', b'"adam.0.exp_avq"'),
        lambda content: content.replace(b'"adam.0.step"', b'"adam.9.step"'),
        lambda content: content.replace(b'"model.encoder', b'"mode1.encoder'),
        lambda content: content.replace(b'\\"epochs\\":4', b'\\"epochs\\":-'),
        lambda content: content.replace(b'"config"', b'"confiq"'),
    ],
)
def test_a_damaged_resume_file_is_refused(resume_file: Path, damage: Callable[[bytes], bytes]) -> None:
    damaged = damage(resume_file.read_bytes())
    assert damaged != resume_file.read_bytes()
    check_not_resumed(resume_file, damaged)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_random_bytes_are_not_resumed(resume_file: Path, content: bytes) -> None:
    check_not_resumed(resume_file, content)
