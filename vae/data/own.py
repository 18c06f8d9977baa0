"""Names of sets that a person brings: `folder:PATH`, a folder of pictures, and `npz:PATH`, a file of arrays."""

import os
from pathlib import Path

from vae.errors import DataError

FOLDER, NPZ = "folder:", "npz:"
LICENCE, CREDIT = "your own", "your own images"


def is_own(name: str) -> bool:
    """Whether it names images that a person brings, by where they lie."""
    return name.startswith((FOLDER, NPZ))


def path_of(name: str) -> Path:
    """Where the images of an own set lie, absolute. `~` and `~/` at the start stand for the home folder.

    Raises DataError when no path is given.
    """
    kind, _, text = name.partition(":")
    if not text or "\0" in text:
        raise DataError(f"{name!r} names no path. Write {kind}:PATH, such as {kind}:~/pictures.")
    path = Path.home() / text[2:] if text == "~" or text.startswith("~/") else Path(text)
    return Path(os.path.abspath(path))


def plain_name(name: str) -> str:
    """The name of a set without the path of an own one, fit to be shown to others: `folder:pets`."""
    if not is_own(name):
        return name
    kind, _, text = name.partition(":")
    return f"{kind}:{printable(os.path.basename(os.path.normpath(text)))}"


def lasting_name(name: str) -> str:
    """The name by which the same images are found from any working directory. Raises DataError as `path_of`."""
    return f"{name.partition(':')[0]}:{path_of(name)}" if is_own(name) else name


def printable(text: str) -> str:
    """A file's name as text: a byte that is none, or a sign that prints nothing, becomes a question mark."""
    sound = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(sign if sign.isprintable() else "?" for sign in sound)
