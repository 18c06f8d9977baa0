"""Pictures from a browser or a .zip into a folder: no path leads out of it, nothing swells beyond what was allowed."""

import re
import stat
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from vae.data.pictures import BrokenPictureError, is_picture_name, read_header
from vae.errors import DataError

Parts = list[str]  # of a path
MOST_BYTES = 180  # of one part; most systems take 255
LONGEST_SUFFIX = 12
FORBIDDEN = '/\\<>:"|?*'
NO_PICTURE = "with another ending than a picture's"
DEEPEST = 8  # folders
ENTRIES_PER_PICTURE = 10  # a .zip with more entries than so many times the pictures allowed is not looked through
CHUNK = 1 << 20  # bytes
SHOWN = 5


@dataclass
class Budget:
    """What may still be written."""

    pictures: int
    bytes: int

    def take_picture(self) -> None:
        self.pictures -= 1
        if self.pictures < 0:
            raise DataError("There are more pictures in it than are kept here. Choose fewer of them.")

    def take_bytes(self, count: int) -> None:
        self.bytes -= count
        if self.bytes < 0:
            raise DataError("The pictures take more room than there is for you here. Bring fewer or smaller ones.")

    def give_back(self, count: int) -> None:
        """Of a picture that is none."""
        self.pictures += 1
        self.bytes += count


@dataclass
class LeftOut:
    """What was not kept: how many files for each reason, and the names of a few."""

    reasons: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str, reason: str) -> None:
        self.reasons.setdefault(reason, []).append(name)

    def sentences(self) -> list[str]:
        return [
            f"{len(names):,} {reason}: {', '.join(names[:SHOWN])}{', ...' if len(names) > SHOWN else ''}"
            for reason, names in self.reasons.items()
        ]


def write_pictures(files: Sequence[tuple[str, BinaryIO]], folder: Path, budget: Budget) -> LeftOut:
    """Write single pictures into the empty `folder`. Raises DataError, OSError."""
    left_out = LeftOut()
    for name, file in files:
        plain = PurePosixPath(name.replace("\\", "/")).name
        if is_picture_name(plain):
            _write_one(name, [_kept(plain)], _chunks(file), folder, budget, left_out)
        else:
            left_out.add(name, NO_PICTURE)
    return left_out


def unpack(file: BinaryIO, folder: Path, budget: Budget) -> LeftOut:
    """Write the pictures of a .zip into the empty `folder`, with their sub-folders but those around all of them.

    Raises DataError for a file that is no sound .zip, has a password, or names a path outside; OSError.
    """
    left_out = LeftOut()
    with _reading():
        archive = zipfile.ZipFile(file)
    pictures = _pictures(archive.infolist(), budget, left_out)
    around = _folders_around([parts[:-1] for _, parts in pictures])
    for entry, parts in pictures:
        with _reading():
            content = archive.open(entry)
        with content:
            _write_one(entry.filename, parts[around:], _chunks(content), folder, budget, left_out)
    return left_out


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except Exception as fault:  # zipfile, zlib, lzma and struct raise a dozen kinds for a damaged or locked file
        reason = " ".join(str(fault).split())[:200] or type(fault).__name__
        raise DataError(f"This .zip cannot be unpacked ({reason}). Make it anew, without a password.") from None


def _chunks(content: IO[bytes]) -> Iterator[bytes]:
    while True:
        with _reading():
            chunk = content.read(CHUNK)
        if not chunk:
            return
        yield chunk


def _pictures(entries: list[zipfile.ZipInfo], budget: Budget, left_out: LeftOut) -> list[tuple[zipfile.ZipInfo, Parts]]:
    """The entries that are pictures, each with the parts of its path as they are kept."""
    if len(entries) > ENTRIES_PER_PICTURE * budget.pictures:
        raise DataError(f"This .zip has {len(entries):,} entries, which are too many. Pack the pictures alone.")
    found = []
    for entry in entries:
        name = entry.filename.replace("\\", "/")
        parts = PurePosixPath(name).parts
        if name.startswith("/") or ".." in parts or re.match("[A-Za-z]:", name):
            raise DataError(f"This .zip names a path outside of itself ({name[:60]!r}). Make it anew.")
        if entry.is_dir() or not parts:
            continue
        if any(part.startswith(".") or part == "__MACOSX" for part in parts):
            left_out.add(name, "hidden")
        elif stat.S_ISLNK(entry.external_attr >> 16):
            left_out.add(name, "links, no files")
        elif not is_picture_name(parts[-1]):
            left_out.add(name, NO_PICTURE)
        elif len(parts) > DEEPEST:
            left_out.add(name, f"in more than {DEEPEST - 1} folders")
        else:
            found.append((entry, [_kept(part) for part in parts]))
    return found


def _folders_around(folders: list[Parts]) -> int:
    """How many folders all of them have in common, from the outermost on."""
    count = 0
    while folders and all(len(parts) > count and parts[count] == folders[0][count] for parts in folders):
        count += 1
    return count


def _kept(part: str) -> str:
    """One part of a path as it is kept: no sign that a system minds, and no more of them than it takes."""
    clean = "".join(sign if sign.isprintable() and sign not in FORBIDDEN else "_" for sign in part)
    clean = unicodedata.normalize("NFC", clean).lstrip(".").strip() or "_"
    stem, dot, suffix = clean.rpartition(".")
    stem, suffix = (stem, dot + suffix) if dot and len(suffix) < LONGEST_SUFFIX else (clean, "")
    while len(stem.encode()) > MOST_BYTES:
        stem = stem[:-1]
    return f"{stem or '_'}{suffix}"


def _write_one(
    name: str, parts: Parts, chunks: Iterable[bytes], folder: Path, budget: Budget, left_out: LeftOut
) -> None:
    """Write one picture where nothing lies yet; take it away again when it is none."""
    budget.take_picture()
    path = _free(folder.joinpath(*parts))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        left_out.add(name, "in a folder that has the name of a file")
        return
    with path.open("xb") as file:
        for chunk in chunks:
            budget.take_bytes(len(chunk))
            file.write(chunk)
    try:
        read_header(path)
    except BrokenPictureError as fault:
        budget.give_back(path.stat().st_size)
        path.unlink()
        left_out.add(name, f"cannot be read ({fault})")


def _free(path: Path) -> Path:
    """The path, or with a number the first that is free: two names may have become one."""
    number = 2
    free = path
    while free.exists():
        free = path.with_stem(f"{path.stem}-{number}")
        number += 1
    return free
