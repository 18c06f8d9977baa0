"""What lies on the latent map, and zooming and panning it, in a real Chromium."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Route

import vae
from tests.browser.explorer_page import CLIPBOARD, DIGITS, LEVEL, ExplorerPage, Opener, differs
from ui.theme import CLASSES

pytestmark = pytest.mark.browser

CELLS = 20  # a side of the lattice


def dots_of(points: NDArray[np.float64], label: int) -> int:
    """How many pixels of the points' canvas show a class's own colour, boldly."""
    color = [int(CLASSES[label][at : at + 2], 16) for at in (1, 3, 5)]
    return int(((np.abs(points[..., :3] - color).max(axis=-1) <= 3) & (points[..., 3] > 120)).sum())


def test_the_legend_lights_one_class_and_then_all_again(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits()
    before = explorer.layers()[1]
    assert all(dots_of(before, label) > 50 for label in range(10))
    explorer.press("4")
    assert explorer.button("4").get_attribute("aria-pressed") == "true"
    lit = explorer.layers()[1]
    assert dots_of(lit, 4) >= dots_of(before, 4)
    assert all(dots_of(lit, label) < 0.05 * dots_of(before, label) for label in range(10) if label != 4)
    explorer.press("4")
    assert np.array_equal(explorer.layers()[1], before)


def test_points_and_prior_can_be_taken_off_the_map(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits()
    whole = explorer.layers()[1]
    explorer.press("points")
    without_points = explorer.layers()[1]
    assert all(dots_of(without_points, label) < 0.05 * dots_of(whole, label) for label in range(10))
    explorer.press("prior")
    bare = explorer.layers()[1]
    assert (bare[..., 3] > 0).sum() < (without_points[..., 3] > 0).sum()
    explorer.press("points")
    explorer.press("prior")
    assert np.array_equal(explorer.layers()[1], whole)


def test_the_lattice_shows_what_the_middle_of_each_cell_decodes_to(digits: Callable[..., ExplorerPage]) -> None:
    model = vae.load(DIGITS)
    explorer = digits(permissions=CLIPBOARD)
    corner, scale = explorer.measured_map()
    explorer.press("lattice")
    explorer.wait_until(lambda: all(image_of_cell(explorer, (row, 10)) is not None for row in range(CELLS)))
    for place in ((0, 0), (3, 16), (10, 10), (19, 7)):
        z = corner + scale * (np.array(place[::-1]) + 0.5) * explorer.layers()[0].shape[0] / CELLS
        image = image_of_cell(explorer, place)
        assert image is not None
        assert differs(image, model, z, within=0.001) <= 2 * LEVEL
    explorer.press("lattice")
    assert not explorer.layers()[0].any()


def image_of_cell(explorer: ExplorerPage, place: tuple[int, int]) -> NDArray[np.float64] | None:
    """The 8x8 image in a cell of the lattice (row, column), read in the middle of each pixel; None while empty."""
    lattice = explorer.layers()[0]
    rows, columns = (slice(round(at * len(lattice) / CELLS), round((at + 1) * len(lattice) / CELLS)) for at in place)
    cell = lattice[rows, columns]
    inked = np.argwhere(cell[..., 3] == 255)
    if not len(inked):
        return None
    first, last = inked.min(axis=0), inked.max(axis=0) + 1
    middles = first[:, None] + (last - first)[:, None] * (np.arange(8) + 0.5) / 8
    return cell[np.ix_(*middles.astype(int))][..., :3]


def test_the_rings_stand_at_one_two_and_three_sigma(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits(permissions=CLIPBOARD)
    corner, scale = explorer.measured_map()
    explorer.press("points")
    with_rings = explorer.layers()[1]
    explorer.press("prior")
    rings = np.argwhere(np.any(explorer.layers()[1] != with_rings, axis=-1))
    z = corner + scale * (rings[:, ::-1] + 0.5)
    radii = np.hypot(*z.T)
    pixel = 1.5 * abs(scale[0])
    assert all((np.abs(radii - sigma) <= pixel).sum() > 100 for sigma in (1, 2, 3))
    assert np.abs(radii[:, None] - [1, 2, 3]).min(axis=1).max() <= pixel


def test_zoom_and_pan_move_the_map_and_the_cursor_with_it(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits("0.6,0.9")
    mouse, whole = explorer.page.mouse, explorer.layers()[1]
    places = [explorer.cursor()]

    def moved() -> tuple[float, float]:
        """Where the ring stands now: elsewhere than before, and where z is on the map as it is now."""
        mouse.move(5, 5)
        places.append(explorer.cursor())
        assert np.abs(np.subtract(places[-1], places[-2])).max() > 10
        assert list(explorer.shown().fields) == [0.6, 0.9]
        return places[-1]

    explorer.map.press("+")
    moved()
    mouse.move(*explorer.map_point(0.5, 0.5))
    explorer.page.keyboard.down("Shift")
    mouse.down()
    mouse.move(*explorer.map_point(0.4, 0.7), steps=5)
    mouse.up()
    explorer.page.keyboard.up("Shift")
    panned = moved()
    assert np.subtract(panned, places[-2]) == pytest.approx(
        np.subtract(explorer.map_point(0.4, 0.7), explorer.map_point(0.5, 0.5)), abs=2
    )
    mouse.move(*explorer.map_point(0.3, 0.6))
    explorer.page.keyboard.down("Control")
    mouse.wheel(0, -150)
    explorer.page.keyboard.up("Control")
    explorer.frames()
    mouse.click(*moved())
    assert np.abs(explorer.shown().fields - [0.6, 0.9]).max() <= 0.02  # a click on the ring leaves z where it is
    explorer.press("fit the map")
    assert np.array_equal(explorer.layers()[1], whole)


def test_a_plain_wheel_scrolls_the_page_and_leaves_the_map(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits(viewport={"width": 1360, "height": 600})
    before = explorer.layers()[1]
    explorer.page.mouse.move(*explorer.map_point(0.5, 0.5))
    explorer.page.mouse.wheel(0, 100)
    explorer.wait_until(lambda: explorer.scrolled() > 0)
    assert np.array_equal(explorer.layers()[1], before)


def test_the_map_is_drawn_anew_when_the_window_changes(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits()
    sizes = {explorer.layers()[1].shape[0]}
    for width, height in ((1000, 900), (600, 900), (1360, 1000)):
        explorer.page.set_viewport_size({"width": width, "height": height})
        explorer.wait_until(lambda: explorer.layers()[1].shape[0] == explorer.map.evaluate("(e) => e.clientWidth"))
        explorer.map.scroll_into_view_if_needed()
        sizes.add(explorer.layers()[1].shape[0])
        explorer.page.mouse.click(*explorer.cursor())
        assert np.abs(explorer.shown().fields - [0.5, -1.2]).max() <= 0.05
    assert len(sizes) >= 3


def test_the_numbers_on_the_map_take_the_font_of_the_page_once_it_has_come(explore: Opener, app_url: str) -> None:
    explorer, held = explore.blank(), list[Route]()
    explorer.page.route("**/*.woff2", lambda route: held.append(route))
    explorer.page.goto(f"{app_url}/?model={DIGITS.name}&z=0,0", wait_until="commit")
    explorer.wait_for_model(DIGITS.name)
    explorer.wait_until(lambda: bool(held))
    before = explorer.layers()[1]
    for font in held:
        font.continue_()
    explorer.wait_until(lambda: not np.array_equal(explorer.layers()[1], before))
