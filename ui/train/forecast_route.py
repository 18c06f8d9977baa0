"""What a run will take, for a browser that asks; see `forecast_line`."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ui.visitor import visitor_of
from vae import data, jobs
from vae.config import RunConfig, explain
from vae.errors import ConfigError, VaeError
from vae.jobs import Forecast, JobSettings
from vae.jobs.limits import check_config, check_dataset

ADDRESS = "/api/forecast"
SECONDS_BETWEEN_LOOKS = 0.05
_queue = ThreadPoolExecutor(1, "forecast")  # what waits here can still be called off


async def _forecast(request: Request) -> Response:
    """Of the config in the address. Whoever goes away, or asks for another, is not measured for."""
    asking = visitor_of(request.headers.get("cookie", ""))
    while jobs.is_preparing():  # for a run that is begun any moment, which comes first
        if await request.is_disconnected():
            return Response(status_code=204)
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
    answer = _queue.submit(told, request.query_params.get("config", ""), asking)
    while not answer.done():
        if await request.is_disconnected():
            answer.cancel()
            return Response(status_code=204)
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
    return JSONResponse(answer.result(), headers={"cache-control": "no-store"})


def told(config: str, asking: str | None) -> dict[str, str]:
    """What is said of a config (JSON): `parameters`, `memory`, `time`, and how they were `measured`; or an `error`."""
    try:
        wanted = _parsed(config)
        settings = JobSettings.from_environment()
        check_dataset(wanted.dataset, asking, settings)  # before anything of it is read
        check_config(wanted, settings)
        found = _known(wanted.model_dump_json(), _changed(wanted.dataset))
    except (VaeError, OSError) as error:
        return {"error": str(error).rstrip(".")}
    count = f"{found.parameters:,}"
    return {
        "parameters": count,
        "memory": f"{found.memory / 1e9:.1f} GB",
        "time": duration(found.seconds),
        "measured": found.measured,
    }


def _parsed(config: str) -> RunConfig:
    try:
        return RunConfig.model_validate_json(config)
    except ValidationError as error:
        raise ConfigError(explain(error)) from None


@lru_cache(maxsize=512)
def _known(config: str, _changed: int) -> Forecast:
    return jobs.forecast_apart(RunConfig.model_validate_json(config))


def _changed(dataset: str) -> int:
    """When images of one's own last changed: what was forecast for others does not hold."""
    path = data.path_of(dataset) if data.is_own(dataset) else None
    return os.stat(path).st_mtime_ns if path and os.path.exists(path) else 0


def duration(seconds: float) -> str:
    """As a person says it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"


routes = [Route(ADDRESS, _forecast)]
