"""What the film of a run has of one epoch, in the form in which a checkpoint has it of its last. No torch here."""

from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from vae.errors import CheckpointError
from vae.training.journal import FILM, FOLLOWED, film_frames, read_events


def latents_at(folder: Path, epoch: int) -> bytes:
    """The codes of the followed test images after an epoch, as a latents file: mu, sigma float32 (M, d), labels (M,).

    Raises CheckpointError when the film has no such epoch, or cannot be read.
    """
    path = film_frames(folder).get(epoch)
    if path is None:
        raise CheckpointError(f"the film of {folder.name} has no epoch {epoch}")
    frame, followed = _read(path), _read(folder / FILM / FOLLOWED)
    if "mu" not in frame:
        raise CheckpointError(f"{path} holds no codes")
    tensors = {name: frame[name].astype(np.float32) for name in ("mu", "sigma") if name in frame}
    if "labels" in followed:
        tensors["labels"] = followed["labels"]
    return save(tensors)


def version_of_frame(folder: Path, epoch: int) -> int:
    """Another one when the epoch was filmed again; 0 when the film has no such epoch."""
    try:
        return film_frames(folder)[epoch].stat().st_mtime_ns
    except (KeyError, OSError):
        return 0


def kl_at(folder: Path, epoch: int) -> list[float] | None:
    """KL of each dimension on the test set after an epoch, in nats; None when the run has not told it."""
    told = [event for event in read_events(folder).events if event["event"] == "epoch_done"]
    found: Any = next((event.get("test") for event in reversed(told) if event.get("epoch") == epoch), None)
    kl = found.get("kl_per_dimension") if isinstance(found, dict) else None
    return kl if isinstance(kl, list) and all(isinstance(value, float) for value in kl) else None


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        return load_file(path)
    except (SafetensorError, OSError, KeyError) as error:  # KeyError: a number format that numpy has not
        raise CheckpointError(f"{path} is missing, damaged or no safetensors file: {error}") from None
