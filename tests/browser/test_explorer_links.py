"""Share links into the explorer, good and hostile, in a real Chromium."""

from collections.abc import Callable

import numpy as np
import pytest

import vae
from tests.browser.explorer_page import CLIPBOARD, DIGITS, LEVEL, ExplorerPage, Opener, differs

pytestmark = pytest.mark.browser

HOSTILE = (
    "model=digits-vae-2d&z=nan,1",
    "model=digits-vae-2d&z=1",
    "model=digits-vae-2d&z=1e99,0",
    "model=digits-vae-2d&z=<b>,0",
    "model=digits-vae-2d&z=" + "1," * 3000,
    "model=nope&z=0,0",
    "model=../../data&z=&z=&model=",
)


def test_a_link_restores_model_and_z(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits("0.5,-1.2")
    assert explorer.model == DIGITS.name
    assert list(explorer.shown().fields) == [0.5, -1.2]
    assert differs(explorer.shown().image, vae.load(DIGITS), [0.5, -1.2]) <= LEVEL


def test_a_copied_link_restores_what_was_on_show(digits: Callable[..., ExplorerPage], explore: Opener) -> None:
    explorer = digits(permissions=CLIPBOARD)
    explorer.page.mouse.click(*explorer.map_point(0.3, 0.4))
    explorer.page.mouse.move(5, 5)
    here = explorer.shown()
    again = explore(explorer.copied_link())
    assert again.model == DIGITS.name
    restored = again.shown()
    assert np.abs(restored.fields - here.fields).max() <= 0.011
    assert differs(here.image, vae.load(DIGITS), explorer.copied_z(), within=0.001) <= LEVEL


def test_a_hostile_link_opens_a_working_page(explore: Opener, app_url: str) -> None:
    explorer = explore.blank()
    for query in HOSTILE:
        explorer.open(f"{app_url}/?{query}")
        if query.startswith("model=digits"):
            assert explorer.model == DIGITS.name
        assert np.abs(explorer.shown().fields).max() < 10
        explorer.press("Reset")
        assert not explorer.shown().fields.any()
        assert explorer.page.get_by_test_id("stException").count() == 0
        assert "Traceback" not in explorer.page.inner_text("body")
