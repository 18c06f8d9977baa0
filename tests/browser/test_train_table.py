"""The table of runs beside one that goes on: it follows, and what is chosen and asked in it stays."""

import re

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.explorer_page import LOAD_TIMEOUT
from tests.browser.train_runs import TRAINING_TIMEOUT, played, wait_for

pytestmark = pytest.mark.browser

ROW, BOX = 35, 18  # pixels of Streamlit's table: the height of its rows, and where their boxes stand


def epochs_told(page: Page) -> int:
    """How far the newest run is, as its row says."""
    told = page.get_by_test_id("stDataFrame").get_by_text(re.compile(r"^\d+ of 1000$")).text_content()
    return int((told or "").split()[0])


def wait_for_next_look(page: Page) -> None:
    before = epochs_told(page)
    page.get_by_test_id("stDataFrame").get_by_text(re.compile(rf"^(?!{before} )\d+ of 1000$")).wait_for(
        state="attached", timeout=TRAINING_TIMEOUT
    )


def choose(page: Page, row: int) -> None:
    table = page.get_by_test_id("stDataFrame")
    table.scroll_into_view_if_needed()
    table.click(position={"x": BOX, "y": ROW * (row + 1.5)})


def test_it_follows_and_what_is_chosen_and_asked_stays(visitor: BrowserContext, train_url: str) -> None:
    page, first = played(visitor, train_url, epochs=2)
    wait_for(page, "done")
    page.close()
    page, going_on = played(visitor, train_url, epochs=1000)
    page.locator(".live[data-epoch]").wait_for(timeout=TRAINING_TIMEOUT)
    wait_for_next_look(page)

    choose(page, 1)
    page.get_by_text(f"Beside: {first}").wait_for()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("cannot be undone").wait_for()
    wait_for_next_look(page)
    page.get_by_text("cannot be undone").wait_for()
    page.get_by_role("button", name="Keep it").click()
    page.get_by_text("cannot be undone").wait_for(state="hidden")

    page.get_by_text("A new run", exact=True).click()
    page.get_by_role("button", name="Play", exact=True).first.click()
    page.wait_for_function("before => !location.search.endsWith(before)", arg=going_on)
    page.locator(".live[data-status]").wait_for()
    page.get_by_text(f"Beside: {first}").wait_for()  # though it stands one row lower now
    explorer = page.get_by_role("link", name="Open in the explorer")
    assert explorer.get_attribute("href") == f"/?model={first}"


def test_speed_is_told_after_a_reload(visitor: BrowserContext, train_url: str) -> None:
    page, _ = played(visitor, train_url, epochs=1000)
    page.get_by_label("speed").select_option("half")
    page.wait_for_timeout(300)
    page.reload()
    page.locator(".live[data-status]").wait_for()
    page.wait_for_function(
        "(select) => select.value === '0.5'", arg=page.get_by_label("speed").element_handle(), timeout=LOAD_TIMEOUT
    )
    page.get_by_role("button", name="Stop and keep").click()
