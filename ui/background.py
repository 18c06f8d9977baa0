"""What goes on as long as the server stands, whether or not anybody looks: runs get their turn, a store is mirrored."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from vae import jobs, library
from vae.errors import VaeError

SECONDS_BETWEEN_TURNS = 1.0
SECONDS_BETWEEN_LOOKS = 30.0
_log = logging.getLogger(__name__)


@asynccontextmanager
async def background(_app: Any) -> AsyncIterator[None]:
    """The app's lifespan. Runs that it starts outlive it."""
    tasks = [asyncio.create_task(start_runs())]
    if store := os.environ.get("VAE_STORE"):
        tasks.append(asyncio.create_task(mirror_store(store)))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def start_runs() -> None:
    await _repeat(lambda: jobs.start_due(library.RUNS), SECONDS_BETWEEN_TURNS, "Runs cannot be started")


async def mirror_store(url: str) -> None:
    from vae.store import mirror

    await _repeat(lambda: mirror(url, library.STORE), SECONDS_BETWEEN_LOOKS, "Models of the store are as they were")


async def _repeat(act: Callable[[], object], seconds: float, complaint: str) -> None:
    """For ever, whether or not it succeeds."""
    said = ""
    while True:
        try:
            await asyncio.to_thread(act)
            said = ""
        except (OSError, VaeError) as error:
            if str(error) != said:  # once, not at every turn
                _log.warning("%s: %s", complaint, error)
            said = str(error)
        await asyncio.sleep(seconds)
