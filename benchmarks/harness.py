"""The app in a process of its own, and the browser that visits it."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.browser.conftest import launch_chromium

ROOT = Path(__file__).resolve().parents[1]
APP = ROOT / "app.py"
SLIDER_PAGE = ROOT / "benchmarks" / "slider_page.py"
CHECKPOINTS = ROOT / "checkpoints"
VIEWPORT: ViewportSize = {"width": 1360, "height": 900}
UNWATCHED = "--server.fileWatcherType=none"  # source files may change meanwhile; nothing shall reload
PATIENCE = 60.0  # seconds until something that should have come is given up


@dataclass(frozen=True)
class Server:
    """A `streamlit run`."""

    address: str
    process: psutil.Process
    started: float  # seconds since 1970, just before the process was made

    def wait(self) -> None:
        """Return once it answers. Raises TimeoutError when it does not."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.is_running():
            try:
                with urllib.request.urlopen(f"{self.address}/_stcore/health", timeout=PATIENCE):
                    return
            except OSError:
                time.sleep(0.01)
        raise TimeoutError(f"{self.address} did not answer within {PATIENCE:.0f} s")

    def has_torch(self) -> bool:
        """Whether torch's library is in the process's memory."""
        return any("libtorch" in Path(mapped.path).name for mapped in self.process.memory_maps())

    def cpu_seconds(self) -> float:
        """Processor time used so far."""
        times = self.process.cpu_times()
        return times.user + times.system


@contextmanager
def serve(script: Path = APP, *options: str) -> Iterator[Server]:
    """`streamlit run script options` on a free port, stopped at the end. It may not answer yet: see `Server.wait`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}"]
    fixed = ("--server.headless=true", "--logger.level=error")
    started = time.time()
    with subprocess.Popen([*command, *fixed, *options], cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            yield Server(f"http://localhost:{port}", psutil.Process(process.pid), started)
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
    """A page of a new context, with nothing cached, in which `scripts` run before the page's own."""
    context = browser.new_context(viewport=VIEWPORT)
    for script in scripts:
        context.add_init_script(script)
    yield context.new_page()
    context.close()
