"""What the browser is told of a run before it begins, and who is not measured for."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from starlette.requests import Request

from ui.train import forecast_route
from ui.train.forecast_route import ADDRESS, told
from ui.visitor import NOBODY
from vae.config import RunConfig, from_flat
from vae.jobs import Forecast

FOUND = Forecast(parameters=7, memory=1_240_000_000, seconds=61.0, measured="counted on fingers")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[RunConfig]:
    """What was measured, in place of measuring it."""
    asked: list[RunConfig] = []
    monkeypatch.setattr(forecast_route.jobs, "forecast_apart", lambda config: asked.append(config) or FOUND)
    forecast_route._known.cache_clear()
    return asked


def json_of(**values: object) -> str:
    return from_flat({"dataset": "digits", "hidden": (12,)} | values).model_dump_json()


def test_it_is_measured_once_and_said_as_a_person_says_it(measured: list[RunConfig]) -> None:
    for _ in range(2):
        assert told(json_of(), NOBODY) == {
            "parameters": "7",
            "memory": "1.2 GB",
            "time": "61 s",
            "measured": "counted on fingers",
        }
    assert len(measured) == 1


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("", "JSON"),
        ("{", "JSON"),
        ("[1]", "object"),
        ('{"training": {"epochs": 0}}', "epochs"),
        (json_of(hidden=(4096, 4096)), "parameters; at most 5,000,000"),
        (json_of(epochs=5000), "epochs = 5000: at most 1000"),
        (json_of(dataset="folder:/etc"), "a place on this host's own disk"),
        (json_of(dataset="nothing"), "no data set named 'nothing'"),
    ],
)
def test_what_cannot_be_trained_here_is_not_measured(measured: list[RunConfig], config: str, said: str) -> None:
    assert said in told(config, NOBODY)["error"]
    assert measured == []


def test_pictures_of_one_s_own_are_measured_anew_when_they_change(
    measured: list[RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_JOBS_ANY_FOLDER", "1")
    monkeypatch.setattr(forecast_route, "check_config", lambda *_: None)
    config = json_of(dataset=f"folder:{tmp_path}")
    told(config, NOBODY)
    (tmp_path / "new.png").touch()
    told(config, NOBODY)
    assert len(measured) == 2


@pytest.mark.parametrize("is_preparing", [False, True])
def test_who_has_gone_away_is_not_measured_for(
    measured: list[RunConfig], monkeypatch: pytest.MonkeyPatch, is_preparing: bool
) -> None:
    """The queue is held up meanwhile, as by another visitor's forecast; or a run's process loads."""
    monkeypatch.setattr(forecast_route.jobs, "is_preparing", lambda: is_preparing)
    free = Event()
    if not is_preparing:
        forecast_route._queue.submit(free.wait)
    query = f"config={json_of()}".encode()
    scope = {"type": "http", "method": "GET", "path": ADDRESS, "query_string": query, "headers": []}

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    try:
        with ThreadPoolExecutor(1) as another_thread:  # this one may have a loop already
            answer = another_thread.submit(asyncio.run, forecast_route._forecast(Request(scope, receive)))
        assert answer.result().status_code == 204
    finally:
        free.set()
    forecast_route._queue.submit(lambda: None).result()
    assert measured == []
