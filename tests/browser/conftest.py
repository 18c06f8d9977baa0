"""One real browser for the whole session, a fresh context for each test."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

EXPLORER = Path(__file__).parents[2] / "ui" / "explorer"
RUNTIME = ("safetensors.js", "kernels.js", "outputs.js", "network.js")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)


def network_source() -> str:
    """The network runtime as one script, in the order in which the page concatenates it."""
    return "\n".join((EXPLORER / name).read_text(encoding="utf-8") for name in RUNTIME)


def launch_chromium(playwright: Playwright) -> Browser:
    """The system's Chromium, headless. Raises FileNotFoundError when there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None or not Path(path).is_file():
        raise FileNotFoundError(
            f"No browser: {path or ', '.join(names)} not found. Install Chromium or set CHROMIUM to its path."
        )
    return playwright.chromium.launch(executable_path=path, args=list(QUIET))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        try:
            launched = launch_chromium(playwright)
        except FileNotFoundError as error:
            pytest.fail(str(error), pytrace=False)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()
