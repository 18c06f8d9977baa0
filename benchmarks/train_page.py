"""The training page: how soon play shows a number, how the page answers meanwhile, and what training in it costs.

Run as `python -m benchmarks.train_page`. What is set beside: the page's answers while nothing trains, and the command
line with the same settings and threads, in turn with the page.
"""

import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from benchmarks.harness import CHECKPOINTS, ROOT, UNWATCHED, chromium, fresh_page, serve
from benchmarks.report import Figure, percentile, show
from benchmarks.train_visit import WATCH, TrainVisit, epochs_of
from tests.serving import app_on
from ui.train.form import FIRST, PRESETS, command_line
from vae.config import from_flat
from vae.jobs.processes import environment_of_runs
from vae.jobs.settings import JobSettings

ROUNDS = 5
WAIT = 12.0  # seconds that a person takes over the form
PRESSES = 20  # of each control
PAIRS = 11  # of runs, the page's and the command line's
EPOCHS = 100  # of those
MOST_UNTIL_NUMBER, MOST_ANSWER, MOST_UNTIL_SHIPPED, LEAST_SHARE = 3.0, 300.0, 60.0, 0.9  # the targets
SHIPPED = json.loads((CHECKPOINTS / "digits-vae-2d" / "card.json").read_text())["metrics"]["elbo"]
Times = dict[str, list[float]]


@contextmanager
def visiting(wait: float = WAIT) -> Iterator[TrainVisit]:
    """The page of a new server, opened in a fresh browser context, and `wait` seconds gone."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name,
        chromium() as browser,
        serve(app_on(CHECKPOINTS, Path(name)), UNWATCHED) as server,
        fresh_page(browser, WATCH) as page,
    ):
        server.wait()
        visit = TrainVisit(page, server.address, Path(name) / "runs")
        visit.open()
        page.wait_for_timeout(1000 * wait)
        yield visit


def until_number(wait: float) -> list[float]:
    """Seconds from play to the first number that moves, each on a server that has trained nothing yet."""
    found = []
    for _ in range(ROUNDS):
        with visiting(wait) as visit:
            found.append(visit.play())
            visit.stop()
    return found


def answers() -> tuple[Times, Times]:
    """Milliseconds from an input to its change on the screen, by control: during a training, and with it stopped."""
    with visiting() as visit:
        visit.set("Epochs", 1000, "epochs")
        visit.play()
        visit.page.locator(".live[data-epoch]").wait_for()
        visit.play_button.wait_for(state="hidden")  # the form folds away, and is opened again
        visit.page.get_by_text("A new run", exact=True).click()
        visit.play_button.wait_for()
        visit.wait_until(lambda: len(epochs_of(visit.folder)) >= 40)
        during = press_all(visit)
        visit.stop()
        return during, press_all(visit)


def press_all(visit: TrainVisit) -> Times:
    page = visit.page
    code, main_part = "[data-testid=stCode]", "[data-testid=stMain]"
    scrubber = page.get_by_role("slider", name="epoch", exact=True)
    presets = (("beta = 0", "--beta 0"), ("A plain autoencoder", "--model ae"))
    box = page.locator(".runs tbody").get_by_role("checkbox").first

    def field(turn: int) -> float:
        seed = page.get_by_label("Epochs", exact=True)
        seed.fill(str(50 + turn))
        return visit.timed(lambda: seed.press("Enter"), "keydown", code, f"--epochs {50 + turn} ")

    def pill(turn: int) -> float:
        name, holds = presets[turn % 2]
        return visit.timed(page.get_by_role("radio", name=name, exact=True).click, "click", code, holds)

    def scrub(turn: int) -> float:
        epoch = 8 * (1 + turn % 5)  # of a long run the film drops the odd epochs
        return visit.timed(lambda: scrubber.fill(str(epoch)), "input", ".live", f"^{epoch}$", "data-epoch")

    def choose(turn: int) -> float:
        holds = "Tick runs" if turn % 2 else "Settings for a new run"
        return visit.timed(box.click, "pointerdown", main_part, holds)

    controls: dict[str, Callable[[int], float]] = {
        "a field of the form": field,
        "a preset": pill,
        "the film's scrubber": scrub,
        "a row of the table": choose,
    }
    found: Times = {}
    for name, press in controls.items():
        found[name] = []
        for turn in range(PRESSES):
            page.wait_for_timeout(250 + 37 * (turn % 7))  # a person's pace, in step with nothing
            found[name].append(press(turn))
    return found


def until_shipped() -> tuple[float | None, float, float]:
    """Seconds from play to the epoch whose test ELBO is the shipped model's; the last ELBO; seconds to the end."""
    with visiting() as visit:
        pressed = time.time()
        visit.play()
        visit.wait_until(visit.is_over)
        ended, epochs = time.time(), epochs_of(visit.folder)
        reached = next((epoch["time"] for epoch in epochs if epoch["test"]["elbo"] >= SHIPPED), None)
        elbo = json.loads((visit.folder / "card.json").read_text())["metrics"]["elbo"]
        return reached and reached - pressed, elbo, ended - pressed


def rates() -> list[tuple[float, float]]:
    """Images per second of the page's runs and of the command line's, pair by pair, measuring and saving included.

    Both with the threads and the priority that a run has.
    """
    settings, pairs = JobSettings.from_environment(), []
    with visiting() as visit, tempfile.TemporaryDirectory() as name:
        for turn in range(PAIRS):
            visit.open()
            visit.set("Epochs", EPOCHS, "epochs")
            visit.play()
            visit.wait_until(visit.is_over)
            here = rate(visit.folder)
            visit.page.goto("about:blank")  # the command line has no page open
            out = Path(name) / str(turn)
            config = from_flat(PRESETS[FIRST] | {"epochs": EPOCHS})
            command = [sys.executable, *shlex.split(command_line(config, str(out)))[1:]]
            environment = environment_of_runs(settings)
            command = ["nice", f"-n{settings.niceness}", *command]  # else the neighbours' work is what is measured
            subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
            pairs.append((here, rate(out)))
    return pairs


def rate(folder: Path) -> float:
    epochs = epochs_of(folder)
    return 1437 * (len(epochs) - 1) / (epochs[-1]["time"] - epochs[0]["time"])


def number_figure(what: str, seconds: Sequence[float]) -> Figure:
    median = statistics.median(seconds)
    here = f"median {median:.2f} ({min(seconds):.2f} to {max(seconds):.2f})"
    return Figure(what, here, "", f"at most {MOST_UNTIL_NUMBER:g}", median <= MOST_UNTIL_NUMBER)


def answer_figures(during: Times, idle: Times) -> list[Figure]:
    def said(times: Sequence[float]) -> str:
        return f"median {statistics.median(times):.0f}, p95 {percentile(times, 95):.0f}"

    rows, beside = ({**side, "all of them": list(chain(*side.values()))} for side in (during, idle))
    target = f"p95 at most {MOST_ANSWER:g}"
    return [
        Figure(name, said(times), said(beside[name]), target, percentile(times, 95) <= MOST_ANSWER)
        for name, times in rows.items()
    ]


def main() -> None:
    only = sys.argv[1:]  # some of: number, answers, shipped, rates
    if not only or "number" in only:
        rows = [
            number_figure(f"the page has been open for {WAIT:g} s, a process waits", until_number(WAIT)),
            number_figure("pressed at once, on a server just started", until_number(0.0)),
        ]
        show("From play to the first number that moves, digits, seconds", rows)
    if not only or "answers" in only:
        rows = answer_figures(*answers())
        show("From an input to its change on the screen, milliseconds", rows, beside="nothing trains")
    if not only or "shipped" in only:
        seconds, elbo, ended = until_shipped()
        here = "not reached" if seconds is None else f"{seconds:.1f}"
        reached = seconds is not None and seconds <= MOST_UNTIL_SHIPPED
        what = f"until an epoch's test ELBO is digits-vae-2d's, {SHIPPED:.2f} nats"
        rows = [
            Figure(what, here, "", f"at most {MOST_UNTIL_SHIPPED:g}", reached),
            Figure("until the checkpoint lies there, and its test ELBO", f"{ended:.1f}, {elbo:.2f} nats"),
        ]
        show("The preset that the page opens with, from play, seconds", rows)
    if not only or "rates" in only:
        pairs = rates()
        share = statistics.median(here / beside for here, beside in pairs)
        here, beside = (statistics.median(side) for side in zip(*pairs, strict=True))
        threads = os.environ.get("OMP_NUM_THREADS") or JobSettings.from_environment().threads
        row = Figure(
            "with measuring and saving",
            f"{here:,.0f}: {share:.2f} times",
            f"{beside:,.0f}",
            f"at least {LEAST_SHARE:g} times",
            share >= LEAST_SHARE,
        )
        show(f"Images per second, digits, {threads} thread(s)", [row], beside="the command line")


if __name__ == "__main__":
    main()
