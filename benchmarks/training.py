"""This library's training loop beside that of PyTorch's own VAE example: the same network, epochs in turn.

Run as `python -m benchmarks.training [--epochs 10]`. Each loop has a process of its own; one waits while the other
works, so that a busy machine slows both alike.
"""

import argparse
import statistics
from collections.abc import Sequence
from itertools import accumulate

from rich.progress import track

from benchmarks.report import Figure, show
from benchmarks.training_epochs import BATCH_SIZE, QUICK_EPOCHS, QUICK_RATE, Epoch, trainer

EPOCHS = 10  # as the example has it
DEFAULT_EPOCHS = 3  # for their speed alone
LEAST_TIMES_FASTER = 3.0  # the target, for speed and for time


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of the example, and then its test loss counts")
    epochs = parser.parse_args().epochs
    with (
        trainer("benchmarks.training_example") as example,
        trainer("benchmarks.training_ours", "alike") as alike,
        trainer("benchmarks.training_ours", "quick") as quick,
        trainer("benchmarks.training_ours", "default") as default,
    ):
        for done in track(range(epochs), "epochs", transient=True):
            for loop, most in ((example, epochs), (alike, epochs), (quick, QUICK_EPOCHS), (default, DEFAULT_EPOCHS)):
                if done < most:
                    loop.train_one()
        goal = example.epochs[-1].test_loss
        while min(epoch.test_loss for epoch in alike.epochs) > goal and len(alike.epochs) < 2 * epochs:
            alike.train_one()
    schedule = f"{QUICK_EPOCHS} epochs of cosine schedule from {QUICK_RATE:g}"
    rows = [
        speed("images per second", alike.epochs, example.epochs),
        speed("the same in batches of 256, the default here", default.epochs, example.epochs),
        Figure(f"test loss after {epochs} epochs, nats", f"{alike.epochs[epochs - 1].test_loss:.2f}", f"{goal:.2f}"),
        time_to_loss("until that loss of the example", alike.epochs, example.epochs),
        time_to_loss(f"the same, {schedule}", quick.epochs, example.epochs),
        Figure("peak memory of the process, MB", f"{alike.peak_megabytes:,.0f}", f"{example.peak_megabytes:,.0f}"),
    ]
    show(f"Training on MNIST, 784-400-20, batches of {BATCH_SIZE}", rows, beside="PyTorch's example")


def speed(what: str, ours: Sequence[Epoch], example: Sequence[Epoch]) -> Figure:
    """Images per second of training: medians, and the median ratio of epochs that stood side by side."""
    pairs = list(zip(ours, example, strict=False))
    here, beside = (statistics.median(epoch.images_per_second for epoch in side) for side in zip(*pairs, strict=True))
    faster = statistics.median(a.images_per_second / b.images_per_second for a, b in pairs)
    target = f"at least {LEAST_TIMES_FASTER:g} times"
    return Figure(what, f"{here:,.0f}: {faster:.1f} times", f"{beside:,.0f}", target, faster >= LEAST_TIMES_FASTER)


def time_to_loss(what: str, ours: Sequence[Epoch], example: Sequence[Epoch]) -> Figure:
    """The time, test passes included, until the test loss is down to where the example ended."""
    target = f"at most 1/{LEAST_TIMES_FASTER:g} of the time"
    goal, their_time = example[-1].test_loss, sum(epoch.seconds for epoch in example)
    beside = f"{their_time:.1f} s, {len(example)} epochs"
    for count, (epoch, seconds) in enumerate(zip(ours, accumulate(each.seconds for each in ours), strict=True), 1):
        if epoch.test_loss <= goal:
            share = seconds / their_time
            here = f"{seconds:.1f} s, {count} epochs: {share:.2f} of the time"
            return Figure(what, here, beside, target, share <= 1 / LEAST_TIMES_FASTER)
    return Figure(what, f"not reached in {len(ours)} epochs", beside, target, False)


if __name__ == "__main__":
    main()
