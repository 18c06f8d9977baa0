"""Loads the sets that a person brings: `folder:PATH` and `npz:PATH`."""

import logging
import math
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from vae.data.image_set import ImageSet
from vae.data.npz import load_npz, sizes_of_npz
from vae.data.own import CREDIT, FOLDER, LICENCE, path_of, plain_name, printable
from vae.data.picture_folder import Member, Survey, check_enough_sound, survey
from vae.data.pictures import BrokenPictureError, Frame, read_picture
from vae.errors import ConfigError

COPIES = 3  # bytes as read, as held and as trained on
SHARE_OF_MEMORY = 0.5  # of what is free; the rest is the model's
READERS = min(4, os.cpu_count() or 1)  # threads: decoding leaves Python's lock alone
_log = logging.getLogger(__name__)


def load_own(name: str, split: str, image_size: int | None) -> ImageSet:
    """Raises DataError; ConfigError when `image_size` is given for arrays, which have the size they have."""
    path = path_of(name)
    if name.startswith(FOLDER):
        return _load_folder(survey(path, image_size), plain_name(name), split)
    check_has_no_size(name, image_size)
    return load_npz(path, plain_name(name), split)


def sizes_of_own(name: str, image_size: int | None) -> tuple[int, int, tuple[int, int, int]]:
    """Training images, test images and the shape (C, H, W) of one, without decoding them. Raises as `load_own`."""
    if name.startswith(FOLDER):
        found = survey(path_of(name), image_size)
        frame = found.frame
        return len(found.train), len(found.test), (frame.channels, frame.height, frame.width)
    check_has_no_size(name, image_size)
    return sizes_of_npz(path_of(name))


def fits_in_memory(name: str, image_size: int | None = None) -> bool:
    """Whether the set can be held whole in half of the memory that is free now. Raises as `vae.data.load`.

    Only a `folder:` set can be read in another way, from `vae.data.stream`; of the others the answer is always yes.
    """
    if not name.startswith(FOLDER):
        return True
    train, test, shape = sizes_of_own(name, image_size)
    return COPIES * (train + test) * math.prod(shape) <= SHARE_OF_MEMORY * psutil.virtual_memory().available


def check_has_no_size(name: str, image_size: int | None) -> None:
    """Raises ConfigError for an image size where images have a size of their own."""
    if image_size is not None:
        raise ConfigError(f"image_size = {image_size} is for folder: sets; images of {plain_name(name)} have theirs")


def _load_folder(found: Survey, name: str, split: str) -> ImageSet:
    members, labels = found.members(split), found.labels(split)
    images, broken = read_all(found.root, members, found.frame)
    if broken:
        faults = [(members[index].name, reason) for index, reason in broken]
        check_enough_sound(found.root, len(members) - len(broken), faults)
        whole = np.ones(len(members), bool)
        whole[[index for index, _ in broken]] = False
        images, labels = images[whole], None if labels is None else labels[whole]
    left_out = [*found.broken, *((members[index].name, reason) for index, reason in broken)]
    if left_out:
        example, reason = left_out[0]
        _log.warning(
            "Left out of %s: %d that cannot be read, such as %s (%s).", name, len(left_out), printable(example), reason
        )
    return ImageSet(images, labels, found.class_names, name, split, LICENCE, CREDIT, known_as=found.hash(split))


def read_all(root: Path, members: tuple[Member, ...], frame: Frame) -> tuple[NDArray[np.uint8], list[tuple[int, str]]]:
    """The pictures, uint8 (N, C, H, W), and the index and reason of each that could not be read, black in its place."""
    images = np.zeros((len(members), frame.channels, frame.height, frame.width), np.uint8)

    def read(index: int) -> tuple[int, str] | None:
        try:
            images[index] = read_picture(root / members[index].name, frame)
        except BrokenPictureError as fault:
            return index, str(fault)
        except OSError as fault:
            return index, fault.strerror or str(fault)
        return None

    with ThreadPoolExecutor(READERS) as readers:
        return images, [fault for fault in readers.map(read, range(len(members))) if fault is not None]
