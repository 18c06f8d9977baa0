"""What is no sound checkpoint is refused in one line that names the file, and nothing in it is ever run."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file as load_tensors
from safetensors.torch import save_file
from small_checkpoints import FILES, save

from vae import checkpoint
from vae.card import MAX_CARD_BYTES
from vae.config import from_flat
from vae.errors import CheckpointError

Fault = Callable[[Path], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(tmp_path / "small", from_flat({"hidden": (4,)}))
    return tmp_path / "small"


def edited(name: str, edit: Callable[[bytes], bytes]) -> Fault:
    return lambda folder: (folder / name).write_bytes(edit((folder / name).read_bytes()))


def card_with(*path: str, value: Any) -> Fault:
    def edit(content: bytes) -> bytes:
        card = target = json.loads(content)
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = value
        return json.dumps(card).encode()

    return edited("card.json", edit)


def header_with(edit: Callable[[dict[str, Any]], object]) -> Fault:
    """Changes the weights file's header and leaves its tensors."""

    def change(content: bytes) -> bytes:
        end = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:end])
        edit(header)
        text = json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + content[end:]

    return edited("weights.safetensors", change)


def tensors_with(edit: Callable[[dict[str, torch.Tensor]], object]) -> Fault:
    """A sound weights file with other tensors."""

    def change(folder: Path) -> None:
        path = folder / "weights.safetensors"
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
        tensors = load_tensors(path)
        edit(tensors)
        save_file(tensors, path, metadata)

    return change


def another_model(folder: Path) -> None:
    card = (folder / "card.json").read_bytes()
    save(folder, from_flat({"hidden": (4,), "activation": "tanh"}))  # the same shapes, another function
    (folder / "card.json").write_bytes(card)


CARD_FAULTS: dict[str, Fault] = {
    "missing": lambda folder: (folder / "card.json").unlink(),
    "empty": edited("card.json", lambda _: b""),
    "truncated": edited("card.json", lambda content: content[:-20]),
    "not text": edited("card.json", lambda _: b"\xff\xfe\x00"),
    "no record": edited("card.json", lambda _: b"[1, 2]"),
    "nested without end": edited("card.json", lambda _: b"[" * 500_000),
    "a pickle": edited("card.json", lambda _: pickle.dumps({"name": "x"})),
    "larger than a megabyte": card_with("name", value="x" * MAX_CARD_BYTES),
    "unknown field": card_with("config", "model", "surprise", value=1),
    "unknown field at the top": card_with("surprise", value=1),
    "wrong type": card_with("parameters", value="many"),
    "number as text": card_with("config", "training", "epochs", value="3"),
    "truth as number": card_with("config", "model", "latent_dim", value=True),
    "not a number": card_with("metrics", "mse", value=float("nan")),
    "number beyond all bounds": edited(
        "card.json", lambda content: content.replace(b'"parameters": ', b'"parameters": 1e999')
    ),
    "setting out of bounds": card_with("config", "model", "latent_dim", value=0),
    "no name": card_with("name", value=""),
    "no such kind": card_with("config", "model", "kind", value="gan"),
    "newer schema": card_with("schema_version", value=2),
    "figures for another d": card_with("metrics", "kl_per_dimension", value=[0.1]),
    "no image": card_with("data", "shape", value=[0, 0, 0]),
    "image too small": card_with("data", "shape", value=[1, 7, 7]),
    "image too large": card_with("data", "shape", value=[1, 10**9, 10**9]),
}
WEIGHT_FAULTS: dict[str, Fault] = {
    "missing": lambda folder: (folder / "weights.safetensors").unlink(),
    "empty": edited("weights.safetensors", lambda _: b""),
    "truncated": edited("weights.safetensors", lambda content: content[:-1]),
    "cut in the header": edited("weights.safetensors", lambda content: content[:100]),
    "something behind": edited("weights.safetensors", lambda content: content + b"\0"),
    "header longer than the file": edited("weights.safetensors", lambda content: b"\xff" * 7 + b"\x7f" + content[8:]),
    "huge header": edited("weights.safetensors", lambda _: (2 * 10**8).to_bytes(8, "little") + b" " * 1000),
    "header is no JSON": edited("weights.safetensors", lambda content: content[:8] + b"#" + content[9:]),
    "a pickle": lambda folder: torch.save({"encoder.1.weight": torch.zeros(4, 64)}, folder / "weights.safetensors"),
    "card of another model": card_with("config", "model", "hidden", value=[5]),
    "card of a monster": card_with("config", "model", "hidden", value=[4096] * 6),
    "card of another kind": card_with("config", "model", value={"kind": "ae", "hidden": [4]}),
    "of another model": another_model,
    "tensor lost": tensors_with(lambda tensors: tensors.pop("decoder.0.bias")),
    "tensor too many": tensors_with(lambda tensors: tensors.update(extra=torch.zeros(2))),
    "other shape": tensors_with(lambda tensors: tensors.update({"decoder.0.bias": torch.zeros(5)})),
    "same size, other shape": tensors_with(lambda tensors: tensors.update({"decoder.0.bias": torch.zeros(2, 2)})),
    "NaN": tensors_with(lambda tensors: tensors["decoder.0.bias"].fill_(torch.nan)),
    "infinity": tensors_with(lambda tensors: tensors["decoder.0.bias"].fill_(torch.inf)),
    "integers": tensors_with(lambda tensors: tensors.update({"decoder.0.bias": torch.zeros(4, dtype=torch.int32)})),
    "double precision": tensors_with(lambda tensors: tensors.update({"decoder.0.bias": torch.zeros(4).double()})),
    "other d in the metadata": header_with(lambda header: header["__metadata__"].update(latent_dim="3")),
    "other layers in the metadata": header_with(lambda header: header["__metadata__"].update(encoder="[]")),
    "no metadata": header_with(lambda header: header.pop("__metadata__")),
    "metadata that is no text": header_with(lambda header: header["__metadata__"].update(latent_dim=2)),
    "overlapping tensors": header_with(lambda header: header["encoder.1.bias"].update(data_offsets=[0, 16])),
    "tensor beyond the end": header_with(
        lambda header: header["decoder.0.bias"].update(data_offsets=[10**9, 10**9 + 16])
    ),
}


def check_refused(folder: Path, name: str) -> None:
    with pytest.raises(CheckpointError) as refused:
        checkpoint.load(folder)
    message = str(refused.value)
    assert str(folder / name) in message
    assert len(message.splitlines()) == 1
    assert len(message) < len(str(folder)) + 400


@pytest.mark.parametrize("fault", CARD_FAULTS)
def test_a_card_that_is_wrong_is_refused(folder: Path, fault: str) -> None:
    CARD_FAULTS[fault](folder)
    check_refused(folder, "card.json")


@pytest.mark.parametrize("fault", WEIGHT_FAULTS)
def test_weights_that_are_wrong_are_refused(folder: Path, fault: str) -> None:
    WEIGHT_FAULTS[fault](folder)
    check_refused(folder, "weights.safetensors")


def test_a_card_of_a_newer_version_says_so_whatever_else_it_holds(folder: Path) -> None:
    for change in (card_with("schema_version", value=2), card_with("dreams", value=[]), card_with("data", value=7)):
        change(folder)
        with pytest.raises(CheckpointError, match="schema version 2; this version reads up to 1"):
            checkpoint.load(folder)


@pytest.mark.parametrize("name", ["no-such-folder", "a\0b", "\ud800", "x" * 5000])
def test_a_path_where_nothing_lies_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CheckpointError, match=r"card\.json cannot be read"):
        checkpoint.load(tmp_path / name)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("exploded",)


@pytest.mark.parametrize("name", FILES)
def test_no_pickle_is_ever_opened(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / name).write_bytes(pickle.dumps(Bomb()))
    if name != "latents.safetensors":  # a model needs none
        check_refused(folder, name)
    assert not (folder / "exploded").exists()


def load_or_refuse(folder: Path) -> None:
    """A change that happens to be harmless may load, as what it says; no change does anything else."""
    try:
        model = checkpoint.load(folder)
    except CheckpointError as error:
        named = str(folder) in str(error)
    else:
        named = all(value.isfinite().all() for value in model.parameters())
    assert named


on_one_folder = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@on_one_folder
@given(name=st.sampled_from(["card.json", "weights.safetensors"]), content=st.binary(max_size=300))
def test_random_bytes_are_refused(folder: Path, name: str, content: bytes) -> None:
    original = (folder / name).read_bytes()
    (folder / name).write_bytes(content)
    check_refused(folder, name)
    (folder / name).write_bytes(original)


@on_one_folder
@given(data=st.data(), name=st.sampled_from(["card.json", "weights.safetensors"]), bit=st.integers(0, 7))
def test_a_flipped_bit_does_no_harm(folder: Path, data: st.DataObject, name: str, bit: int) -> None:
    original = (folder / name).read_bytes()
    flipped = bytearray(original)
    flipped[data.draw(st.integers(0, len(original) - 1))] ^= 1 << bit
    (folder / name).write_bytes(flipped)
    load_or_refuse(folder)
    (folder / name).write_bytes(original)
