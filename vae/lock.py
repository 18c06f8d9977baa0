"""One process at a time: a lock that the system lets go of when its holder ends, however it ends."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vae.errors import BusyError

LOOK_AGAIN = 0.02  # seconds


@contextmanager
def locked(path: Path, patience: float = 2.0) -> Iterator[None]:
    """Hold the lock of `path`, a file that is made when it is missing and stays, empty, when the lock is let go.

    A file without a holder locks nothing, so none is ever stale. Raises BusyError after `patience` seconds, OSError
    when the file cannot be made.
    """
    given_up = time.monotonic() + patience
    with path.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= given_up:
                    raise BusyError(f"{path} is held by another process; wait for it, or stop it") from None
                time.sleep(LOOK_AGAIN)
        yield
