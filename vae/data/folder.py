"""Where image files lie, and how a fault in reading or writing one is told to the person."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vae.errors import DataError


def data_dir() -> Path:
    """The folder of the image sets: `VAE_DATA_DIR`, or else `data` beside the package."""
    chosen = os.environ.get("VAE_DATA_DIR")
    return Path(chosen).expanduser() if chosen else Path(__file__).parents[2] / "data"


def read_bytes(path: Path) -> bytes | None:
    """The whole file, or None when there is no such file.

    Raises:
        DataError: something lies there but cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise DataError(
            f"{path} cannot be read ({fault.strerror or fault}). Make it a file that you may read, or set "
            "VAE_DATA_DIR to another folder."
        ) from fault


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Make `folder` and turn a fault in writing there into a DataError that names it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as fault:
        raise DataError(
            f"The folder {folder} cannot be written to ({fault.strerror or fault}). Make room or allow it, or set "
            "VAE_DATA_DIR to another folder."
        ) from fault


def one_line(fault: Exception) -> str:
    """What a library said went wrong, fit to stand inside a sentence."""
    return " ".join(str(fault).split()).rstrip(".") or type(fault).__name__
