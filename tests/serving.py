"""The app in a process of its own."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PATIENCE = 60.0  # seconds until an app that has not started is given up
WITHOUT_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # whatever the environment says
APP_ON_OTHER_MODELS = """
import sys
from pathlib import Path

sys.path.insert(0, {root!r})
import streamlit as st
from starlette.middleware import Middleware

import vae.library
from ui.background import background
from ui.routes import routes
from ui.visitor import NamesVisitors

vae.library.RUNS = Path({runs!r})
vae.library.FOLDERS = (Path({models!r}), vae.library.RUNS)
app = st.App(
    {root!r} + "/pages/router.py", routes=routes, lifespan=background, middleware=[Middleware(NamesVisitors)]
)
"""


def app_on(models: Path, folder: Path) -> Path:
    """A script in `folder` that is the app, but on the models of another folder, and with its runs in `folder`/runs."""
    script = folder / "app.py"
    script.write_text(
        APP_ON_OTHER_MODELS.format(root=str(ROOT), models=str(models), runs=str(folder / "runs")), encoding="utf-8"
    )
    return script


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(script: Path, log: Path, port: int) -> subprocess.Popen[bytes]:
    """`streamlit run script`, its output added to `log`, once it answers; whoever asks ends it."""
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}"]
    options = ("--server.headless=true", "--server.fileWatcherType=none")
    with log.open("ab") as output:
        process = subprocess.Popen([*command, *options], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_for(f"http://localhost:{port}", process, log)
    except BaseException:
        process.kill()
        raise
    return process


@contextmanager
def serve(script: Path, log: Path) -> Iterator[str]:
    """The same on a free port: the address; stopped at the end."""
    port = free_port()
    with start(script, log, port) as process:
        try:
            yield f"http://localhost:{port}"
        finally:
            process.terminate()
    # Streamlit itself may complain about a page that was closed half-way; our own files may not be in any traceback.
    said = log.read_text()
    if "Traceback" in said and any(str(ROOT / room) in said for room in ("app.py", "pages", "ui", "vae")):
        pytest.fail(f"{script.name} ran into an error:\n{said[-4000:]}", pytrace=False)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with WITHOUT_PROXY.open(f"{url}/_stcore/health", timeout=PATIENCE):
                return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"The app did not start:\n{log.read_text()}", pytrace=False)
