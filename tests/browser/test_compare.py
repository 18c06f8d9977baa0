"""AE beside VAE in a real Chromium: the same image in both maps, and torch's images under the finger."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser

import vae
from tests.browser.compare_page import ComparePage, shares_on_map, stored_codes
from tests.browser.explorer_page import LEVEL, grey_levels, wait_until
from tests.serving import ROOT

pytestmark = pytest.mark.browser

LEFT, RIGHT = "digits-ae-2d", "digits-vae-2d"
LINK = f"/compare?left={LEFT}&right={RIGHT}"
Opened = Callable[..., ComparePage]


@pytest.fixture
def compare(browser: Browser, app_url: str) -> Iterator[Opened]:
    opened: list[ComparePage] = []

    def open_(link: str = LINK, names: tuple[str, str] = ("AE", "VAE"), **options: object) -> ComparePage:
        settings: dict[str, object] = {"viewport": {"width": 1360, "height": 1000}} | options
        opened.append(ComparePage(browser.new_context(**settings).new_page(), app_url + link, names))  # pyright: ignore
        return opened[-1]

    yield open_
    for each in opened:
        each.page.context.close()
    assert not [problem for each in opened for problem in each.problems]


def lonely(shares: np.ndarray, pixels: float) -> list[int]:
    """Images whose dots stand alone: no other within that many pixels of a map of 300."""
    distances = np.linalg.norm(shares[:, None] - shares[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    inside = ((shares > 0.08) & (shares < 0.92)).all(axis=1)
    return [int(i) for i in np.flatnonzero((distances.min(axis=1) > pixels / 300) & inside)]


def test_a_point_on_a_test_image_takes_the_other_map_to_the_same_image(compare: Opened) -> None:
    page = compare()
    codes = [stored_codes(name) for name in (LEFT, RIGHT)]
    shares = [shares_on_map(each, has_prior) for each, has_prior in zip(codes, (False, True), strict=True)]
    models = [vae.load(ROOT / "checkpoints" / name) for name in (LEFT, RIGHT)]
    for side in (0, 1):
        i = lonely(shares[side], pixels=9)[5]
        page.page.mouse.move(*page.point(side, *shares[side][i]))
        page.page.mouse.down()
        page.frames()
        assert page.linked == i
        other = 1 - side
        # The point went to the same image's dot in the other map, and that map decodes that image's code.
        assert page.cursor(other) == pytest.approx(tuple(shares[other][i]), abs=0.006)
        expected = grey_levels(models[other], codes[other][i])[0]
        assert np.abs(page.image(other) - expected).max() <= LEVEL
        page.page.mouse.up()


def test_both_images_change_during_the_drag(compare: Opened) -> None:
    page = compare()
    shares = shares_on_map(stored_codes(LEFT), has_prior=False)
    stops = lonely(shares, pixels=9)[:6]
    page.page.mouse.move(*page.point(0, *shares[stops[0]]))
    page.page.mouse.down()
    seen: list[tuple[bytes, bytes]] = []
    for i in stops:
        page.page.mouse.move(*page.point(0, *shares[i]), steps=5)
        page.frames()
        assert page.linked == i
        seen.append((page.image(0).tobytes(), page.image(1).tobytes()))  # the button is still down
    page.page.mouse.up()
    assert len({left for left, _ in seen}) == len(stops)
    assert len({right for _, right in seen}) == len(stops)


def test_in_empty_space_each_map_has_its_own_point(compare: Opened) -> None:
    page = compare()
    shares = shares_on_map(stored_codes(LEFT), has_prior=False)
    grid = np.stack(np.meshgrid(np.linspace(0.1, 0.9, 30), np.linspace(0.1, 0.9, 30)), axis=-1).reshape(-1, 2)
    farthest = grid[np.linalg.norm(grid[:, None] - shares[None], axis=2).min(axis=1).argmax()]
    before = page.cursor(1), page.image(1).tobytes()
    page.page.mouse.click(*page.point(0, *farthest))
    page.frames()
    assert page.linked is None
    assert "Empty space" in page.status
    assert page.cursor(0) == pytest.approx(tuple(farthest), abs=0.006)
    assert (page.cursor(1), page.image(1).tobytes()) == before


def test_hovering_previews_in_both_and_leaving_restores(compare: Opened) -> None:
    page = compare()
    shares = shares_on_map(stored_codes(LEFT), has_prior=False)
    before = page.image(0).tobytes(), page.image(1).tobytes()
    page.page.mouse.move(*page.point(0, *shares[lonely(shares, pixels=9)[3]]))
    page.frames()
    during = page.image(0).tobytes(), page.image(1).tobytes()
    assert during[0] != before[0]
    assert during[1] != before[1]
    page.page.mouse.move(5, 5)
    page.frames()
    assert (page.image(0).tobytes(), page.image(1).tobytes()) == before


def test_the_straight_way_is_decoded_in_eleven_steps(compare: Opened) -> None:
    page = compare()
    codes, model = stored_codes(LEFT), vae.load(ROOT / "checkpoints" / LEFT)
    shares = shares_on_map(codes, has_prior=False)
    first, second = lonely(shares, pixels=9)[:2]
    page.page.mouse.click(*page.point(0, *shares[first]))
    page.page.get_by_role("button", name="Start here").click()
    page.page.mouse.click(*page.point(0, *shares[second]))
    strip = page.page.get_by_role("img", name="the way, AE", exact=True)
    # The left point is where the mouse was, a pixel from the dot at most; its images change little over that.
    ends = model.images(torch.from_numpy(codes[[first, second]])).numpy()

    def decoded_steps() -> np.ndarray:
        images = strip.evaluate("(canvas) => Array.from(canvas.images ?? [])")
        return np.array(images).reshape(-1, *model.shape)

    def reaches_both_ends() -> bool:
        steps = decoded_steps()
        return len(steps) == 11 and float(np.abs(steps[[0, -1]] - ends).mean()) < 0.02

    wait_until(page.page, reaches_both_ends)  # the strip follows a moment behind
    images = decoded_steps()
    middle = model.images(torch.from_numpy(codes[[first, second]].mean(axis=0, keepdims=True))).numpy()
    assert np.abs(images[5] - middle[0]).mean() < 0.03


def test_two_models_of_different_data_are_refused_kindly(compare: Opened) -> None:
    page = compare("/compare?left=digits-ae-2d&right=freyface-vae-2d")
    text = page.page.get_by_role("alert").first.inner_text()
    assert "digits-ae-2d was trained on digits (8x8), freyface-vae-2d on freyface (28x20)" in text
    assert "digits-vae-2d" in text


@pytest.mark.parametrize("width", [390, 1360])
def test_both_themes_and_widths_show_both_images(compare: Opened, width: int) -> None:
    light, dark = (
        compare(color_scheme=scheme, viewport={"width": width, "height": 900}) for scheme in ("light", "dark")
    )
    for side in (0, 1):
        # Strokes are dark on light in the light theme, and light on dark in the dark one.
        assert np.abs(light.image(side) + dark.image(side) - 255).max() <= 1
    assert light.page.evaluate("document.documentElement.scrollWidth") <= width
