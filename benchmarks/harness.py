"""What the benchmarks share: the app in a process of its own, Chromium, the table, the machine in words."""

import os
import platform
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psutil
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from rich import box
from rich.console import Console
from rich.table import Table

from tests.browser.conftest import launch_chromium

ROOT = Path(__file__).resolve().parents[1]
APP = ROOT / "app.py"
CHECKPOINTS = ROOT / "checkpoints"
PREFERRED_MODELS = ("mnist-vae-2d", "digits-vae-2d")
VIEWPORT = {"width": 1360, "height": 900}
PATIENCE = 60.0  # seconds until something that should have come is given up


@dataclass(frozen=True)
class Figure:
    """One row of a table: a figure, what it stands beside in the same run, and what it should be."""

    what: str
    here: str
    beside: str = ""
    target: str = ""
    reached: bool | None = None


@dataclass(frozen=True)
class Server:
    """A running `streamlit run`."""

    address: str
    process: psutil.Process
    started: float  # seconds since 1970, just before the process was made

    def wait(self) -> None:
        """Return once it answers. Raises TimeoutError when it does not."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=PATIENCE):
                    return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.005)
        raise TimeoutError(f"{self.address} did not answer within {PATIENCE:.0f} s")

    def has_torch(self) -> bool:
        """Whether torch's library is in the process's memory."""
        return any("libtorch" in Path(mapped.path).name for mapped in self.process.memory_maps())


@contextmanager
def serve(script: Path = APP, *arguments: str) -> Iterator[Server]:
    """`streamlit run script -- arguments` on a free port; stopped at the end. It may not answer yet: see `Server.wait`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}"]
    options = ("--server.address=127.0.0.1", "--server.headless=true", "--server.fileWatcherType=none")
    started = time.time()
    with subprocess.Popen([*command, *options, "--", *arguments], cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            yield Server(f"http://127.0.0.1:{port}", psutil.Process(process.pid), started)
        finally:
            process.terminate()


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        yield browser
        browser.close()


@contextmanager
def fresh_page(browser: Browser, *scripts: str) -> Iterator[Page]:
    """A page of a new context (no cookie, nothing cached) in which `scripts` run before anything else."""
    context: BrowserContext = browser.new_context(viewport=VIEWPORT)  # pyright: ignore[reportArgumentType]
    for script in scripts:
        context.add_init_script(script)
    yield context.new_page()
    context.close()


def model_at_hand() -> str:
    """The model the 28x28 figures are for, or the nearest to it that is there."""
    return next(name for name in PREFERRED_MODELS if (CHECKPOINTS / name / "card.json").is_file())


def percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def show(title: str, figures: Sequence[Figure], note: str = "") -> None:
    """Print one benchmark's table."""
    table = Table(title=title, title_justify="left", title_style="bold", caption=note, caption_justify="left", box=box.SIMPLE)
    table.add_column("figure", overflow="fold")
    for column in ("here", "beside it", "target"):
        table.add_column(column, overflow="fold")
    table.add_column("")
    for figure in figures:
        verdict = "" if figure.reached is None else "[green]reached[/]" if figure.reached else "[red]missed[/]"
        table.add_row(figure.what, figure.here, figure.beside, figure.target, verdict)
    # Not a terminal: wide enough that no cell is broken.
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def machine(browser: Browser) -> str:
    """The machine in words: enough to read the figures by."""
    memory = psutil.virtual_memory().total / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "streamlit"))
    return (
        f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB of memory; "
        f"Python {platform.python_version()}, {packages}, Chromium {browser.version}"
    )
