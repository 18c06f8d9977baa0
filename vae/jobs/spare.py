"""One process that has loaded what training needs and waits for a run, so that whoever presses play does not.

It begins once somebody is likely to press play, and ends with the app, or when nobody has been for a while. An app has
at most one.
"""

import json
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock

COMMAND = (sys.executable, "-m", "vae.waiting")


class Spare:
    """May be asked by several threads at once. Its priority is the app's own until it has a run."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._loading: subprocess.Popen[bytes] | None = None
        self._environment: Mapping[str, str] = {}
        self._had_room = False
        self._wanted_until = float("-inf")  # monotonic seconds

    def want(self, seconds: float) -> None:
        """Somebody may start a run within so many seconds from now: begins at once where `keep` last found room."""
        with self._lock:
            self._wanted_until = time.monotonic() + seconds
            if self._had_room and self._process is None:
                self._keep(True, self._environment)

    def keep(self, room: bool, environment: Mapping[str, str]) -> None:
        """Start the process when it is wanted and there is `room` for a run; let it go when it is not."""
        with self._lock:
            self._had_room = room
            self._keep(room, environment)

    def take(self, folder: Path, environment: Mapping[str, str], niceness: int) -> subprocess.Popen[bytes] | None:
        """Give the run in `folder` to the process, which lowers its priority once it has loaded all.

        None when there is no process, or none with these threads and settings.
        """
        with self._lock:
            process = self._process
            if process is None or self._is_let_go() or process.poll() is not None:
                return None
            if _of_weight(environment) != _of_weight(self._environment):
                self._let_go()
                return None
            assert process.stdin is not None
            self._process = None
            try:
                process.stdin.write(json.dumps([str(folder), niceness]).encode() + b"\n")
                process.stdin.close()
            except OSError:
                return None  # it ended just now
            return process

    def is_loading(self) -> bool:
        """Whether a process loads just now, be it for a run that it has been given meanwhile."""
        with self._lock:
            process = self._loading
            if process is None or process.stdout is None:
                return False
            said = select.poll()  # unlike select(), for any number of open files
            said.register(process.stdout, select.POLLIN)
            if process.poll() is None and not said.poll(0):
                return True
            process.stdout.close()
            self._loading = None
            return False

    def _keep(self, room: bool, environment: Mapping[str, str]) -> None:
        if self._process is not None and self._process.poll() is not None:
            if not self._is_let_go():
                self._wanted_until = float("-inf")  # it could not even wait: another one would not fare better
            self._process = None
        wanted = room and time.monotonic() < self._wanted_until
        if self._process is None:
            self._environment = dict(environment)
        if wanted and self._process is None:
            self._start()
        elif not wanted:
            self._let_go()

    def _start(self) -> None:
        if self._loading is not None and self._loading.stdout is not None:
            self._loading.stdout.close()  # nobody has asked since it had loaded
        with suppress(OSError):  # without one a run begins too, only later
            self._process = self._loading = subprocess.Popen(
                COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=self._environment,
                start_new_session=True,  # as a run it outlives this process
            )

    def _let_go(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()  # the end of its input is the end of its waiting

    def _is_let_go(self) -> bool:
        return self._process is not None and self._process.stdin is not None and self._process.stdin.closed


def _of_weight(environment: Mapping[str, str]) -> dict[str, str]:
    """What a run goes by. Libraries, once imported, add to the environment what is of no weight."""
    return {name: value for name, value in environment.items() if name.startswith("VAE_") or name.endswith("_THREADS")}
