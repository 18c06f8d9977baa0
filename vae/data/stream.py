"""A folder of pictures larger than memory: read and decoded by worker processes, batch by batch, while others train."""

import logging
import os
import signal
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

from vae.data.image_set import NEARLY_EMPTY
from vae.data.own import CREDIT, FOLDER, LICENCE, path_of, plain_name
from vae.data.own_images import check_has_no_size, read_all
from vae.data.picture_folder import Survey, survey
from vae.data.pictures import BrokenPictureError, Frame, read_picture
from vae.errors import DataError

PREFETCHED = 4  # batches that each worker has ready
SAMPLED = 500  # pictures looked at to tell strokes from photographs
_log = logging.getLogger(__name__)


def open_stream(name: str, image_size: int | None = None, split: str = "train") -> "ImageStream":
    """A `folder:` set to be read bit by bit. Its headers are looked through at once, its pixels when asked for.

    Raises DataError as `vae.data.load`, and for a set that is no folder; ConfigError.
    """
    if not name.startswith(FOLDER):
        check_has_no_size(name, image_size)
        raise DataError(f"{plain_name(name)!r} cannot be streamed, only a {FOLDER} set can. Load it whole.")
    return ImageStream(survey(path_of(name), image_size), plain_name(name), split)


class ImageStream:
    """What training needs of an `ImageSet`, without its pixels. One iteration of `batches` at a time.

    Attributes:
        shape: (C, H, W) of each image.
        hash: see `Survey.hash`.
        replaced: names of files that broke after the stream was opened; see `batches`.
    """

    licence, credit = LICENCE, CREDIT

    def __init__(self, found: Survey, name: str, split: str) -> None:
        self.name, self.split = name, split
        self.class_names = found.class_names
        self.shape = (found.frame.channels, found.frame.height, found.frame.width)
        self.replaced: set[str] = set()
        self._found = found
        self._pictures = _Pictures(found.root, [member.name for member in found.members(split)], found.frame)
        self._plan = _Plan()
        self._loaders: dict[int, DataLoader[Any]] = {}

    def __len__(self) -> int:
        return len(self._pictures)

    @cached_property
    def hash(self) -> str:
        return self._found.hash(self.split)

    @cached_property
    def is_ink(self) -> bool:
        """As of an `ImageSet`, judged by some pictures spread over the set."""
        if self.shape[0] != 1:
            return False
        members = self._found.members(self.split)[:: max(1, len(self) // SAMPLED)]
        images, broken = read_all(self._found.root, members, self._found.frame)
        whole = np.delete(images, [index for index, _ in broken], axis=0)
        return whole.size > 0 and float((whole < NEARLY_EMPTY).mean()) > 0.5

    def batches(self, indices: Sequence[torch.Tensor], workers: int) -> Iterator[torch.Tensor]:
        """The images at each tensor of indices (B,), in order: uint8 (B, C, H, W).

        `workers` processes read ahead, and stay for the next call; 0 reads in this process. The bytes are those that
        `vae.data.load` gives. A file that turns out to be broken is replaced by the next sound one in the set, so that
        a long training does not end by it, and named in a warning, and in `replaced`.

        Raises DataError when no sound file is left to take, or when a worker was killed.
        """
        self._plan.batches = [batch.tolist() for batch in indices]
        try:
            for images, broken in self._loader(workers):
                self._tell(broken)
                yield torch.from_numpy(images)
        except DataError as fault:
            self._loaders.clear()  # its workers are in the midst of a pass; the next one begins anew
            raise DataError(_said(fault)) from None
        except RuntimeError as fault:
            if "DataLoader worker" not in str(fault):
                raise
            self._loaders.clear()
            raise DataError(f"A process that reads {self.name} ended ({str(fault).splitlines()[0]}).") from None

    def _loader(self, workers: int) -> DataLoader[Any]:
        if workers not in self._loaders:
            self._loaders[workers] = DataLoader(
                self._pictures,
                sampler=self._plan,
                batch_size=None,  # an index is a batch already
                collate_fn=_as_it_is,
                num_workers=workers,
                persistent_workers=workers > 0,
                prefetch_factor=PREFETCHED if workers else None,
                worker_init_fn=_leave_interrupts_to_the_trainer,
                generator=torch.Generator(),  # else each pass would draw from torch's own, and change what follows
            )
        return self._loaders[workers]

    def _tell(self, broken: dict[str, str]) -> None:
        for name, reason in broken.items():
            if name not in self.replaced:
                self.replaced.add(name)
                _log.warning("%s of %s cannot be read (%s); another picture takes its place.", name, self.name, reason)


class _Plan(Sampler[list[int]]):
    """The batches of the next pass: workers that stay are told by it what to read."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


class _Pictures(Dataset[Any]):
    """Gives a batch of pictures as a numpy array.

    As an array it comes through a pipe. Tensors would come through shared memory, which is scarce in containers, and
    needs an open file for each.
    """

    def __init__(self, root: Path, names: list[str], frame: Frame) -> None:
        self._root, self._frame = root, frame
        # One block of bytes: of a million strings each worker would in the end have copied every one.
        encoded = [os.fsencode(name) for name in names]
        self._names = b"".join(encoded)
        self._ends = np.cumsum([len(name) for name in encoded])

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, batch: list[int]) -> tuple[NDArray[np.uint8], dict[str, str]]:
        broken: dict[str, str] = {}
        return np.stack([self._nearest_sound(index, broken) for index in batch]), broken

    def _nearest_sound(self, index: int, broken: dict[str, str]) -> NDArray[np.uint8]:
        for step in range(len(self)):
            name = self._name((index + step) % len(self))
            try:
                return read_picture(self._root / name, self._frame)
            except (BrokenPictureError, OSError) as fault:
                broken[name] = str(fault)
            if not self._root.is_dir():
                raise DataError(f"The folder {self._root} is gone. Bring it back and resume.")
        raise DataError(f"None of the pictures in {self._root} can be read any more.")

    def _name(self, index: int) -> str:
        start = self._ends[index - 1] if index else 0
        return os.fsdecode(self._names[start : self._ends[index]])


def _said(fault: DataError) -> str:
    """The sentence alone: torch puts a worker's traceback before it."""
    return str(fault).strip().splitlines()[-1].removeprefix(f"{DataError.__module__}.{DataError.__qualname__}: ")


def _as_it_is(batch: Any) -> Any:
    return batch


def _leave_interrupts_to_the_trainer(_worker: int) -> None:
    """Ctrl-C reaches every process of a terminal; the one that trains saves first, and ends the workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
