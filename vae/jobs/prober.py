"""Forecasts by a process of its own, so that the app need not load torch, and answers others while a run is probed."""

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock

from vae.config import RunConfig
from vae.errors import ConfigError, RunError
from vae.jobs.processes import environment_of_runs, lower_priority
from vae.jobs.settings import JobSettings

COMMAND = (sys.executable, "-m", "vae.forecasting")


@dataclass(frozen=True)
class Forecast:
    parameters: int
    memory: int  # bytes, about
    seconds: float  # from the start to the checkpoint
    measured: str  # how, as a sentence


class Prober:
    """May be asked by several threads at once; each waits for the one before, as two probes would measure each other.

    The process begins when it is first asked, and ends with the app or when nobody has asked for a while.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[str] | None = None

    def forecast(self, config: RunConfig) -> Forecast:
        """What a run of `config` will take here.

        Raises ConfigError for a model or images that cannot be, RunError when the process did not live to tell.
        """
        with self._lock:
            if self._process is None or self._process.poll() is not None:  # nobody had asked it for a while
                self._end()
                self._process = self._begin()
            answer = self._ask(self._process, config)
            if answer is None:
                self._end()
        if answer is None:
            raise RunError("the process that probes it ended before it could tell; the model may be too large for here")
        said = json.loads(answer)
        if "error" in said:
            raise ConfigError(said["error"])
        return Forecast(**said)

    def _begin(self) -> subprocess.Popen[str]:
        settings = JobSettings.from_environment()
        process = subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment_of_runs(settings),
            start_new_session=True,  # an interrupt at the app's terminal is the app's
        )
        lower_priority(process.pid, settings.niceness)
        return process

    def _ask(self, process: subprocess.Popen[str], config: RunConfig) -> str | None:
        """The line that it answers; None when it ends instead."""
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(config.model_dump_json() + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except OSError:
            return None
        return answer if answer.endswith("\n") else None

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):  # what was not written is for nobody
                if stream is not None:
                    stream.close()


_prober = Prober()


def forecast_apart(config: RunConfig) -> Forecast:
    """The forecast of this app's prober; see `Prober.forecast`."""
    return _prober.forecast(config)
