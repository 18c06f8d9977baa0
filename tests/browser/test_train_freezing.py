"""Freeze one, train the other, from the page: the run does it, writes it down, and the chart shows where."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.explorer_page import READ_CANVAS, read_png
from tests.browser.train_runs import TRAINING_TIMEOUT, played, wait_for
from ui.theme import QUANTITIES
from vae.card import read_card
from vae.training.journal import read_events, read_state

pytestmark = pytest.mark.browser

CHART = "log p(x) and ELBO by epoch"


def told(folder: Path, event: str) -> list[dict[str, Any]]:
    return [each for each in read_events(folder).events if each["event"] == event]


def wait_for_epoch(page: Page, epochs: int) -> None:
    """Until that many more epochs have been shown."""
    for _ in range(epochs):
        shown = page.locator(".live").get_attribute("data-epoch")
        page.locator(f".live:not([data-epoch='{shown}'])").wait_for(timeout=TRAINING_TIMEOUT)


def test_a_running_run_is_switched_to_its_encoder_and_the_chart_shows_it(
    visitor: BrowserContext,
    train_url: str,
    home: Path,
) -> None:
    page, run_id = played(visitor, train_url, epochs=400)
    folder = home / "runs" / run_id
    page.locator(".live[data-epoch]").wait_for(timeout=TRAINING_TIMEOUT)
    wait_for(page, "running")
    page.get_by_role("button", name="measure 32 images an epoch").click()
    page.get_by_role("button", name="encoder only").click()
    page.locator(".changes", has_text="encoder only").wait_for(timeout=TRAINING_TIMEOUT)
    assert page.get_by_role("button", name="encoder only").get_attribute("aria-pressed") == "true"
    page.locator(".gap-figures", has_text="32 binarised test images").wait_for(timeout=TRAINING_TIMEOUT)
    wait_for_epoch(page, 3)
    page.get_by_role("button", name="Stop and keep").click()
    wait_for(page, "stopped")

    changes = {change.name: change for change in read_card(folder).training.changes}
    assert (changes["trains"].new, changes["exact_gap_images"].new) == ("encoder", 32)
    assert {event["name"]: event["new"] for event in told(folder, "changed")} == {
        "trains": "encoder",
        "exact_gap_images": 32,
    }
    measured = {event["epoch"]: event for event in told(folder, "gap_measured")}
    frozen = [measured[epoch] for epoch in sorted(measured) if epoch >= changes["trains"].epoch]
    assert len(frozen) >= 2
    assert len({event["log_evidence"] for event in frozen}) == 1

    # The figures of the epoch under the scrubber, as the run wrote them down.
    epoch = read_state(folder).epoch
    page.locator(f".live[data-epoch='{epoch}']").wait_for(timeout=TRAINING_TIMEOUT)
    said = page.locator(".gap-figures").inner_text().replace("\u2212", "-")
    assert said.startswith(f"log p(x) {measured[epoch]['log_evidence']:.2f}, ELBO {measured[epoch]['elbo']:.2f}, gap ")
    assert said.endswith(f"after epoch {epoch}")
    assert band_begins(page) == pytest.approx(changes["trains"].epoch - 1, abs=1.5)

    # Carried on with the decoder alone, from where it stopped, by the very same buttons of a run that goes on.
    page.get_by_role("button", name="Resume").click()
    wait_for(page, "running")
    page.get_by_role("button", name="decoder only").click()
    page.locator(".changes", has_text="decoder only").wait_for(timeout=TRAINING_TIMEOUT)
    page.get_by_role("button", name="Stop and keep").click()
    wait_for(page, "stopped")
    assert [change.new for change in read_card(folder).training.changes if change.name == "trains"] == [
        "encoder",
        "decoder",
    ]


def band_begins(page: Page) -> float:
    """The epoch where the chart's background takes on the encoder's colour, read from its pixels."""
    chart = page.get_by_role("img", name=CHART)
    pixels, width = read_png(chart.evaluate(READ_CANVAS)), chart.evaluate("canvas => canvas.clientWidth")
    scale = pixels.shape[1] / width
    row = pixels[round(10 * scale)]  # near the top, above every line
    mu = [int(QUANTITIES["mu"][0][at : at + 2], 16) for at in (1, 3, 5)]
    # One tenth opaque; so thin a colour is kept in few levels.
    tinted = (np.abs(row[:, :3] - mu).max(axis=1) <= 12) & (np.abs(row[:, 3] - 25.5) < 2)
    assert 0 < tinted.sum() < len(row)
    left, right = 46, width - 10  # the margins of the chart
    return 400 * (np.flatnonzero(tinted)[0] / scale - left) / (right - left)
