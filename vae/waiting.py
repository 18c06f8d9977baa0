"""`python -m vae.waiting`: loads what training needs, waits for a run, and is from then on `python -m vae train`.

Says when it has loaded all, and reads one line: the run's folder and niceness as JSON. The end of the input instead
means that nobody needs it any more. See `vae.jobs.spare`.
"""

import json
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from vae import cli
from vae.training.journal import LOG


def main() -> None:
    load_all()
    with suppress(OSError):  # the app may be gone, and have left a run
        os.write(sys.stdout.fileno(), b"loaded\n")
    line = sys.stdin.readline()
    if not line.endswith("\n"):
        return
    folder, niceness = json.loads(line)
    os.setpriority(os.PRIO_PROCESS, 0, max(os.getpriority(os.PRIO_PROCESS, 0), niceness))
    become_run(Path(folder))


def load_all() -> None:
    """Train an epoch of something small: that loads what training loads, by the very way that training takes."""
    from vae.cli_train import run  # as the command imports it when it runs
    from vae.config import from_flat
    from vae.training.events import Saved

    small = from_flat({"dataset": "digits", "hidden": (8,), "epochs": 1, "batch_size": 256})
    with tempfile.TemporaryDirectory() as folder:
        next(event for event in run(small, Path(folder)) if isinstance(event, Saved))  # the end can load its own


def become_run(folder: Path) -> None:
    """From here on nothing tells this process from one that was started for the run, but its command line."""
    with open(os.devnull, "rb") as nothing, (folder / LOG).open("ab") as log:
        for given, taken in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(given.fileno(), taken)
    sys.argv[1:] = ["train", "--out", str(folder), "--resume"]
    cli.main()


if __name__ == "__main__":
    main()
