"""The samples of the compare page in a real Chromium: from which seed and density, and what lies near them."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.browser.compare_sections import CLOSE, DIGITS, NAMES, Sections, decoded
from tests.browser.explorer_page import LEVEL, READ_CANVAS, read_png

pytestmark = pytest.mark.browser


def test_samples_are_drawn_again_from_another_seed_and_alike_in_both(sections: Callable[..., Sections]) -> None:
    page = sections()
    page.fetched.clear()
    own = [("samples", side) for side in (0, 1)]
    seen = []
    for seed in range(3):
        if seed:
            page.after(lambda: page.press("Draw again"), *own)
        z = np.random.default_rng(seed).standard_normal((40, 2))
        seen.append([page.images(*each) for each in own])
        for side, name in enumerate(DIGITS):
            assert np.abs(seen[-1][side] - decoded(name, z)).max() <= CLOSE
    assert page.fetched == []


def test_a_mixture_and_its_neighbours_are_shown(sections: Callable[..., Sections]) -> None:
    page = sections()
    own = [("samples", side) for side in (0, 1)]
    before = [page.images(*each) for each in own]
    page.after(page.page.get_by_text("a mixture fitted to the codes", exact=True).click, *own)
    assert all(np.abs(page.images(*each) - old).max() > 0.1 for each, old in zip(own, before, strict=True))
    page.page.get_by_text("Nearest training images", exact=True).click()
    for side in (0, 1):
        strip = page.page.get_by_role("img", name=f"nearest training images, samples, {NAMES[side]}")
        strip.wait_for()
        pixels = read_png(strip.evaluate(READ_CANVAS))[..., 0]
        assert len(pixels) == 17  # a sample, a gap, its neighbour
        images = 1 - page.images("samples", side)[0].reshape(8, 8)
        assert np.abs(pixels[:8, :8] - 255 * images).max() <= LEVEL
        # Training images have 17 levels, 0 to 16, stored as bytes; a decoded one has any.
        assert len(np.unique(pixels[9:, :8])) <= 17
