"""Checkpoints that many machines share: a folder wherever fsspec reaches, s3://, gs://, ssh:// or a plain path.

A name is published once. Its card comes last and is what readers look for: they find a whole checkpoint or none.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec

from vae.card import CARD, Card, parse_card, read_card
from vae.codes import LATENTS
from vae.data import is_own, plain_name
from vae.errors import CheckpointError, StoreError
from vae.files import write_atomically

WEIGHTS = "weights.safetensors"
IN_ORDER = (WEIGHTS, LATENTS, CARD)


def publish(folder: Path, url: str) -> str:
    """Copy the checkpoint in `folder` to the store at `url`, under its own name: its address there.

    Of images of one's own the published card names the folder, and not where it lies on this machine.

    Raises CheckpointError for what is no checkpoint, StoreError when the name is taken or the store does not answer.
    """
    card = read_card(folder)
    contents = {name: _local(folder / name) for name in IN_ORDER}
    if is_own(card.config.dataset):
        contents[CARD] = _without_path(card).model_dump_json(indent=2).encode()
    name = folder.resolve().name
    with _store(url) as (files, root):
        target = f"{root}/{name}"
        if files.exists(f"{target}/{CARD}"):
            raise StoreError(f"{url} has a model named {name} already; a name is published once, so rename the folder")
        files.makedirs(target, exist_ok=True)
        for file, content in contents.items():
            files.pipe_file(f"{target}/{file}", content)
    return f"{url.rstrip('/')}/{name}"


def mirror(url: str, into: Path) -> list[str]:
    """Make `into` hold what the store at `url` holds: the names that came new.

    What has gone from the store goes here too. A checkpoint that cannot be read is left out, and a store that cannot
    be reached changes nothing.

    Raises StoreError when the store does not answer; OSError when nothing can be written here.
    """
    into.mkdir(parents=True, exist_ok=True)
    with _store(url) as (files, root):
        published = {PurePosixPath(card).parent.name for card in files.glob(f"{root}/*/{CARD}")}
        wanted = {name for name in published if _is_plain(name)}
        here = {card.parent.name for card in into.glob(f"*/{CARD}")}
        fetched = [name for name in sorted(wanted - here) if _fetch(files, f"{root}/{name}", into / name)]
    for name in here - wanted:
        _remove(into / name)
    return fetched


def _fetch(files: Any, source: str, target: Path) -> bool:
    """Whole, or not at all."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as made:
        folder = Path(made) / target.name
        folder.mkdir()
        try:
            contents = {name: files.cat_file(f"{source}/{name}") for name in IN_ORDER}
            parse_card(contents[CARD], f"{source}/{CARD}")
        except (FileNotFoundError, CheckpointError):
            return False
        for name, content in contents.items():
            write_atomically(folder / name, content)
        folder.rename(target)
    return True


def _remove(folder: Path) -> None:
    gone = Path(tempfile.mkdtemp(dir=folder.parent, prefix="."))
    folder.rename(gone / folder.name)  # at once, so that nobody reads half a checkpoint
    shutil.rmtree(gone, ignore_errors=True)


def _local(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}; the checkpoint is incomplete") from None


def _without_path(card: Card) -> Card:
    config = card.config.model_copy(update={"dataset": plain_name(card.config.dataset)})
    return card.model_copy(update={"config": config})


def _is_plain(name: str) -> bool:
    return 0 < len(name) <= 255 and not name.startswith(".") and not set(name) & set("/\\\0")


@contextmanager
def _store(url: str) -> Iterator[tuple[Any, str]]:
    """The file system of `url` and the path on it. Whatever it raises becomes a StoreError that names `url`."""
    try:
        files, root = fsspec.core.url_to_fs(url)
        files.invalidate_cache()  # others write there too
        yield files, root.rstrip("/")
    except (StoreError, CheckpointError):
        raise
    except ImportError as error:
        raise StoreError(f"{url} needs a package that is not installed: {error}") from None
    except Exception as error:  # each kind of store has errors of its own
        raise StoreError(f"the store {url} does not answer as it should: {_one_line(error)}") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
