"""Pictures that a visitor brings: unpacked whole or not at all, into a folder of the visitor's own."""

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from vae.data import Survey, data_dir, path_of, survey
from vae.data.own import FOLDER
from vae.errors import BusyError, DataError, RunError
from vae.jobs.listing import list_runs
from vae.jobs.settings import JobSettings
from vae.jobs.unpacking import Budget, LeftOut, unpack, write_pictures
from vae.lock import locked

LONGEST_NAME = 60
MAKING, TRASH, LOCK = ".making-", ".trash-", ".lock"  # beside the sets
FORGOTTEN = 3600.0  # seconds after which what a killed process left half-made is removed
NOBODY = "your browser keeps no cookies, by which your pictures would be found again; allow them and load the page anew"


@dataclass(frozen=True)
class Upload:
    """One set that a visitor brought; `name` is what they call it, and its folder's name."""

    name: str
    folder: Path

    @property
    def dataset(self) -> str:
        """As `vae.data.load` knows it."""
        return f"{FOLDER}{self.folder}"


def uploads_of(visitor: str | None) -> list[Upload]:
    """What the visitor brought, by name."""
    folder = _folder_of(visitor)
    if folder is None or not folder.is_dir():
        return []
    found = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return sorted((Upload(path.name, path) for path in found), key=lambda upload: upload.name)


def is_upload_of(dataset: str, visitor: str | None) -> bool:
    """Whether the data set is one that this visitor brought."""
    folder = _folder_of(visitor)
    if folder is None or not dataset.startswith(FOLDER):
        return False
    try:
        path = path_of(dataset)
    except DataError:
        return False
    return path.parent == folder and not path.name.startswith(".") and os.path.isdir(path) and not path.is_symlink()


def bring(
    name: str, files: Sequence[tuple[str, BinaryIO]], visitor: str | None, settings: JobSettings
) -> tuple[Upload, Survey, LeftOut]:
    """Keep pictures (name, content), or the one .zip there is, as a set of the visitor's: the set, what was understood
    of it, and what was left out of it.

    What is refused, or ends half-way, leaves nothing; a set of the same name stays, and the new one gets a number.

    Raises DataError for what is no set of pictures or more than the host takes; OSError when it cannot be written.
    """
    folder = _folder_of(visitor)
    if folder is None:
        raise DataError(f"Your pictures cannot be kept: {NOBODY}.")
    if not files:
        raise DataError("There is nothing to keep. Choose several pictures, or one .zip.")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with locked(folder / LOCK):
            whole, left_out = _brought(name, files, folder, settings)
    except BusyError:
        raise DataError("Other pictures of yours are being unpacked; wait for their end.") from None
    return Upload(whole.name, whole), survey(whole), left_out


def _brought(
    name: str, files: Sequence[tuple[str, BinaryIO]], folder: Path, settings: JobSettings
) -> tuple[Path, LeftOut]:
    """The new set's folder, in place once it is whole."""
    _sweep(folder)
    kept = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    budget = Budget(settings.most_pictures, settings.most_upload_bytes - kept)
    zips = [(file_name, file) for file_name, file in files if file_name.lower().endswith(".zip")]
    if zips and len(files) > 1:
        raise DataError("Choose either several pictures or a single .zip, not both.")
    made = Path(tempfile.mkdtemp(dir=folder, prefix=MAKING))
    try:
        left_out = unpack(zips[0][1], made, budget) if zips else write_pictures(files, made, budget)
        _check_understood(made, left_out)
        made.chmod(0o755)
        whole = _free_name(folder, _sane(name or (Path(zips[0][0]).stem if zips else "")))
        made.rename(whole)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return whole, left_out


def _check_understood(folder: Path, left_out: LeftOut) -> None:
    try:
        survey(folder)
    except DataError as fault:
        said = str(fault).replace(str(folder), "What you chose")
        raise DataError(" ".join([said, *(f"Left out: {sentence}." for sentence in left_out.sentences())])) from None


def delete_upload(upload: Upload, runs: Path) -> None:
    """Remove a set. Raises RunError while a run trains on it, or waits to; OSError."""
    for run in list_runs(runs):
        goes_on = run.is_at_work or run.state.status == "queued"
        if goes_on and run.config is not None and run.config.dataset == upload.dataset:
            raise RunError(f"{run.id} trains on {upload.name}; stop it first")
    gone = Path(tempfile.mkdtemp(dir=upload.folder.parent, prefix=TRASH))
    with suppress(FileNotFoundError):  # another tab was quicker
        upload.folder.rename(gone / "set")
    shutil.rmtree(gone, ignore_errors=True)


def _folder_of(visitor: str | None) -> Path | None:
    """Where the visitor's sets lie. Not by the visitor's own name, which is a secret, and a path is none."""
    if visitor is None:
        return None
    return Path(os.path.abspath(data_dir())) / "uploads" / hashlib.sha256(visitor.encode()).hexdigest()[:20]


def _sane(name: str) -> str:
    """A name as a folder may have it: letters, digits and a few signs."""
    kept = re.sub(r"[^\w .()+-]+", " ", name)
    return re.sub(r"\s+", " ", kept).strip(" .")[:LONGEST_NAME].strip(" .") or "my images"


def _free_name(folder: Path, name: str) -> Path:
    """Where the set comes to lie: by its name, or with the first number that is free."""
    whole, number = folder / name, 2
    while whole.exists():
        whole, number = folder / f"{name} {number}", number + 1
    return whole


def _sweep(folder: Path) -> None:
    for left in folder.iterdir():
        if left.name.startswith((MAKING, TRASH)) and time.time() - left.stat().st_mtime > FORGOTTEN:
            shutil.rmtree(left, ignore_errors=True)
