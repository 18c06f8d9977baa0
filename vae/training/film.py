"""The film of a training: after each epoch the decoder and where the same test images lie, small enough to keep."""

import json
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vae.analysis.codes import encode_set
from vae.checkpoint import network_metadata
from vae.data import ImageSet
from vae.files import remove_leftovers, write_atomically
from vae.models import Model
from vae.training.journal import FILM, FOLLOWED, film_frames
from vae.weights_file import to_bytes

SHOWN = 12  # images
IMAGES = 2000  # the first test images: those whose codes are followed
MOST_BYTES = 64_000_000  # unless VAE_FILM_BYTES says otherwise
MOST_FRAMES = 400
LARGEST_HALF = torch.finfo(torch.float16).max


class Film:
    """A frame an epoch, and of a long training every second, fourth, ... epoch; the newest is always there.

    A frame is a weights file of the decoder alone, in float16, with the codes `mu` (M, d) and, of a VAE, `sigma` (M, d)
    of M test images. What these images are lies beside the frames, once: see `FOLLOWED`.
    """

    def __init__(self, folder: Path, test_set: ImageSet, epoch: int) -> None:
        """Of a run that goes on after `epoch`: frames of later ones, filmed and never saved, are filmed anew."""
        self._folder = folder
        self._followed = test_set.head(IMAGES)
        (folder / FILM).mkdir(exist_ok=True)
        remove_leftovers(folder / FILM, ["*.safetensors"])
        for ahead, path in film_frames(folder).items():
            if ahead > epoch:
                path.unlink(missing_ok=True)
        write_atomically(folder / FILM / FOLLOWED, _followed(self._followed), durable=False)

    def add(self, epoch: int, model: Model) -> None:
        frame = to_bytes(_tensors(model, self._followed), _metadata(model, epoch))
        write_atomically(self._folder / FILM / f"{epoch:04d}.safetensors", frame, durable=False)
        self._thin_out(max(2, min(MOST_FRAMES, _most_bytes() // len(frame))))

    def _thin_out(self, most: int) -> None:
        """Keep the epochs that are multiples of the smallest power of two which leaves no more than `most`."""
        frames = film_frames(self._folder)
        newest, step = max(frames), 1
        while newest // step + 1 + (newest % step > 0) > most:
            step *= 2
        for epoch, path in frames.items():
            if epoch % step and epoch != newest:
                path.unlink(missing_ok=True)


def _followed(images: ImageSet) -> bytes:
    """What a viewer must know of the images whose codes it sees; it has neither card nor data.

    Labels (M,) where there are any, and the first few images (SHOWN, C, H, W); as metadata their shape and classes.
    """
    shown = torch.from_numpy(images.images[:SHOWN].astype(np.float16)) / 255
    tensors = {"images": shown}
    if images.labels is not None:
        tensors["labels"] = torch.from_numpy(images.labels.astype(np.int32))
    metadata = {"shape": list(images.shape), "class_names": list(images.class_names), "ink": images.is_ink}
    return to_bytes(tensors, {name: json.dumps(value) for name, value in metadata.items()})


def _tensors(model: Model, images: ImageSet) -> dict[str, Tensor]:
    codes = encode_set(model, images)
    tensors = {f"decoder.{name}": value for name, value in model.decoder.state_dict().items()}
    tensors["mu"] = torch.from_numpy(codes.mu)
    if codes.sigma is not None:
        tensors["sigma"] = torch.from_numpy(codes.sigma)
    return {name: value.clamp(-LARGEST_HALF, LARGEST_HALF).half() for name, value in tensors.items()}


def _metadata(model: Model, epoch: int) -> dict[str, str]:
    metadata = network_metadata(model) | {"epoch": str(epoch)}
    del metadata["encoder"]
    return metadata


def _most_bytes() -> int:
    given = os.environ.get("VAE_FILM_BYTES", "")
    return int(given) if given.isdecimal() else MOST_BYTES
