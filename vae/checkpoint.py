"""Checkpoints: inert weights and a readable card, written atomically and loaded strictly. Nothing is unpickled."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from vae.analysis.codes import Codes
from vae.card import Card, read_card
from vae.config import Storage
from vae.errors import CheckpointError, ConfigError
from vae.files import write_together
from vae.models import Model, build
from vae.models.layers import describe

CARD, WEIGHTS, LATENTS = "card.json", "weights.safetensors", "latents.safetensors"


def save(folder: Path, model: Model, card: Card, codes: Codes) -> None:
    """Write the three files together; the card last, so that a folder with a card is a checkpoint.

    Equal weights give equal bytes.

    Raises ExportError when the model holds a layer that no other runtime could be told of; OSError from the disk.
    """
    weights = to_bytes(_contiguous(rounded(model.state_dict(), card.config.storage)), network_metadata(model))
    weights = _with_ordered_header(weights)
    latents = {"mu": codes.mu, "sigma": codes.sigma, "labels": codes.labels}
    tensors = {name: torch.from_numpy(array) for name, array in latents.items() if array is not None}
    folder.mkdir(parents=True, exist_ok=True)
    write_together(
        {
            folder / WEIGHTS: weights,
            folder / LATENTS: to_bytes(_contiguous(tensors)),
            folder / CARD: (card.model_dump_json(indent=2) + "\n").encode(),
        }
    )


def load(folder: Path | str) -> Model:
    """The model of a checkpoint folder, in eval mode, its card as `model.card`.

    Raises CheckpointError, naming the file, when anything is missing or is not what the card promises.
    """
    folder = Path(folder)
    card = read_card(folder)
    try:
        with torch.device("meta"):  # no memory is claimed until the weights have been found to fit
            model = build(card.model, card.data.shape)
    except ConfigError as error:
        raise CheckpointError(f"{folder / CARD} promises a model that cannot be: {error}") from None
    weights = _read_weights(folder / WEIGHTS, model)
    model.to_empty(device="cpu").load_state_dict(weights)
    model.card = card
    return model.eval().requires_grad_(False)


def rounded(weights: Mapping[str, Tensor], storage: Storage) -> dict[str, Tensor]:
    """The weights in the number format they are stored in."""
    return {name: value.to(getattr(torch, storage)) for name, value in weights.items()}


def network_metadata(model: Model) -> dict[str, str]:
    """What another runtime must know to run the stored tensors: the layers, and what the output means."""
    config = model.config
    metadata = {
        "format": "vae-network",
        "version": "1",
        "shape": json.dumps(list(model.shape)),
        "latent_dim": str(config.latent_dim),
        "output": config.likelihood or "image",
        "encoder": json.dumps(describe(model.encoder, "encoder")),
        "decoder": json.dumps(describe(model.decoder, "decoder")),
    }
    if config.likelihood == "gaussian-learned":
        metadata["sigma_floor"] = repr(config.sigma)
    return metadata


def _read_weights(path: Path, model: Model) -> dict[str, Tensor]:
    expected = model.state_dict()
    try:
        with safe_open(path, framework="pt") as file:
            _check_names(path, set(file.keys()), set(expected))
            for name, value in expected.items():
                shape = tuple(file.get_slice(name).get_shape())
                if shape != tuple(value.shape):
                    raise CheckpointError(f"{path}: {name} has shape {shape}; the card promises {tuple(value.shape)}")
            tensors = {name: file.get_tensor(name) for name in expected}
            metadata = file.metadata() or {}
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing; the checkpoint is incomplete") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is damaged or no safetensors file: {error}") from None
    if metadata != network_metadata(model):
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


def _with_ordered_header(file: bytes) -> bytes:
    """The same safetensors file with its metadata in order; the library writes them in any."""
    end = 8 + int.from_bytes(file[:8], "little")
    header = json.dumps(json.loads(file[8:end]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # tensors start at a multiple of 8 bytes
    return len(header).to_bytes(8, "little") + header + file[end:]


def _contiguous(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.contiguous() for name, value in tensors.items()}
