"""Training on a terminal: a progress bar, a line an epoch, and a Ctrl-C that saves. SIGTERM does what Ctrl-C does."""

import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from vae.cli_options import option_name
from vae.config import CHANGEABLE, RunConfig, from_flat
from vae.errors import ConfigError, VaeError
from vae.terminal import console, progress
from vae.training import events
from vae.training.changes import with_epochs
from vae.training.controls import Controls, asked_for
from vae.training.machines import Machines
from vae.training.run import run, run_config
from vae.training.team import Gathering


def train_and_show(settings: dict[str, Any], out: Path, resume: bool, machines: Machines) -> None:
    """Run `train` to its end or to Ctrl-C. Raises what `run` raises, and ConfigError."""
    if machines.is_this_process_alone:
        _lead(settings, out, resume, None, machines.workers)
        return
    from vae.training import fabric  # which takes two seconds to import

    launched = fabric.launch(machines)
    if launched.is_global_zero:
        with fabric.leading():
            _lead(settings, out, resume, fabric.FabricGathering(launched, str(machines)), machines.workers)
            launched.barrier()  # where the others wait: see `follow`
    else:
        fabric.follow(launched, machines.workers)


def _lead(settings: dict[str, Any], out: Path, resume: bool, gathering: Gathering | None, workers: int) -> None:
    config, change = _resumed(settings, out) if resume else (from_flat(settings), None)
    screen = console()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[speed]}"), TimeRemainingColumn())
    with _stop_on_interrupt() as stopping, progress(screen, *columns) as bars:
        bar = bars.add_task("reading the data", total=None, speed="")
        for event in run(config, out, resume, lambda: bool(stopping), change, gathering, workers):
            _show(event, config, out, screen, bars, bar)


def _show(event: events.Event, config: RunConfig, out: Path, screen: Console, bars: Progress, bar: TaskID) -> None:
    match event:
        case events.Started() if config.model.kind == "pca":
            bars.update(bar, description="fitting", total=None)
            if event.first_epoch > event.epochs:
                screen.print("a PCA is fitted in one step, and this one is: there is nothing left to do")
        case events.EpochDone() if config.model.kind == "pca":
            screen.print(
                f"{config.model.latent_dim} principal components; squared error per image: "
                f"train {-event.train.elbo:.3f}  test {-event.test.elbo:.3f}"
            )
        case events.Done() if config.model.kind == "pca":
            screen.print(f"done: fitted in {event.seconds:.1f} s, in {out}", soft_wrap=True)
        case events.Started():
            bars.update(bar, total=event.epochs * event.images, completed=(event.first_epoch - 1) * event.images)
            screen.print(f"{event.images:,} images, {event.parameters:,} parameters, {event.epochs} epochs")
        case events.Progress():
            bars.update(
                bar,
                description=f"epoch {event.epoch}",
                completed=(event.epoch - 1) * event.images + event.images_done,
                speed=f"{event.images_per_second:,.0f} images/s",
            )
        case events.EpochDone():
            screen.print(f"epoch {event.epoch:3d}  {_terms(event, config)}  {event.images_per_second:,.0f} images/s")
        case events.Changed():
            name, old, new = event.name.replace("_", " "), _said(event.old), _said(event.new)
            screen.print(f"{name} = {new} from here on (was {old})")
        case events.GapMeasured():
            screen.print(
                f"after epoch {event.epoch}: log p(x) {event.log_evidence:.2f}  ELBO {event.elbo:.2f}  "
                f"gap {event.gap:.3f} +- {event.error:.3f}, {event.images} {'binarised ' * event.binarized}test images"
            )
        case events.Paused():
            bars.update(bar, speed="paused")
        case events.Stopped(diverged=True):
            raise VaeError(f"{event.reason}. Whole epochs kept in {out}: {event.epoch}.")
        case events.Stopped():
            screen.print(f"{event.reason}. Whole epochs kept: {event.epoch}.")
            screen.print(f"Go on with: python -m vae train --out {shlex.quote(str(out))} --resume", soft_wrap=True)
        case events.Done():
            screen.print(f"done: {event.epoch} epochs in {event.seconds:,.0f} s, in {out}", soft_wrap=True)


def _terms(event: events.EpochDone, config: RunConfig) -> str:
    if config.model.kind == "ae":
        return f"{config.model.loss} per image: train {-event.train.elbo:8.3f}  test {-event.test.elbo:8.3f}"
    test = event.test
    return (
        f"-ELBO: train {-event.train.elbo:8.2f}  test {-test.elbo:8.2f} "
        f"(reconstruction {-test.reconstruction:.2f} + KL {test.kl:.2f})"
    )


def _said(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _resumed(settings: dict[str, Any], out: Path) -> tuple[RunConfig, Controls | None]:
    """The run's own settings with another end, if one is given; and what is to be changed from here on."""
    others = sorted(settings.keys() - {"epochs", *CHANGEABLE})
    if others:
        raise ConfigError(f"--resume keeps the run's own settings; leave out {', '.join(map(option_name, others))}")
    config = run_config(out)
    if "epochs" in settings:
        config = with_epochs(config, settings["epochs"])
    changed = {name: value for name, value in settings.items() if name in CHANGEABLE}
    return config, asked_for(changed, config) if changed else None


@contextmanager
def _stop_on_interrupt() -> Iterator[list[int]]:
    """A list that is empty until Ctrl-C or SIGTERM. A second Ctrl-C ends the program at once."""
    stopping: list[int] = []

    def remember(number: int, _frame: object) -> None:
        if stopping and number == signal.SIGINT:
            raise KeyboardInterrupt
        stopping.append(number)

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
