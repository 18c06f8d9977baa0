"""Cutting one part out of a weights file, checked by the safetensors library."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load, save

from vae.errors import ExportError
from vae.export import network_payload

Part = Literal["encoder", "decoder"]
PARTS: tuple[Part, Part] = ("encoder", "decoder")


def layer(name: str) -> dict[str, str | None]:
    return {"type": "Linear", "weight": f"{name}.weight", "bias": f"{name}.bias"}


METADATA = {
    "format": "vae-network",
    "latent_dim": "2",
    "note": 'quotes " and ☃',
    "encoder": json.dumps([{"type": "Flatten"}, layer("encoder.1")]),
    "decoder": json.dumps([layer("decoder.0"), {"type": "ReLU"}, layer("decoder.2") | {"bias": None}]),
}
TENSORS = {
    "encoder.1.weight": np.arange(12, dtype=np.float32).reshape(3, 4),
    "encoder.1.bias": np.array([1, 2, 3], dtype=np.float32),
    "decoder.0.weight": np.array([[1.5], [2], [-3]], dtype=np.float16),  # 6 bytes: the next one must be moved
    "decoder.0.bias": np.array([7, 8, 9], dtype=np.float32),
    "decoder.2.weight": np.array([[0.25, -1, 65504]], dtype=np.float16),
    "prior.mean": np.zeros(2, dtype=np.float32),
}


def saved(path: Path, metadata: dict[str, str] = METADATA, tensors: dict[str, np.ndarray] = TENSORS) -> Path:
    path.write_bytes(save(tensors, metadata))
    return path


def parsed(payload: bytes) -> tuple[dict[str, Any], int]:
    length = int.from_bytes(payload[:8], "little")
    return json.loads(payload[8 : 8 + length]), 8 + length


@pytest.mark.parametrize("part", PARTS)
def test_a_part_keeps_its_tensors_and_metadata_only(tmp_path: Path, part: Part) -> None:
    payload = network_payload(saved(tmp_path / "weights.safetensors"), part)
    tensors = load(payload)
    assert set(tensors) == {name for name in TENSORS if name.startswith(part)}
    for name, values in tensors.items():
        assert values.dtype == TENSORS[name].dtype
        assert np.array_equal(values, TENSORS[name])
    (tmp_path / "cut.safetensors").write_bytes(payload)
    with safe_open(tmp_path / "cut.safetensors", framework="numpy") as file:
        assert file.metadata() == {key: value for key, value in METADATA.items() if key not in set(PARTS) - {part}}


@pytest.mark.parametrize("part", PARTS)
def test_tensors_start_at_multiples_of_their_item_size(tmp_path: Path, part: Part) -> None:
    header, start = parsed(network_payload(saved(tmp_path / "weights.safetensors"), part))
    assert start % 8 == 0
    for name in header.keys() - {"__metadata__"}:
        assert header[name]["data_offsets"][0] % TENSORS[name].itemsize == 0


def test_equal_files_give_equal_bytes_whatever_the_order_of_their_header(tmp_path: Path) -> None:
    first = saved(tmp_path / "a")
    header, start = parsed(first.read_bytes())
    shuffled = {name: header[name] for name in reversed(header)}
    shuffled["__metadata__"] = dict(reversed(header["__metadata__"].items()))
    second = tmp_path / "b"
    second.write_bytes(file_of(shuffled, first.read_bytes()[start:]))
    assert network_payload(first, "decoder") == network_payload(second, "decoder")


def test_a_tensor_used_twice_is_stored_once(tmp_path: Path) -> None:
    metadata = METADATA | {"decoder": json.dumps([layer("decoder.0"), layer("decoder.0")])}
    payload = network_payload(saved(tmp_path / "weights.safetensors", metadata), "decoder")
    assert set(load(payload)) == {"decoder.0.weight", "decoder.0.bias"}


def test_torch_is_not_imported() -> None:
    code = "import sys, vae.export; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1]).returncode == 0


def file_of(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def with_tensor(entry: Any, data: bytes = bytes(8)) -> bytes:
    layers = json.dumps([{"type": "Linear", "weight": "w", "bias": None}])
    return file_of({"__metadata__": {"decoder": layers}, "w": entry}, data)


def with_layers(layers: str) -> bytes:
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    return file_of({"__metadata__": {"decoder": layers}, "w": entry, "v": entry}, bytes(8))


def tensor(dtype: Any = "F32", shape: Any = (2,), offsets: Any = (0, 8)) -> bytes:
    return with_tensor({"dtype": dtype, "shape": shape, "data_offsets": offsets})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a header of 0 bytes in a file of 0"),
        (b"\x20\0\0", "a header of 32 bytes in a file of 3"),
        (file_of({}, length=2**63), "a header of 9,223,372,036,854,775,808 bytes"),
        (file_of({}, length=3), "a header of 3 bytes in a file of 10"),
        (file_of(b"{]"), "a header that is not JSON"),
        (file_of(b"\xff\xfe"), "a header that is not JSON"),
        (file_of(b"[" * 100_000), "a header that is not JSON"),
        (file_of([]), "a header that is not a record"),
        (file_of({"__metadata__": {"decoder": []}}), "metadata that is not a record of strings"),
        (file_of({}), "describes no decoder"),
        (with_layers("["), "a list of decoder layers that cannot be read"),
        (with_layers("7"), "a list of decoder layers that cannot be read"),
        (with_layers('{"a": 1}'), "a list of decoder layers that cannot be read"),
        (with_layers('[{"weight": 7}]'), "a list of decoder layers that names no tensors"),
        (with_layers('[{"weight": "__metadata__"}]'), "a list of decoder layers that names no tensors"),
        (with_layers('[{"weight": "elsewhere"}]'), "no tensor 'elsewhere'"),
        (with_layers('[{"weight": "w", "bias": "v"}]'), "tensors that overlap"),
        (tensor(dtype="BF16"), "tensor 'w' has type 'BF16'"),
        (tensor(dtype=["F32"]), "tensor 'w' has type ['F32']"),
        (tensor(shape=None), "no usable shape or place for tensor 'w'"),
        (tensor(shape=[-2]), "no usable shape"),
        (tensor(shape=[True, 2]), "no usable shape"),
        (tensor(shape=[10**4000]), "no usable shape"),
        (tensor(offsets=[0, 4, 8]), "no usable shape"),
        (tensor(offsets=[8, 0]), "tensor 'w' of shape [2] at bytes 8 to 0 of 8"),
        (tensor(shape=[3], offsets=[0, 12]), "tensor 'w' of shape [3] at bytes 0 to 12 of 8"),
        (tensor(shape=[3]), "tensor 'w' of shape [3] at bytes 0 to 8 of 8"),
    ],
)
def test_broken_files_are_refused_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(content)
    with pytest.raises(ExportError) as caught:
        network_payload(weights, "decoder")
    assert str(weights) in str(caught.value)
    assert message in str(caught.value)


def test_a_header_beyond_the_bound_is_refused_before_it_is_read(tmp_path: Path) -> None:
    weights = tmp_path / "weights.safetensors"
    with weights.open("wb") as file:
        file.write((100_000_001).to_bytes(8, "little"))
        file.truncate(200_000_000)  # sparse: no disk is used
    with pytest.raises(ExportError, match="a header of 100,000,001 bytes"):
        network_payload(weights, "decoder")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"nowhere cannot be read: No such file"):
        network_payload(tmp_path / "nowhere", "decoder")


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    """The last tensor of the file belongs to the decoder, so no shorter file holds it."""
    names = [name for name in TENSORS if name.startswith("decoder")]
    whole = saved(tmp_path / "whole", tensors={name: TENSORS[name] for name in names}).read_bytes()
    weights = tmp_path / "cut"
    for length in range(len(whole)):
        weights.write_bytes(whole[:length])
        with pytest.raises(ExportError):
            network_payload(weights, "decoder")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
counts = st.integers(-2, 12) | st.integers()
entries = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "F16", "I8"]) | json_values,
        "shape": st.lists(counts, max_size=3) | json_values,
        "data_offsets": st.lists(counts, min_size=2, max_size=2) | json_values,
    }
)
layer_lists = st.lists(
    st.fixed_dictionaries({"type": st.text(max_size=3), "weight": st.sampled_from(["a", "b", None]) | json_values})
)
hostile_headers = st.builds(
    lambda decoder, a, b: {"__metadata__": {"decoder": decoder}, "a": a, "b": b},
    layer_lists.map(json.dumps) | st.text(max_size=9) | json_values,
    entries | json_values,
    entries | json_values,
)


@settings(deadline=None)
@given(
    header=hostile_headers | json_values | st.binary(max_size=20),
    data=st.binary(max_size=40),
    shift=st.integers(-3, 3),
)
def test_a_hostile_file_is_refused_or_gives_a_valid_one(
    tmp_path_factory: pytest.TempPathFactory, header: Any, data: bytes, shift: int
) -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    weights = tmp_path_factory.getbasetemp() / "hostile.safetensors"
    weights.write_bytes(file_of(text, data, max(0, len(text) + shift)))
    try:
        payload = network_payload(weights, "decoder")
    except ExportError:
        return
    assert set(load(payload)) <= {"a", "b"}


dtypes = st.sampled_from([np.float16, np.float32])
some_tensors = st.lists(st.tuples(dtypes, st.lists(st.integers(0, 4), max_size=3), st.sampled_from(PARTS)), max_size=6)


@settings(deadline=None)
@given(shapes=some_tensors)
def test_round_trip_of_any_tensors(tmp_path_factory: pytest.TempPathFactory, shapes: list) -> None:
    generator = np.random.default_rng(0)
    tensors = {
        f"{part}.{i}": generator.standard_normal(shape).astype(dtype) for i, (dtype, shape, part) in enumerate(shapes)
    }
    layers = {
        part: json.dumps([{"type": "Linear", "weight": name} for name in tensors if name.startswith(part)])
        for part in PARTS
    }
    weights = saved(tmp_path_factory.getbasetemp() / "any.safetensors", layers, tensors)
    for part in PARTS:
        found = load(network_payload(weights, part))
        assert set(found) == {name for name in tensors if name.startswith(part)}
        assert all(np.array_equal(found[name], tensors[name]) for name in found)
