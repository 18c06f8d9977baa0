"""A run as the tests of the training page begin one, or find one that is done; wait for it, and end it."""

import os
import secrets
import shutil
import signal
from pathlib import Path

from playwright.sync_api import BrowserContext, Locator, Page

from ui.train.form import SMALL
from ui.visitor import COOKIE
from vae.config import RunConfig, from_flat, to_flat
from vae.jobs import enqueue, list_runs
from vae.training.journal import read_state, write_state
from vae.training.run import run

TRAINING_TIMEOUT = 180_000  # milliseconds; a busy machine may be slow


def played(visitor: BrowserContext, url: str, epochs: int, **fields: str) -> tuple[Page, str]:
    """A page on which a run of the small digits was just begun, and the run's id. `fields`: others, by their labels."""
    page = visitor.new_page()
    page.goto(url)
    for label, value in {"Epochs": str(epochs), **fields}.items():
        field = page.get_by_label(label, exact=True)
        field.fill(value)
        field.press("Enter")
    page.get_by_text(f"--epochs {epochs} ").wait_for()
    page.get_by_role("button", name="Play", exact=True).click()
    page.locator(".live[data-status]").wait_for()
    return page, page.url.partition("run=")[2]


def trained(folder: Path, epochs: int) -> Path:
    """A finished run of the small digits below `folder`, where no app looks: for copies of it."""
    config = from_flat(to_flat(RunConfig()) | SMALL | {"epochs": epochs})
    made = folder / enqueue(config, folder)
    for _ in run(config, made, resume=True):
        pass
    return made


def opened_copy(finished: Path, runs: Path, visitor: BrowserContext, url: str) -> tuple[Page, str]:
    """A page on a copy of a finished run, and the copy's id. It is the visitor's own, under a name of their own."""
    owner = secrets.token_hex(16)
    run_id = copied(finished, runs, owner)
    visitor.add_cookies([{"name": COOKIE, "value": owner, "url": url}])
    page = visitor.new_page()
    page.goto(f"{url}?run={run_id}")
    wait_for(page, "done")
    return page, run_id


def copied(finished: Path, runs: Path, owner: str | None) -> str:
    """A copy of a finished run that belongs to `owner`: its id."""
    run_id = f"{finished.name}-{secrets.token_hex(3)}"
    shutil.copytree(finished, runs / run_id)
    write_state(runs / run_id, read_state(finished).told(owner=owner))
    return run_id


def owner_of(folder: Path) -> str | None:
    return read_state(folder).owner


def row_of(page: Page, run_id: str) -> Locator:
    """What the table tells of the run."""
    return page.locator(".runs tbody tr").filter(has=page.get_by_role("link", name=run_id, exact=True))


def wait_for(page: Page, status: str) -> None:
    page.locator(f".live[data-status={status}]").wait_for(timeout=TRAINING_TIMEOUT)


def end_all(runs: Path) -> None:
    """Kill the processes of runs that go on."""
    for each in list_runs(runs):
        if each.is_at_work and each.state.pid is not None:
            os.kill(each.state.pid, signal.SIGKILL)
