"""The table of runs beside one that goes on: it follows, and what is chosen and asked in it stays."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.explorer_page import LOAD_TIMEOUT
from tests.browser.train_runs import TRAINING_TIMEOUT, copied, opened_copy, owner_of, played, row_of, trained, wait_for

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("finished"), epochs=2)


def wait_for_next_look(page: Page, run_id: str) -> None:
    """Until the run's row says another epoch than now."""
    epochs = row_of(page, run_id).locator("[data-of=epochs]")
    before = epochs.inner_text().split()[0]
    epochs.get_by_text(re.compile(rf"^(?!{before} )\d+ of 1000$")).wait_for(timeout=TRAINING_TIMEOUT)


def test_it_follows_and_what_is_chosen_and_asked_stays(visitor: BrowserContext, train_url: str) -> None:
    page, first = played(visitor, train_url, epochs=2)
    wait_for(page, "done")
    page.close()
    page, going_on = played(visitor, train_url, epochs=1000)
    page.locator(".live[data-epoch]").wait_for(timeout=TRAINING_TIMEOUT)
    wait_for_next_look(page, going_on)

    row_of(page, first).get_by_role("checkbox").check()
    page.get_by_text(f"Beside: {first}").wait_for()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_text("cannot be undone").wait_for()
    wait_for_next_look(page, going_on)
    page.get_by_text("cannot be undone").wait_for()
    page.get_by_role("button", name="Keep it").click()
    page.get_by_text("cannot be undone").wait_for(state="hidden")

    page.get_by_text("A new run", exact=True).click()
    page.get_by_role("button", name="Play", exact=True).first.click()
    page.wait_for_function("before => !location.search.endsWith(before)", arg=going_on)
    page.locator(".live[data-status]").wait_for()
    page.get_by_text(f"Beside: {first}").wait_for()  # though it stands one row lower now
    assert row_of(page, first).get_by_role("checkbox").is_checked()
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


def test_a_run_of_the_table_is_shown_without_loading_the_page_anew(
    visitor: BrowserContext, train_url: str, home: Path, finished: Path
) -> None:
    page, first = opened_copy(finished, home / "runs", visitor, train_url)
    second = copied(finished, home / "runs", owner=owner_of(home / "runs" / first))
    page.reload()
    page.evaluate("globalThis.isTheSamePage = true")
    page.locator(f".runs tr[data-watched] a[href='/train?run={first}']").wait_for()
    row_of(page, second).get_by_role("checkbox").check()
    row_of(page, second).get_by_role("link").click()
    page.wait_for_url(f"{train_url}?run={second}")
    page.locator(f".runs tr[data-watched] a[href='/train?run={second}']").wait_for()
    assert page.evaluate("globalThis.isTheSamePage")
    assert row_of(page, second).get_by_role("checkbox").is_checked()
    assert page.locator(".runs a[aria-current]").all_inner_texts() == [second]
    page.go_back()
    page.wait_for_url(f"{train_url}?run={first}")


def test_the_table_is_sorted_by_its_headings(
    visitor: BrowserContext, train_url: str, home: Path, finished: Path
) -> None:
    page, first = opened_copy(finished, home / "runs", visitor, train_url)
    owner = owner_of(home / "runs" / first)
    ids = {first, *(copied(finished, home / "runs", owner) for _ in range(2))}
    page.reload()
    row_of(page, first).wait_for()
    for heading, expected in (("run", sorted(ids)), ("run", sorted(ids, reverse=True))):
        page.locator(".runs th").get_by_role("button", name=heading, exact=True).click()
        assert [name for name in page.locator(".runs tbody a").all_inner_texts() if name in ids] == expected
    assert page.locator(".runs th[aria-sort]").all_inner_texts() == ["run"]


def test_a_press_anywhere_on_a_row_chooses_it_and_the_choice_outlives_another_page(
    visitor: BrowserContext, train_url: str, home: Path, finished: Path
) -> None:
    page, run_id = opened_copy(finished, home / "runs", visitor, train_url)
    row_of(page, run_id).locator("[data-of=epochs]").click()
    page.get_by_role("button", name="Delete", exact=True).wait_for()
    assert row_of(page, run_id).get_by_role("checkbox").is_checked()
    page.get_by_role("link", name="Models").click()
    page.get_by_test_id("stDataFrame").wait_for()
    page.get_by_role("link", name="Train").click()
    page.get_by_role("button", name="Delete", exact=True).wait_for()
    assert row_of(page, run_id).get_by_role("checkbox").is_checked()
    row_of(page, run_id).get_by_role("checkbox").press("Space")
    page.get_by_role("button", name="Delete", exact=True).wait_for(state="hidden")
