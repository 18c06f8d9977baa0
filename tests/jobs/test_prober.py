"""The process that forecasts for an app: it says what the forecast itself says, and an app outlives its end."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from made_runs import small

from vae.errors import ConfigError, RunError
from vae.jobs import prober
from vae.jobs.forecast import forecast
from vae.jobs.prober import Prober
from vae.jobs.sizes import parameters_of

ROOT = Path(__file__).parents[2]
PATIENCE = 120  # seconds, for a process that hangs


@pytest.fixture
def asked() -> Iterator[Prober]:
    made = Prober()
    yield made
    end(made)


def end(prober: Prober) -> None:
    if prober._process is not None:
        prober._process.kill()
        prober._process.wait()


def until(holds: Callable[[], bool]) -> None:
    given_up = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < given_up
        time.sleep(0.02)


def test_it_says_what_the_forecast_says_with_the_priority_of_a_run(
    asked: Prober, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_JOBS_NICENESS", "7")
    said, itself = asked.forecast(small()), forecast(small())
    assert (said.parameters, said.memory) == (itself.parameters, itself.memory)
    assert said.parameters == parameters_of(small())
    assert said.seconds > 0
    assert "images/s, measured on" in said.measured
    process = asked._process
    assert process is not None
    assert psutil.Process(process.pid).nice() == max(os.getpriority(os.PRIO_PROCESS, 0), 7)
    with pytest.raises(ConfigError, match="latent_dim = 65: there are no more principal components"):
        asked.forecast(small(kind="pca", latent_dim=65))
    assert asked._process is process
    process.kill()  # as when nobody had asked for a while
    process.wait()
    assert asked.forecast(small()).parameters == said.parameters


def test_one_that_cannot_live_is_told_of_and_leaves_nothing(asked: Prober, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prober, "COMMAND", (sys.executable, "-c", "raise SystemExit(3)"))
    for _ in range(2):
        with pytest.raises(RunError, match="ended before it could tell"):
            asked.forecast(small())
        assert asked._process is None


def test_one_that_nobody_asks_ends(asked: Prober, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import vae.forecasting as f; f.MOST_IDLE = 1; f.main()"
    monkeypatch.setattr(prober, "COMMAND", (sys.executable, "-c", code))
    before = asked.forecast(small())
    process = asked._process
    assert process is not None
    assert process.wait(PATIENCE) == -signal.SIGALRM
    assert asked.forecast(small()).parameters == before.parameters


def test_a_question_that_hangs_or_kills_is_not_asked_twice(asked: Prober, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import time, vae.forecasting as f; f.MOST_BUSY = 1; f.forecast = lambda config: time.sleep(600); f.main()"
    monkeypatch.setattr(prober, "COMMAND", (sys.executable, "-c", code))
    begun: list[object] = []
    begin = Prober._begin
    monkeypatch.setattr(Prober, "_begin", lambda self: begun.append(self) or begin(self))
    with pytest.raises(RunError, match="ended before it could tell"):
        asked.forecast(small())
    assert len(begun) == 1


APP = """
import json, os
from vae.config import RunConfig
from vae.jobs.prober import Prober
prober = Prober()
prober.forecast(RunConfig())
print(json.dumps(prober._process.pid), flush=True)
os.kill(os.getpid(), 9)  # the server dies
"""


def test_it_ends_with_the_app() -> None:
    app = subprocess.run([sys.executable, "-c", APP], cwd=ROOT, capture_output=True, text=True, check=False)
    assert app.returncode == -signal.SIGKILL
    pid = json.loads(app.stdout)
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
