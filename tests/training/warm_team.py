"""Teams as torchrun starts them, but each member is forked from a process that has spent its seconds on imports before.

`python -m tests.training.warm_team` is that process: it reads a team a line, forks it, and answers with its exit codes.
"""

import gc
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"


class Ended(NamedTuple):
    """The end of one member, and all that it printed."""

    code: int
    said: str


@dataclass(frozen=True)
class WarmProcess:
    """That process, for whoever wants a team."""

    process: subprocess.Popen[str]
    folder: Path
    patience: float

    def command(self, *words: object, members: int = 2) -> list[Ended]:
        """The end of each of so many processes that all run `python -m vae`, with these words."""
        from torch._C._distributed_c10d import TCPStore

        # The members meet at a store that the launcher holds, as those of torchrun do: no port is guessed.
        store = TCPStore(HOST, 0, is_master=True, wait_for_workers=False)
        outputs = [self.folder / f"{rank}.txt" for rank in range(members)]
        team = {"words": list(map(str, words)), "port": store.port, "outputs": list(map(str, outputs))}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(team) + "\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], self.patience)[0]:
            self.kill()
            raise TimeoutError("\n".join(output.read_text() for output in outputs if output.exists()))
        codes = json.loads(self.process.stdout.readline())
        return [Ended(code, output.read_text()) for code, output in zip(codes, outputs, strict=True)]

    def kill(self) -> None:
        """All members too: they are of the session that it began."""
        os.killpg(self.process.pid, signal.SIGKILL)


@contextmanager
def warm_process(folder: Path, patience: float) -> Iterator[WarmProcess]:
    """What the members print goes to `folder`. A team that has not ended after so many seconds is killed."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.training.warm_team"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        warm = WarmProcess(process, folder, patience)
        try:
            yield warm
        finally:
            warm.kill()


def main() -> None:
    from vae import cli
    from vae.config import from_flat
    from vae.training import fabric  # noqa: F401 (the command imports it when it runs)
    from vae.training.run import run

    with TemporaryDirectory() as folder:  # a run loads what runs load, the evaluation at its end too
        for _ in run(from_flat({"dataset": "digits", "hidden": (8,), "epochs": 1, "batch_size": 256}), Path(folder)):
            pass
    gc.freeze()  # what is loaded is shared with the members: none goes through it
    for line in sys.stdin:
        team = json.loads(line)
        members = []
        for rank, output in enumerate(team["outputs"]):
            members.append(os.fork())
            if members[-1] == 0:
                _become_member(rank, team["words"], team["port"], output, of=len(team["outputs"]))
                cli.main()
        print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(member, 0)[1]) for member in members]), flush=True)


def _become_member(rank: int, words: list[str], port: int, output: str, of: int) -> None:
    """From here on nothing tells this process from one that torchrun has started, but its command line."""
    with open(os.devnull, "rb") as nothing, open(output, "wb") as said:
        for given, taken in ((nothing, 0), (said, 1), (said, 2)):
            os.dup2(given.fileno(), taken)
    sys.argv[1:] = words
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "GROUP_RANK": "0",
        "WORLD_SIZE": str(of),
        "LOCAL_WORLD_SIZE": str(of),
        "MASTER_ADDR": HOST,
        "MASTER_PORT": str(port),
        "TORCHELASTIC_RUN_ID": "warm",
        "TORCHELASTIC_RESTART_COUNT": "0",
        "TORCHELASTIC_USE_AGENT_STORE": "True",
    }


if __name__ == "__main__":
    main()
