"""Tensors in one safetensors file: equal content gives equal bytes, and what is read is what was promised."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vae.errors import CheckpointError


def to_bytes(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """The file's content, its header in order: the safetensors library writes the metadata in any."""
    contiguous = {name: value.contiguous() for name, value in tensors.items()}
    file = save(contiguous, None if metadata is None else dict(metadata))
    end = 8 + int.from_bytes(file[:8], "little")
    header = json.dumps(json.loads(file[8:end]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # tensors start at a multiple of 8 bytes
    return len(header).to_bytes(8, "little") + header + file[end:]


def read_tensors(path: Path, expected: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, Tensor]:
    """The tensors of `path` as float32: exactly the names and shapes of `expected`, beside exactly `metadata`.

    Raises CheckpointError, naming the file, when it is missing, damaged, or holds anything else.
    """
    try:
        with safe_open(path, framework="pt") as file:
            _check_names(path, set(file.keys()), set(expected))
            for name, value in expected.items():
                shape = tuple(file.get_slice(name).get_shape())
                if shape != tuple(value.shape):
                    raise CheckpointError(f"{path}: {name} has shape {shape}; the card promises {tuple(value.shape)}")
            tensors = {name: file.get_tensor(name) for name in expected}
            found = file.metadata() or {}
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing; the checkpoint is incomplete") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is damaged or no safetensors file: {error}") from None
    if found != metadata:
        raise CheckpointError(f"{path} describes other layers than its card does; the two do not belong together")
    for name, value in tensors.items():
        if value.dtype not in (torch.float32, torch.float16):
            raise CheckpointError(f"{path}: {name} is stored as {value.dtype}; wanted float32 or float16")
        if not torch.isfinite(value).all():
            raise CheckpointError(f"{path}: {name} holds values that are not numbers; the weights are unusable")
    return {name: value.float() for name, value in tensors.items()}


def _check_names(path: Path, found: set[str], expected: set[str]) -> None:
    for names, fault in ((expected - found, "lacks"), (found - expected, "holds, beside what the card promises,")):
        if names:
            raise CheckpointError(f"{path} {fault} {', '.join(sorted(names)[:3])}")
