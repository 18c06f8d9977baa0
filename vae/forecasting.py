"""`python -m vae.forecasting`: forecasts runs for an app, which need not load torch then.

Reads a config a line as JSON, and answers each in a line: a forecast, or a sentence that says why there is none. Ends
with its input, or when nobody has asked for a while. See `vae.jobs.prober`.
"""

import json
import os
import signal
import sys
from dataclasses import asdict
from typing import Any

from vae.config import RunConfig
from vae.errors import VaeError
from vae.jobs.forecast import forecast

MOST_IDLE = 600  # seconds
MOST_BUSY = 120  # seconds; a probe takes one or two, and whoever waits for one that hangs would wait for ever


def main() -> None:
    while True:
        signal.alarm(MOST_IDLE)  # the end of the process, unless somebody asks before
        line = sys.stdin.readline()
        signal.alarm(MOST_BUSY)
        if not line.endswith("\n"):
            return
        said = json.dumps(answer(RunConfig.model_validate_json(line)))
        try:
            os.write(sys.stdout.fileno(), said.encode() + b"\n")
        except BrokenPipeError:
            return  # the app is gone


def answer(config: RunConfig) -> dict[str, Any]:
    """To one line."""
    try:
        return asdict(forecast(config))
    except (VaeError, OSError) as error:
        return {"error": str(error)}


if __name__ == "__main__":
    main()
