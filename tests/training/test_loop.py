"""Training: its events, its schedules, its end when numbers fail, and the folder it lives in."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_runs import BATCHES, IMAGES, config_of, epochs_of, events_of, files_of, names_of, tensors_of

import vae
from vae.analysis.averages import measure
from vae.config import TrainingConfig
from vae.data import load
from vae.errors import CheckpointError, ConfigError
from vae.objective import Terms, terms
from vae.training import loop, team
from vae.training.events import Done, EpochDone, Progress, Started, Stopped
from vae.training.journal import read_state
from vae.training.loop import beta_at, learning_rate_at

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
    first = next(event for event in events if isinstance(event, EpochDone))
    assert progress[BATCHES - 1].terms == first.train


def test_the_loss_falls(tmp_path: Path) -> None:
    epochs = epochs_of(events_of(config_of(epochs=12), tmp_path / "run"))
    assert epochs[-1][1].elbo > epochs[0][1].elbo + 5
    assert epochs[-1][2].elbo > epochs[0][2].elbo + 5


def test_every_epoch_sees_every_image_once_in_an_order_and_with_a_noise_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, noises = [], []

    def spy(model: Any, x: torch.Tensor, epsilon: torch.Tensor) -> Terms:
        seen.append((x * 255).round().to(torch.uint8))
        noises.append(epsilon)
        return terms(model, x, epsilon)

    monkeypatch.setattr(team, "terms", spy)
    events_of(config_of(epochs=2), tmp_path)
    orders = [torch.cat(seen[start : start + BATCHES]).numpy() for start in (0, BATCHES)]
    images = load("digits", "train").images
    assert not np.array_equal(orders[0], orders[1])
    for order in orders:
        assert sorted(image.tobytes() for image in order) == sorted(image.tobytes() for image in images)
    assert len({noise.numpy().tobytes() for noise in noises}) == 2 * BATCHES
    drawn = torch.cat(noises)
    assert abs(drawn.mean()) < 5 / drawn.numel() ** 0.5
    assert abs(drawn.var() - 1) < 5 * (2 / drawn.numel()) ** 0.5


# --- numbers that leave the finite ones


def poisoned(batch: int, poison: Callable[[Terms, torch.Tensor], Terms]) -> Callable[..., Terms]:
    """The objective, with the terms of that batch and all later ones replaced."""
    seen = iter(range(10**9))

    def replacement(model: Any, x: torch.Tensor, epsilon: torch.Tensor) -> Terms:
        sound = terms(model, x, epsilon)
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
        (2 * BATCHES + 3, loss_is_nan, "loss became nan in epoch 3; a smaller learning rate"),
        (2 * BATCHES + 3, gradient_is_nan, "loss became nan in epoch 3; a smaller learning rate"),
        (3 * BATCHES - 1, gradient_is_nan, "test terms became nan after epoch 3; a smaller learning rate"),
    ],
    ids=["loss", "gradient", "gradient of an epoch's last batch"],
)
def test_nan_ends_a_run_with_the_last_good_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int, poison: Any, reason: str
) -> None:
    events_of(config_of(epochs=2), tmp_path / "good")
    monkeypatch.setattr(team, "terms", poisoned(batch, poison))
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
    events = events_of(config_of(hidden=(12, 12, 12), learning_rate=10, batch_size=2000), tmp_path)
    assert names_of(events) == ["Started", "Stopped"]
    assert isinstance(events[-1], Stopped)
    assert (events[-1].epoch, events[-1].diverged) == (0, True)
    assert "a smaller learning rate" in events[-1].reason
    assert not (tmp_path / "card.json").exists()
    state = read_state(tmp_path)
    assert (state.status, state.epoch) == ("failed", 0)
    assert "a smaller learning rate" in (state.reason or "")


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


@given(st.sets(st.integers(1, 60), min_size=1, max_size=5), st.floats(0, 70))
def test_a_cosine_begins_anew_wherever_the_run_was_continued(ends: set[int], epochs: float) -> None:
    *restarts, last = sorted(ends)
    config = TrainingConfig(learning_rate=0.1, schedule="cosine", epochs=last, restarts=tuple(restarts))
    begun, end = next(((a, b) for a, b in pairwise([0, *sorted(ends)]) if a <= epochs < b), (0, 0))
    alone = TrainingConfig(learning_rate=0.1, schedule="cosine", epochs=max(1, end - begun))
    expected = learning_rate_at(epochs - begun, alone) if end else 0.0
    assert learning_rate_at(epochs, config) == pytest.approx(expected)


def test_every_step_uses_its_own_beta_and_learning_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    betas, rates = [], []
    loss, step = Terms.loss, torch.optim.Adam.step

    def seen_loss(batch: Terms, beta: float, images: int) -> torch.Tensor:
        betas.append(beta)
        return loss(batch, beta, images)

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
