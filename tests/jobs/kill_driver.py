"""Trains one run again and again in processes that are killed, and prints what was found after each kill.

A script of its own: torch is loaded once, and every process that trains is a fork. Takes a folder, how many kills, the
number of epochs, a seed, and whether saves are slowed down so that most kills fall into one. Prints one JSON object for
each process: what lay in the run's folder after it. A run that ends too early is followed by another.
"""

import json
import mmap
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

from safetensors import safe_open

from vae import checkpoint, files
from vae.config import RunConfig, from_flat
from vae.training.journal import CONFIG, STATE, film_frames, read_events, read_state
from vae.training.run import run

SAVING = mmap.mmap(-1, 1)  # shared with the forks: 1 while files are being written
SLOW = 0.01  # seconds, for each of the two halves of a slowed save
LONGEST_LIFE = 0.5  # seconds


def settings(epochs: int) -> RunConfig:
    return from_flat({"dataset": "digits", "hidden": (12,), "epochs": epochs, "schedule": "cosine", "beta": 2.0})


def slow_saves() -> None:
    together = files.write_together
    fsync, replace = os.fsync, Path.replace

    def slow_fsync(handle: int) -> None:
        time.sleep(SLOW)
        fsync(handle)

    def slow_replace(path: Path, target: Path) -> Path:
        time.sleep(SLOW)
        return replace(path, target)

    def told(*arguments: object, **options: object) -> None:
        SAVING[0] = 1
        together(*arguments, **options)  # type: ignore[arg-type]
        SAVING[0] = 0

    os.fsync, Path.replace = slow_fsync, slow_replace  # type: ignore[assignment]
    files.write_together = checkpoint.write_together = told  # type: ignore[assignment]


def fork(config: RunConfig, folder: Path) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            for _ in run(config, folder, resume=(folder / CONFIG).exists()):
                pass
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return pid


def found(folder: Path) -> dict[str, object]:
    """What a reader finds in the folder, every file of it read whole."""
    said: dict[str, object] = {"saving": bool(SAVING[0]), "epoch": 0, "log": [], "frames": []}
    if (folder / "resume.safetensors").exists():
        with safe_open(folder / "resume.safetensors", framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 (no mapping)
                file.get_tensor(name)
            said["epoch"] = int(file.metadata()["epoch"])
    if (folder / STATE).exists():
        said["status"] = read_state(folder).status
    events = read_events(folder)
    said["log"] = sorted({event["epoch"] for event in events.events if event["event"] == "epoch_done"})
    for frame in film_frames(folder).values():
        with safe_open(frame, framework="pt") as file:
            file.get_tensor("mu")
    said["frames"] = list(film_frames(folder))
    return said


def wait_for_a_save(pid: int) -> None:
    """Or for its end."""
    while not SAVING[0] and os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        time.sleep(SLOW / 10)


def main(runs: Path, kills: int, epochs: int, seed: int, saves: str) -> None:
    moments = random.Random(seed)
    config = settings(epochs)
    done = ended = 0
    while True:
        folder = runs / f"run{ended}"
        SAVING[0] = 0
        pid = fork(config, folder)
        if done < kills:
            if saves == "slow" and done % 2 == 0:
                wait_for_a_save(pid)
                time.sleep(moments.uniform(0, SLOW))
            else:
                time.sleep(moments.uniform(0, LONGEST_LIFE))
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        killed = os.WIFSIGNALED(status)
        print(json.dumps({"run": folder.name, "killed": killed} | found(folder)), flush=True)
        if killed:
            done += 1
        elif status:
            sys.exit(f"{folder} ended with exit code {os.waitstatus_to_exitcode(status)}")
        elif done == kills:
            return
        else:
            ended += 1  # it was too quick to be killed: another one


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:  # what is loaded now need not be loaded in every fork
        list(run(settings(1), Path(name) / "run"))
    if sys.argv[5] == "slow":
        slow_saves()
    main(Path(sys.argv[1]), *map(int, sys.argv[2:5]), saves=sys.argv[5])
