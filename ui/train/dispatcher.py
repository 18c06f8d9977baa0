"""Runs get their turn whether or not anybody looks: a task of the server asks for them, as long as it stands."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from vae import jobs, library
from vae.errors import VaeError

SECONDS_BETWEEN_TURNS = 1.0
_log = logging.getLogger(__name__)


@asynccontextmanager
async def dispatching(_app: Any) -> AsyncIterator[None]:
    """The app's lifespan: starts waiting runs while the server stands. Runs themselves outlive it."""
    task = asyncio.create_task(_dispatch())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _dispatch() -> None:
    said = ""
    while True:
        try:
            await asyncio.to_thread(jobs.start_due, library.RUNS)
            said = ""
        except (OSError, VaeError) as error:
            if str(error) != said:  # once, not once a second
                _log.warning("Runs cannot be started: %s", error)
            said = str(error)
        await asyncio.sleep(SECONDS_BETWEEN_TURNS)
