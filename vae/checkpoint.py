"""Checkpoints: inert weights and a readable card, written atomically and loaded strictly. Nothing is unpickled."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from vae.card import CARD, Card, read_card
from vae.codes import LATENTS, Codes
from vae.config import Storage
from vae.errors import CheckpointError, ConfigError
from vae.files import write_together
from vae.models import Model, build
from vae.models.layers import describe
from vae.weights_file import read_tensors, to_bytes

WEIGHTS = "weights.safetensors"


def save(folder: Path, model: Model, card: Card, codes: Codes) -> None:
    """Write the three files together; the card last, so that a folder with a card is a checkpoint.

    Equal weights give equal bytes.

    Raises ExportError when the model holds a layer that no other runtime could be told of; OSError from the disk.
    """
    weights = to_bytes(rounded(model.state_dict(), card.config.storage), network_metadata(model))
    latents = {"mu": codes.mu, "sigma": codes.sigma, "labels": codes.labels}
    tensors = {name: torch.from_numpy(array) for name, array in latents.items() if array is not None}
    folder.mkdir(parents=True, exist_ok=True)
    write_together(
        {
            folder / WEIGHTS: weights,
            folder / LATENTS: to_bytes(tensors),
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
    weights = read_tensors(folder / WEIGHTS, model.state_dict(), network_metadata(model))
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
        "output": "linear" if config.kind == "pca" else config.likelihood or "image",
        "encoder": json.dumps(describe(model.encoder, "encoder")),
        "decoder": json.dumps(describe(model.decoder, "decoder")),
    }
    if config.likelihood == "gaussian-learned":
        metadata["sigma_floor"] = repr(config.sigma)
    return metadata
