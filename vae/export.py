"""Cuts one part, encoder or decoder, out of a weights file, without torch and without reading the rest."""

import json
import math
import os
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeGuard

from vae.errors import ExportError

_LARGEST_HEADER = 100_000_000  # bytes; the bound that the safetensors library sets
_ITEM_SIZES = {"F32": 4, "F16": 2}


def network_payload(weights: Path, part: Literal["encoder", "decoder"]) -> bytes:
    """A safetensors file holding only the tensors and the layer list of `part`; the other metadata is kept.

    Equal files give equal bytes, so that a hash of them can name them. Raises ExportError when the file is missing, cut
    short or damaged, or when it does not describe `part`.
    """
    try:
        with weights.open("rb") as file:
            return _cut(file, weights, part)
    except OSError as error:
        raise ExportError(f"{weights} cannot be read: {error.strerror}.") from error


def _cut(file: BinaryIO, weights: Path, part: Literal["encoder", "decoder"]) -> bytes:
    size = os.fstat(file.fileno()).st_size
    header_length = int.from_bytes(file.read(8), "little")
    if not 2 <= header_length <= min(size - 8, _LARGEST_HEADER):
        raise _damaged(weights, f"a header of {header_length:,} bytes in a file of {size:,}")
    header = _header(file.read(header_length), weights)
    metadata = _metadata(header, weights)
    names = _tensor_names(metadata, part, weights)
    start = 8 + header_length
    entries = {name: _checked(name, header.get(name), size - start, weights) for name in names}
    if sum(end - begin for begin, end in (entry["data_offsets"] for entry in entries.values())) > size - start:
        raise _damaged(weights, "tensors that overlap")

    other = "decoder" if part == "encoder" else "encoder"
    kept: dict[str, Any] = {"__metadata__": {key: metadata[key] for key in sorted(metadata) if key != other}}
    chunks = []
    position = 0
    # Wider items first: every tensor then starts at a multiple of its item size.
    for name in sorted(entries, key=lambda name: (-_ITEM_SIZES[entries[name]["dtype"]], name)):
        begin, end = entries[name]["data_offsets"]
        file.seek(start + begin)
        chunks.append(file.read(end - begin))
        kept[name] = entries[name] | {"data_offsets": [position, position := position + end - begin]}
    text = json.dumps(kept, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return b"".join([len(text).to_bytes(8, "little"), text, *chunks])


def _header(raw: bytes, weights: Path) -> dict[str, Any]:
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _damaged(weights, "a header that is not JSON") from error
    if not isinstance(header, dict):
        raise _damaged(weights, "a header that is not a record")
    return header


def _metadata(header: dict[str, Any], weights: Path) -> dict[str, str]:
    metadata = header.get("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _damaged(weights, "metadata that is not a record of strings")
    return metadata


def _tensor_names(metadata: dict[str, str], part: str, weights: Path) -> list[str]:
    """Names of the tensors that the layers of `part` use, in order, each once."""
    if part not in metadata:
        raise ExportError(f"{weights} describes no {part}: save the checkpoint again with this version.")
    try:
        layers = json.loads(metadata[part])
        named = [layer.get(role) for layer in layers for role in ("weight", "bias")]
    except (ValueError, RecursionError, TypeError, AttributeError) as error:
        raise _damaged(weights, f"a list of {part} layers that cannot be read") from error
    names = [name for name in named if name is not None]
    if not all(isinstance(name, str) and name != "__metadata__" for name in names):
        raise _damaged(weights, f"a list of {part} layers that names no tensors")
    return list(dict.fromkeys(names))


def _checked(name: str, entry: Any, available: int, weights: Path) -> dict[str, Any]:
    """The header's entry of one tensor, once its type, shape and place in `available` bytes agree."""
    if not isinstance(entry, dict):
        raise _damaged(weights, f"no tensor {name!r}, which its layers use")
    dtype, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in _ITEM_SIZES:
        raise ExportError(f"{weights}: tensor {name!r} has type {dtype!r}; only F32 and F16 can be exported.")
    if not _are_counts(shape) or not _are_counts(offsets) or len(offsets) != 2:
        raise _damaged(weights, f"no usable shape or place for tensor {name!r}")
    begin, end = offsets
    if not begin <= end <= available or end - begin != math.prod(shape) * _ITEM_SIZES[dtype]:
        raise _damaged(weights, f"tensor {name!r} of shape {shape} at bytes {begin:,} to {end:,} of {available:,}")
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def _are_counts(value: Any) -> TypeGuard[list[int]]:
    # Bounded, so that a product of hostile sizes stays a small computation.
    return isinstance(value, list) and len(value) <= 8 and all(type(n) is int and 0 <= n < 2**48 for n in value)


def _damaged(weights: Path, found: str) -> ExportError:
    return ExportError(f"{weights} is damaged: it has {found}. Copy or train it again.")
