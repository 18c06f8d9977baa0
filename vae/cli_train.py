"""Training on a terminal: a progress bar, a line an epoch, and a Ctrl-C that saves."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from vae.config import RunConfig, from_flat
from vae.errors import ConfigError
from vae.training import events
from vae.training.resume import saved_config
from vae.training.run import run


def train_and_show(settings: dict[str, Any], out: Path, resume: bool) -> None:
    """Run `train` to its end or to Ctrl-C. Raises what `run` raises, and ConfigError."""
    config = _resumed_config(settings, out) if resume else from_flat(settings)
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[speed]}"), TimeRemainingColumn())
    with _stop_on_interrupt() as stopping, Progress(*columns, console=console, transient=True) as bars:
        bar = bars.add_task("reading the data", total=None, speed="")
        for event in run(config, out, resume, stop=lambda: bool(stopping)):
            _show(event, config, out, console, bars, bar)


def _show(event: events.Event, config: RunConfig, out: Path, console: Console, bars: Progress, bar: TaskID) -> None:
    match event:
        case events.Started():
            bars.update(bar, total=event.epochs * event.images, completed=(event.first_epoch - 1) * event.images)
            console.print(f"{event.images:,} images, {event.parameters:,} parameters, {event.epochs} epochs")
        case events.Progress():
            bars.update(
                bar,
                description=f"epoch {event.epoch}",
                completed=(event.epoch - 1) * event.images + event.images_done,
                speed=f"{event.images_per_second:,.0f} images/s",
            )
        case events.EpochDone():
            console.print(f"epoch {event.epoch:3d}  {_terms(event, config)}  {event.images_per_second:,.0f} images/s")
        case events.Stopped():
            console.print(f"{event.reason}. Whole epochs kept: {event.epoch}.", highlight=False)
            console.print(f"Go on with: python -m vae train --out {out} --resume", highlight=False, soft_wrap=True)
        case events.Done():
            console.print(f"done: {event.epoch} epochs in {event.seconds:,.0f} s, in {out}", soft_wrap=True)


def _terms(event: events.EpochDone, config: RunConfig) -> str:
    if config.model.kind == "ae":
        return f"{config.model.loss} per image: train {-event.train.elbo:8.3f}  test {-event.test.elbo:8.3f}"
    test = event.test
    return (
        f"-ELBO: train {-event.train.elbo:8.2f}  test {-test.elbo:8.2f} "
        f"(reconstruction {-test.reconstruction:.2f} + KL {test.kl:.2f})"
    )


def _resumed_config(settings: dict[str, Any], out: Path) -> RunConfig:
    """The run's own settings; only a later end may be asked for."""
    config = saved_config(out)
    more = settings.pop("epochs", None)
    if settings:
        raise ConfigError(f"--resume keeps the run's own settings; leave out {', '.join(sorted(settings))}")
    if more is None:
        return config
    if config.training.schedule != "constant":
        raise ConfigError("epochs cannot change on --resume: the cosine schedule was laid out for the epochs it had")
    return config.model_copy(update={"training": config.training.model_copy(update={"epochs": more})})


@contextmanager
def _stop_on_interrupt() -> Iterator[list[int]]:
    """A list that is empty until Ctrl-C. A second Ctrl-C ends the program at once."""
    stopping: list[int] = []

    def remember(number: int, _frame: object) -> None:
        if stopping:
            raise KeyboardInterrupt
        stopping.append(number)

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield stopping
    finally:
        signal.signal(signal.SIGINT, before)
