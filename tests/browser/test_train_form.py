"""The form of a new run: what it will take is told, and nothing waits for that."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route

from tests.browser.explorer_page import LOAD_TIMEOUT
from tests.browser.train_runs import opened_copy, trained
from ui.train.form import FIRST, PRESETS
from vae.config import from_flat
from vae.jobs.sizes import parameters_of

pytestmark = pytest.mark.browser

FORECASTS = re.compile("/api/forecast")


def line(page: Page) -> str:
    """What a run will take, once it has been measured."""
    page.locator(".forecast .rest b").first.wait_for(timeout=LOAD_TIMEOUT)
    return page.locator(".forecast").inner_text()


def test_what_a_run_will_take_is_told_and_follows_the_form(visitor: BrowserContext, train_url: str) -> None:
    page = visitor.new_page()
    page.goto(train_url)
    said = line(page)
    assert re.search(r"[\d,]+ parameters · up to \d+\.\d GB of memory · about \d+ (s|minutes)", said)
    assert "images/s, measured on" in said
    widths = page.get_by_label("Widths", exact=True)
    widths.fill("300, 20")
    widths.press("Enter")
    page.get_by_text("--hidden 300,20 ").wait_for()
    config = from_flat(PRESETS[FIRST] | {"hidden": (300, 20)})
    page.locator(".forecast").get_by_text(f"{parameters_of(config):,} parameters").wait_for()
    assert f"{parameters_of(config):,}" in line(page)


def test_a_model_that_is_too_large_is_refused_before_play(visitor: BrowserContext, train_url: str) -> None:
    page = visitor.new_page()
    page.goto(train_url)
    widths = page.get_by_label("Widths", exact=True)
    widths.fill("4096, 4096")
    widths.press("Enter")
    refused = page.get_by_text("parameters; at most 5,000,000 are trained here. Make it narrower.")
    refused.wait_for()
    assert not refused.inner_text().endswith("..")
    page.get_by_role("button", name="Play", exact=True).wait_for(state="hidden")


def test_play_does_not_wait_until_it_has_been_measured(visitor: BrowserContext, train_url: str) -> None:
    page = visitor.new_page()
    held: list[Route] = []
    page.route(FORECASTS, lambda route: held.append(route))  # and never answered
    page.goto(train_url)
    page.get_by_text("is being measured").wait_for()
    epochs = page.get_by_label("Epochs", exact=True)
    epochs.fill("7")
    epochs.press("Enter")
    page.get_by_text("--epochs 7 ").wait_for()
    page.get_by_role("button", name="Play", exact=True).click()
    page.locator(".live[data-status=done]").wait_for(timeout=LOAD_TIMEOUT)
    assert held


def test_nothing_is_measured_until_the_form_is_opened(
    visitor: BrowserContext, train_url: str, home: Path, tmp_path: Path
) -> None:
    asked: list[Request] = []
    visitor.on("request", lambda request: asked.append(request) if FORECASTS.search(request.url) else None)
    page, _ = opened_copy(trained(tmp_path / "finished", 2), home / "runs", visitor, train_url)
    page.locator(".runs tbody tr").first.wait_for()
    assert asked == []
    page.get_by_text("A new run", exact=True).click()
    line(page)
    assert len(asked) == 1
