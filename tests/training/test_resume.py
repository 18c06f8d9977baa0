"""A run is the same run however often it is interrupted, and nothing else is taken for it."""

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_runs import EPOCHS, config_of, epochs_of, events_of, files_of, names_of, stopped_run, tensors_of

import vae
from vae.card import read_card
from vae.data import ImageSet, load
from vae.errors import CheckpointError, ConfigError, VaeError
from vae.training import run_data
from vae.training.changes import with_epochs
from vae.training.events import EpochDone, Stopped
from vae.training.run import run

RUNS = {
    "vae": {},
    "vae, cosine, warm-up": {"schedule": "cosine", "warmup_epochs": 2.5, "beta": 3.0, "likelihood": "gaussian-learned"},
    "ae, cosine": {"kind": "ae", "schedule": "cosine"},
    "vae, encoder only": {"trains": "encoder"},
    "ae, decoder only": {"kind": "ae", "trains": "decoder"},
    "vae, conv, half": {"network": "conv", "storage": "float16", "held_out": 150},
}


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
    for event in run(config_of(), tmp_path / "run"):
        if isinstance(event, EpochDone) and event.epoch == 3:  # told, but not yet saved
            break
    assert not (tmp_path / "run" / "card.json").exists()
    assert epochs_of(events_of(config_of(), tmp_path / "run", resume=True)) == expected[2:]
    assert tensors_of(tmp_path / "run") == tensors_of(tmp_path / "whole")


def test_a_finished_run_can_be_given_a_later_end(tmp_path: Path) -> None:
    events_of(config_of(epochs=4), tmp_path / "whole")
    events_of(config_of(epochs=2), tmp_path / "run")
    events_of(config_of(epochs=4), tmp_path / "run", resume=True)
    assert tensors_of(tmp_path / "run") == tensors_of(tmp_path / "whole")
    assert read_card(tmp_path / "run").config == config_of(epochs=4)


def test_a_cosine_that_is_continued_comes_to_its_end_and_begins_anew(tmp_path: Path) -> None:
    first = config_of(schedule="cosine", epochs=2)
    second, third = with_epochs(first, 3), with_epochs(with_epochs(first, 3), 5)
    assert third == config_of(schedule="cosine", epochs=5, restarts=(2, 3))
    whole = epochs_of(events_of(third, tmp_path / "whole"))
    told = epochs_of(events_of(first, tmp_path / "run"))
    for longer in (second, third):
        told += epochs_of(events_of(longer, tmp_path / "run", resume=True))
    assert [each[:-1] for each in told] == [each[:-1] for each in whole]  # but for the rate after the last batch
    assert tensors_of(tmp_path / "run") == tensors_of(tmp_path / "whole")
    assert read_card(tmp_path / "run").config == third
    # Told a later end twice before it could go on, and from its midst.
    events_of(first, tmp_path / "at once")
    events_of(third, tmp_path / "at once", resume=True)
    stopped_run(first, tmp_path / "midst", epoch=2, batch=3)
    events_of(third, tmp_path / "midst", resume=True)
    for name in ("at once", "midst"):
        assert tensors_of(tmp_path / name) == tensors_of(tmp_path / "whole")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ({}, {"epochs": 2}, "epochs = 2: the run has 4 behind it"),
        ({"schedule": "cosine"}, {"schedule": "cosine", "epochs": 9}, "cosine schedule was laid out for 4 epochs"),
        (
            {"schedule": "cosine"},
            {"schedule": "cosine", "epochs": 9, "restarts": (5,)},
            "cosine schedule was laid out for 4 epochs",
        ),
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


# --- what is no such run


def test_a_run_whose_data_have_changed_is_not_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped_run(config_of(), tmp_path, epoch=2)
    before = files_of(tmp_path)

    def altered(name: str, split: str, image_size: int | None) -> ImageSet:
        images = load(name, split).images.copy()
        images[0, 0, 0, 0] ^= 1
        return replace(load(name, split), images=images)

    monkeypatch.setattr(run_data, "load", altered)
    with pytest.raises(CheckpointError, match="other data than 'digits' gives now"):
        events_of(config_of(), tmp_path, resume=True)
    assert files_of(tmp_path) == before


def test_a_full_disk_leaves_the_run_resumable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events_of(config_of(), tmp_path / "whole")
    fsync, calls = os.fsync, iter(range(10**9))

    def fails_in_time(handle: int) -> None:
        if next(calls) >= 5:  # the settings, the state, the start and two epochs are saved
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", fails_in_time)
    with pytest.raises(OSError, match=r"No space left on device: .*resume\.safetensors"):
        events_of(config_of(), tmp_path / "run")
    monkeypatch.undo()
    assert not (tmp_path / "run" / "card.json").exists()
    assert not list((tmp_path / "run").rglob(".*safetensors*"))
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
