"""Training in a process of its own, an epoch at a time: how `benchmarks.training` lets two loops take turns.

No torch here: the process that only asks shall not weigh on the memory of those that train.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import IO

# What both loops train, as PyTorch's example has it.
DATA_SET, HIDDEN, LATENT, BATCH_SIZE, LEARNING_RATE = "mnist", 400, 20, 128, 1e-3
QUICK_EPOCHS, QUICK_RATE = 7, 4e-3  # the same with a cosine schedule, which takes a larger step at first

KIBIBYTES_A_UNIT = 1 / 1024 if sys.platform == "darwin" else 1  # of ru_maxrss


@dataclass(frozen=True)
class Epoch:
    images_per_second: float  # of training alone
    seconds: float  # training and test
    test_loss: float  # -ELBO, nats per image
    peak_megabytes: float = 0.0  # of the process, so far


def answer_requests(epochs: Iterator[Epoch]) -> None:
    """Run one epoch for each line that comes in, and put out what it took."""
    for _ in sys.stdin:
        epoch = asdict(next(epochs))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBIBYTES_A_UNIT / 1000
        print(json.dumps(epoch | {"peak_megabytes": peak}), flush=True)


class Trainer:
    """The other end: asks a process for its epochs."""

    def __init__(self, requests: IO[str], answers: IO[str]) -> None:
        self._requests, self._answers = requests, answers
        self.epochs: list[Epoch] = []

    @property
    def peak_megabytes(self) -> float:
        """Of the whole process, as it was after the last epoch."""
        return self.epochs[-1].peak_megabytes

    def train_one(self) -> Epoch:
        """Wait for one more epoch. Raises RuntimeError when the process has ended instead."""
        self._requests.write("next\n")
        self._requests.flush()
        answer = self._answers.readline()
        if not answer:
            raise RuntimeError("the training process ended; it said why above")
        self.epochs.append(Epoch(**json.loads(answer)))
        return self.epochs[-1]


@contextmanager
def trainer(module: str, *arguments: str) -> Iterator[Trainer]:
    """`python -m module arguments` as a Trainer, ended at the end."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Trainer(process.stdin, process.stdout)
        process.stdin.close()
