"""Files that are either whole or not there."""

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path


def write_atomically(path: Path, data: bytes, durable: bool = True) -> None:
    """Replace `path` by `data` in one step: a reader, or a crash, sees the old file or the new one, never a part.

    Raises OSError naming `path` (disk full, no permission) with the old file untouched.
    """
    write_together({path: data}, durable)


def write_together(files: Mapping[Path, bytes], durable: bool = True) -> None:
    """Replace files that belong together, each in one step, in order, once all are whole on the disk.

    Unless `durable`, the disk is not waited for: a killed process loses nothing by it, a power cut may.

    Raises OSError naming the file that could not be written; a full disk leaves every old file untouched.
    """
    written: dict[Path, Path] = {}
    path = Path()
    try:
        for path, data in files.items():
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            written[path] = Path(name)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            written[path].chmod(0o644)
        for path, temporary in written.items():
            temporary.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error  # not the temporary's name
    finally:
        for temporary in written.values():
            temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path, names: Iterable[str]) -> None:
    """Remove what a process killed while writing files of these names left beside them; nobody may write them now."""
    for name in names:
        for temporary in folder.glob(f".{name}.*"):
            temporary.unlink(missing_ok=True)
