"""A folder of pictures as a set: which files count, their classes, their split, and the size they come to."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vae.data.own import printable
from vae.data.pictures import BrokenPictureError, Frame, is_picture_name, read_header, read_picture
from vae.errors import DataError

SPLITS = ("train", "test")
LARGEST_AS_IS = 64  # pixels a side: what the networks here take
MOST_TEST_IMAGES = 10_000
ONE_IN = 10  # goes to the test set
NOT_ENOUGH = "Put two or more pictures there (PNG, JPEG, WebP, TIFF, GIF, BMP), with one sub-folder for each class."


@dataclass(frozen=True)
class Member:
    """One picture file: `name` is its path below the folder, with slashes."""

    name: str
    bytes: int
    changed: int  # nanoseconds


@dataclass(frozen=True)
class Survey:
    """What a folder of pictures holds, as far as headers tell.

    Attributes:
        train, test: the pictures of each split, in the order of their names.
        class_names: sorted; empty for a set without labels.
        has_own_split: it has folders `train/` and `test/`.
        frame: what each picture becomes.
        broken: name and reason of each file that is no sound picture.
        ignored: files that count for nothing: hidden, no pictures, or beside the folders of the classes.
    """

    root: Path
    train: tuple[Member, ...]
    test: tuple[Member, ...]
    class_names: tuple[str, ...]
    has_own_split: bool
    frame: Frame
    broken: tuple[tuple[str, str], ...]
    ignored: int

    def members(self, split: str) -> tuple[Member, ...]:
        return self.train if split == "train" else self.test

    def hash(self, split: str) -> str:
        """SHA-256 (hex) over the shape that pictures get, and the name and size in bytes of each file.

        It names the images of a split whether they are held or streamed, and reads no picture for it: one replaced by
        another of the very same length is not noticed.
        """
        digest = hashlib.sha256(repr((self.frame, split)).encode())
        for member in self.members(split):
            digest.update(b"%d %b\0" % (member.bytes, os.fsencode(member.name)))
        return digest.hexdigest()

    def labels(self, split: str) -> NDArray[np.int64] | None:
        """Indices into `class_names`, (N,); None without classes."""
        if not self.class_names:
            return None
        index = {name: number for number, name in enumerate(self.class_names)}
        classes = (_class_of(member, self.has_own_split) for member in self.members(split))
        return np.array([index[name] for name in classes], np.int64)


def survey(root: Path, image_size: int | None = None) -> Survey:
    """Look through a folder; asked again, only files that came, went or changed make it look anew.

    Pictures become squares of `image_size`, cut from the middle. Without it they stay as they are when all share one
    size of at most 64 pixels a side, else `image_size` is 64. They are grey when all of them are.

    Raises DataError when the folder is not there, cannot be read, or holds too few sound pictures.
    """
    names, ignored = _listed(root)
    return _survey(root, image_size, names, ignored)


@lru_cache(maxsize=8)
def _survey(root: Path, image_size: int | None, listed: tuple[Member, ...], ignored: int) -> Survey:
    layout = _layout(listed)
    sizes: set[tuple[int, int]] = set()
    sound: list[Member] = []
    perhaps_colour: list[Member] = []
    broken: list[tuple[str, str]] = []
    for member in layout.members:
        try:
            header = read_header(root / member.name)
        except (BrokenPictureError, OSError) as fault:
            broken.append((member.name, _reason(fault)))
            continue
        sound.append(member)
        sizes.add((header.width, header.height))
        if not header.grey:
            perhaps_colour.append(member)
    check_enough_sound(root, len(sound), broken)
    frame = _frame(root, sizes, perhaps_colour, image_size)
    train, test = _own_split(sound) if layout.has_own_split else _split_by_hash(sound)
    if not train or not test:
        raise DataError(f"{root} holds {len(sound)} picture{'' if len(sound) == 1 else 's'} to split. {NOT_ENOUGH}")
    classes = {_class_of(member, layout.has_own_split) for member in (*train, *test)} if layout.has_classes else ()
    return Survey(
        root,
        train,
        test,
        tuple(sorted(classes)),
        layout.has_own_split,
        frame,
        tuple(broken),
        ignored + len(listed) - len(layout.members),
    )


def check_enough_sound(root: Path, sound: int, broken: list[tuple[str, str]]) -> None:
    """Raises DataError naming the first broken pictures when nothing else is left, or when they are too many."""
    if broken and (sound == 0 or len(broken) > max(3, (sound + len(broken)) // ONE_IN)):
        named = "; ".join(f"{printable(name)}: {reason}" for name, reason in broken[:3])
        raise DataError(
            f"{len(broken):,} of {sound + len(broken):,} pictures in {root} cannot be read ({named}"
            f"{'; ...' if len(broken) > 3 else ''}). Mend them or take them out."
        )
    if sound == 0:
        raise DataError(f"{root} holds no pictures. {NOT_ENOUGH}")


def _listed(root: Path) -> tuple[tuple[Member, ...], int]:
    """The picture files below the folder, by name, and how many other files there are."""
    if not os.path.isdir(root):  # unlike Path, also where the path is longer than any can be
        raise DataError(f"There is no folder {root}. Write folder:PATH with the path of a folder of pictures.")
    members: list[Member] = []
    ignored = 0
    for where, entry in _files_below(root):
        if entry.name.startswith(".") or not is_picture_name(entry.name):
            ignored += 1
            continue
        try:
            stat = entry.stat()
        except OSError:
            ignored += 1  # gone meanwhile, or a link to nowhere
            continue
        members.append(Member(where + entry.name, stat.st_size, stat.st_mtime_ns))
    return tuple(sorted(members, key=lambda member: member.name)), ignored


def _files_below(root: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Each file with the path of its folder; hidden folders and links to folders are left alone."""
    waiting = [""]
    while waiting:
        where = waiting.pop()
        try:
            entries = list(os.scandir(root / where))
        except OSError as fault:
            raise DataError(f"{root / where} cannot be read ({fault.strerror}). Allow it, or take it out.") from fault
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith(".") and entry.name != "__MACOSX":
                    waiting.append(f"{where}{entry.name}/")
            elif entry.is_file():
                yield where, entry


@dataclass(frozen=True)
class _Layout:
    """Which pictures count, and what their folders mean."""

    members: tuple[Member, ...]
    has_own_split: bool
    has_classes: bool


def _layout(listed: tuple[Member, ...]) -> _Layout:
    """What lies beside `train/` and `test/`, or beside the folders of the classes, does not count."""
    has_own_split = all(any(member.name.startswith(f"{split}/") for member in listed) for split in SPLITS)
    counting = [member for member in listed if not has_own_split or member.name.startswith(("train/", "test/"))]
    in_classes = [member for member in counting if _class_of(member, has_own_split)]
    if has_own_split:  # classes of one split alone are no classes of the set
        has_classes = all(any(member.name.startswith(f"{split}/") for member in in_classes) for split in SPLITS)
    else:
        has_classes = bool(in_classes)
    return _Layout(tuple(in_classes if has_classes else counting), has_own_split, has_classes)


def _class_of(member: Member, has_own_split: bool) -> str:
    """The first sub-folder, below `train/` or `test/`; empty for a picture in none."""
    folders = member.name.split("/")[int(has_own_split) : -1]
    return printable(folders[0]) if folders else ""


def _own_split(sound: list[Member]) -> tuple[tuple[Member, ...], tuple[Member, ...]]:
    train, test = ([member for member in sound if member.name.startswith(f"{split}/")] for split in SPLITS)
    return tuple(train), _at_most(test)


def _split_by_hash(sound: list[Member]) -> tuple[tuple[Member, ...], tuple[Member, ...]]:
    """One in ten is kept for the test, by a hash of its name: it stays there when others come. At least one in each."""
    test = {member for member in sound if _hash_of(member.name) % ONE_IN == 0}
    if not test:
        test = {min(sound, key=lambda member: _hash_of(member.name))}
    if len(test) == len(sound):
        test.remove(max(sound, key=lambda member: _hash_of(member.name)))
    train = tuple(member for member in sound if member not in test)
    return train, _at_most(list(test))


def _at_most(members: list[Member]) -> tuple[Member, ...]:
    """So many as a test set may have, the same ones when others come, in the order of their names."""
    chosen = sorted(members, key=lambda member: _hash_of(member.name))[:MOST_TEST_IMAGES]
    return tuple(sorted(chosen, key=lambda member: member.name))


def _hash_of(name: str) -> int:
    return int.from_bytes(hashlib.sha256(os.fsencode(name)).digest()[:8], "big")


def _frame(root: Path, sizes: set[tuple[int, int]], perhaps_colour: list[Member], image_size: int | None) -> Frame:
    width, height = next(iter(sizes))
    as_is = image_size is None and len(sizes) == 1 and max(width, height) <= LARGEST_AS_IS
    side = image_size or LARGEST_AS_IS
    colour = Frame(3, height, width, cut=False) if as_is else Frame(3, side, side, cut=True)
    channels = 3 if any(_is_colour(root / member.name, colour) for member in perhaps_colour) else 1
    return Frame(channels, colour.height, colour.width, colour.cut)


def _is_colour(path: Path, frame: Frame) -> bool:
    """Judged on the pixels that would be trained on; the first picture in colour ends the search."""
    try:
        red, green, blue = read_picture(path, frame)
    except (BrokenPictureError, OSError):
        return False
    return not (np.array_equal(red, green) and np.array_equal(green, blue))


def _reason(fault: Exception) -> str:
    return (fault.strerror or str(fault)) if isinstance(fault, OSError) else str(fault)
