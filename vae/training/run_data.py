"""The images of a run: what it is fitted on, and what it is measured on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vae.config import FOLDER, RunConfig
from vae.data import ImageSet, fits_in_memory, load
from vae.data.stream import ImageStream, open_stream
from vae.errors import ConfigError
from vae.training.fit_pca import check_enough
from vae.training.images import Held, Images

FEWEST_READERS = 2  # processes, where images must be streamed and nobody says by how many


@dataclass(frozen=True)
class RunData:
    """`train` and `test` are the sets as they are called; a run may keep a part of `train` back to measure on."""

    train: ImageSet | ImageStream
    test: ImageSet
    fit_on: Images
    measure_on: Tensor  # uint8 (M, C, H, W)

    @classmethod
    def of(cls, config: RunConfig, workers: int = 0) -> "RunData":
        """Held in memory; a folder that exceeds it, or for which `workers` are given, is streamed by such processes.

        Raises DataError, ConfigError.
        """
        if not _is_to_be_streamed(config, workers):
            train_set, test_set = (load(config.dataset, split, config.image_size) for split in ("train", "test"))
            whole = torch.from_numpy(train_set.images.copy())
            kept = _without_held_out(len(whole), config)
            measure_on = whole[kept:] if kept < len(whole) else torch.from_numpy(test_set.images.copy())
            return cls(train_set, test_set, Held(whole[:kept]), measure_on)
        stream = open_stream(config.dataset, config.image_size)
        test_set = load(config.dataset, "test", config.image_size)
        workers = workers or FEWEST_READERS
        kept = _without_held_out(len(stream), config)
        if kept < len(stream):
            measure_on = next(stream.batches([torch.arange(kept, len(stream))], workers=0))
        else:
            measure_on = torch.from_numpy(test_set.images.copy())
        return cls(stream, test_set, Streamed(stream, kept, workers), measure_on)


class Streamed:
    """The first `count` images of a stream."""

    def __init__(self, stream: ImageStream, count: int, workers: int) -> None:
        self._stream, self._count, self._workers = stream, count, workers

    def __len__(self) -> int:
        return self._count

    def batches(self, indices: Sequence[Tensor]) -> Iterator[Tensor]:
        return self._stream.batches(indices, self._workers)


def _is_to_be_streamed(config: RunConfig, workers: int) -> bool:
    if not config.dataset.startswith(FOLDER) or config.model.kind == "pca":
        return False
    return workers > 0 or not fits_in_memory(config.dataset, config.image_size)


def _without_held_out(images: int, config: RunConfig) -> int:
    """How many of the training images are trained on."""
    held_out = config.training.held_out
    if held_out >= images:
        raise ConfigError(f"held_out = {held_out} leaves nothing of {images} training images; take fewer")
    if config.model.kind == "pca":
        check_enough(images - held_out, config.model)
    return images - held_out
