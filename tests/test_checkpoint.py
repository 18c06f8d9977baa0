"""Checkpoints: what is saved comes back, and a failing disk loses nothing."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file
from small_checkpoints import FILES, card_for, codes_for, contents, save

from vae import checkpoint
from vae.config import LIKELIHOODS, RunConfig, from_flat
from vae.files import write_atomically
from vae.library import list_cards
from vae.network_sizes import Shape

shapes = st.tuples(st.sampled_from([1, 3]), st.integers(8, 20), st.integers(8, 20))
configs = st.builds(
    lambda kind, **rest: from_flat(kind | rest),
    kind=st.one_of(
        st.builds(lambda loss: {"kind": "ae", "loss": loss}, st.sampled_from(["mse", "cross-entropy"])),
        st.just({"kind": "pca"}),
        st.builds(lambda name: {"likelihood": name}, st.sampled_from(LIKELIHOODS)),
    ),
    network=st.sampled_from(["mlp", "conv"]),
    hidden=st.lists(st.integers(1, 9), min_size=1, max_size=3).map(tuple),
    latent_dim=st.integers(1, 5),
    activation=st.sampled_from(["relu", "silu", "gelu", "tanh"]),
    storage=st.sampled_from(["float32", "float16"]),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(tmp_path / "small", from_flat({"hidden": (4,)}))
    return tmp_path / "small"


# --- what is saved comes back


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(configs, shapes)
def test_what_is_saved_comes_back(tmp_path: Path, config: RunConfig, shape: Shape) -> None:
    saved = save(tmp_path, config, shape)
    loaded = checkpoint.load(tmp_path)
    stored = {name: value.to(getattr(torch, config.storage)).float() for name, value in saved.state_dict().items()}
    saved.load_state_dict(stored)
    z, x = torch.randn(3, config.model.latent_dim), torch.rand(2, *shape)
    assert loaded.card == card_for(config, saved)
    assert not loaded.training
    assert all(value.dtype == torch.float32 and not value.requires_grad for value in loaded.parameters())
    assert torch.equal(loaded.images(z), saved.images(z))
    assert torch.equal(loaded.latents(x), saved.latents(x))
    assert sorted(contents(tmp_path)) == list(FILES)


@pytest.mark.parametrize("values", [{"kind": "ae"}, {"kind": "vae"}, {"kind": "pca"}])
def test_latents_are_plain_arrays(tmp_path: Path, values: dict[str, Any]) -> None:
    config = from_flat(values)
    save(tmp_path, config)
    codes, stored = codes_for(config), load_file(tmp_path / "latents.safetensors")
    expected = {name: value for name, value in vars(codes).items() if value is not None}
    assert stored.keys() == expected.keys()
    assert all(np.array_equal(stored[name], value) for name, value in expected.items())


def test_weights_say_what_another_runtime_must_know(tmp_path: Path) -> None:
    save(tmp_path, from_flat({"likelihood": "gaussian-learned", "hidden": (4,), "latent_dim": 3, "storage": "float16"}))
    with safe_open(tmp_path / "weights.safetensors", framework="np") as file:
        metadata = file.metadata()
        dtypes = {file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118 (no mapping)
    assert dtypes == {"F16"}
    assert [layer["type"] for layer in json.loads(metadata.pop("encoder"))] == ["Flatten", "Linear", "ReLU", "Linear"]
    assert [layer["type"] for layer in json.loads(metadata.pop("decoder"))] == ["Linear", "ReLU", "Linear", "Unflatten"]
    assert metadata == {
        "format": "vae-network",
        "version": "1",
        "shape": "[1, 8, 8]",
        "latent_dim": "3",
        "output": "gaussian-learned",
        "sigma_floor": "0.01",
    }


def test_equal_weights_give_equal_bytes(tmp_path: Path) -> None:
    for name in "abc":
        save(tmp_path / name, from_flat({}))
    assert contents(tmp_path / "a") == contents(tmp_path / "b") == contents(tmp_path / "c")


# --- a failing disk loses nothing


@pytest.mark.parametrize("file", range(3))
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_checkpoint(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: str, file: int
) -> None:
    before, calls = contents(folder), []
    owner, whole = (os, os.fsync) if step == "fsync" else (Path, Path.replace)

    def fails_in_time(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) > file:
            raise OSError(errno.ENOSPC, "No space left on device", "a temporary name")
        return whole(*arguments)

    monkeypatch.setattr(owner, step, fails_in_time)
    with pytest.raises(OSError, match="No space left on device") as failed:
        save(folder, from_flat({"hidden": (4,)}), seed=1)
    monkeypatch.undo()
    assert Path(failed.value.filename).name in FILES
    assert contents(folder).keys() == before.keys()
    if step == "fsync" or file == 0:
        assert contents(folder) == before
    checkpoint.load(folder)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    for content in (b"one", b"", b"three" * 1000):
        write_atomically(path, content)
        assert contents(tmp_path) == {"a.bin": content}
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("name", ["missing/a.bin", "taken"])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match=name) as failed:
        write_atomically(tmp_path / name, b"x")
    assert failed.value.filename == str(tmp_path / name)
    assert list(tmp_path.iterdir()) == [tmp_path / "taken"]


# --- the models at hand


def test_the_library_lists_sound_cards_and_names_the_others(tmp_path: Path) -> None:
    for name in ("b", "a", "broken", "cut"):
        save(tmp_path / name, from_flat({}))
    (tmp_path / "broken" / "card.json").write_text("{}")
    (tmp_path / "cut" / "latents.safetensors").unlink()
    (tmp_path / "nothing").mkdir()
    found = list_cards(tmp_path, tmp_path / "no-such-folder")
    assert [entry.folder.name for entry in found.cards] == ["a", "b"]
    broken, cut = found.problems
    assert f"{tmp_path}/broken/card.json" in broken
    assert broken.endswith("name: missing")
    assert f"{tmp_path}/cut/latents.safetensors is missing" in cut
