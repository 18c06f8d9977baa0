"""Every control of the explorer in a real Chromium: keys, typing, buttons, pills, legend, share links."""

from collections.abc import Callable
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load_file
from scipy import stats

import vae
from tests.browser.conftest import Opener
from tests.browser.explorer_page import ExplorerPage, Shown, differs
from tests.serving import ROOT
from ui.theme import CLASSES

pytestmark = pytest.mark.browser

DIGITS = ROOT / "checkpoints" / "digits-vae-2d"
CLIPBOARD = ["clipboard-read", "clipboard-write"]
CELLS = 20  # a side of the lattice
LEVEL = 1.0  # grey level: canvas and torch may round apart
DECIMALS = 0.0055  # what the two decimals of a field leave open
FOCUSED = """() => {
  let focused = document.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  const name = focused?.ariaLabel || focused?.textContent.trim();
  return { name, outlined: getComputedStyle(focused).outlineStyle !== "none" };
}"""


@pytest.fixture
def digits(explore: Opener, app_url: str) -> Callable[..., ExplorerPage]:
    """Opens the digits model at a z."""

    def opened(z: str = "0.5,-1.2", **options: Any) -> ExplorerPage:
        return explore(f"{app_url}/?model=digits-vae-2d&z={z}", **options)

    return opened


def assert_of_one_z(shown: Shown) -> None:
    """Image, sliders and fields agree."""
    assert np.abs(shown.fields - shown.sliders).max() <= 0.006
    assert differs(shown.image, vae.load(DIGITS), shown.fields, within=DECIMALS) <= LEVEL


# --- keyboard --------------------------------------------------------------------------------------------------------


def test_tab_reaches_every_control_and_shows_where_it_is(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits()
    wanted = {"latent map", "z1", "z2", "z1 as a number", "z2 as a number", "points", "lattice", "prior", "zoom in"}
    wanted |= {"Sample the prior", "Play", "Reset", "Save image", "Copy link", *map(str, range(10))}
    reached = set()
    for _ in range(60):
        explorer.page.keyboard.press("Tab")
        focused = explorer.page.evaluate(FOCUSED)
        if focused["name"] in wanted:
            assert focused["outlined"], focused["name"]
            reached.add(focused["name"])
    assert reached == wanted


@pytest.mark.parametrize(("key", "axis", "sign"), [("ArrowRight", 0, 1), ("ArrowUp", 1, 1), ("ArrowLeft", 0, -1)])
def test_arrows_move_the_point_on_the_map(digits: Callable[..., ExplorerPage], key: str, axis: int, sign: int) -> None:
    explorer = digits()
    before = explorer.shown()
    explorer.map.press(key)
    once = explorer.shown()
    explorer.map.press(f"Shift+{key}")
    farther = explorer.shown()
    first, second = once.fields - before.fields, farther.fields - once.fields
    assert first[axis] * sign > 0.02
    assert second[axis] == pytest.approx(5 * first[axis], abs=0.05)
    assert first[1 - axis] == second[1 - axis] == 0
    assert not np.array_equal(once.image, before.image)
    assert_of_one_z(farther)


def test_keys_on_a_slider(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits()
    slider = explorer.slider(0)
    for key, expected in (("ArrowRight", 0.51), ("ArrowLeft", 0.5), ("Home", -3.0), ("End", None)):
        slider.press(key)
        shown = explorer.shown()
        if expected is not None:
            assert shown.fields[0] == expected
        assert shown.fields[1] == -1.2
        assert_of_one_z(shown)
    assert shown.fields[0] >= 3


def test_a_number_can_be_typed(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits()
    explorer.field(0).fill("1.25")
    explorer.field(0).press("Enter")
    shown = explorer.shown()
    assert list(shown.fields) == [1.25, -1.2]
    assert list(shown.sliders) == [1.25, -1.2]
    assert differs(shown.image, vae.load(DIGITS), [1.25, -1.2]) <= LEVEL


@pytest.mark.parametrize("nonsense", ["", "--", "1e", "e5-"])
def test_nonsense_typed_changes_nothing(digits: Callable[..., ExplorerPage], nonsense: str) -> None:
    explorer = digits("0.5043,-1.2")  # between two positions of the slider
    before = explorer.shown()
    explorer.field(0).fill("")
    explorer.field(0).press_sequentially(nonsense)
    explorer.field(0).press("Enter")
    assert np.array_equal(explorer.shown().image, before.image)
    explorer.field(0).press("Tab")
    after = explorer.shown()
    assert list(after.fields) == [0.5, -1.2]
    assert np.array_equal(after.image, before.image)


def test_a_number_typed_beyond_the_range_stops_at_its_end(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits()
    explorer.field(1).fill("-99")
    explorer.field(1).press("Enter")
    explorer.field(1).press("Tab")
    shown = explorer.shown()
    assert -10 < shown.fields[1] <= -3
    assert_of_one_z(shown)


# --- buttons ---------------------------------------------------------------------------------------------------------


def test_sampling_the_prior_draws_from_the_standard_normal(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits()
    explorer.press("Sample the prior")
    assert_of_one_z(explorer.shown())
    draws = np.array(
        explorer.root.evaluate(
            """(root) => {
              const button = [...root.querySelectorAll("button")].find((one) => one.textContent === "Sample the prior");
              const fields = [1, 2].map((j) => root.querySelector(`[aria-label="z${j} as a number"]`));
              return Array.from({ length: 1000 }, () => {
                button.click();
                return fields.map((field) => Number(field.value));
              });
            }"""
        )
    )
    assert_standard_normal(draws.ravel())
    assert abs(np.corrcoef(draws.T)[0, 1]) < 5 / np.sqrt(len(draws))
    assert abs(np.corrcoef(draws[1:, 0], draws[:-1, 0])[0, 1]) < 5 / np.sqrt(len(draws))


def assert_standard_normal(draws: NDArray[np.float64]) -> None:
    """Each moment within five standard errors; the distribution function as near as chance allows as rarely."""
    n = len(draws)
    assert abs(draws.mean()) < 5 / np.sqrt(n)
    assert abs(draws.var() - 1) < 5 * np.sqrt(2 / n)
    assert abs(stats.kurtosis(draws)) < 5 * np.sqrt(24 / n)
    assert stats.kstest(draws, "norm").pvalue > 5e-7


def test_reset_goes_to_the_middle(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits()
    explorer.press("zoom in")
    explorer.press("Reset")
    shown = explorer.shown()
    assert list(shown.fields) == [0, 0]
    assert differs(shown.image, vae.load(DIGITS), [0, 0]) <= LEVEL


def test_play_walks_and_pause_stops(explore: Opener, app_url: str) -> None:
    explorer = explore.blank()
    explorer.page.clock.install()
    explorer.open(f"{app_url}/?model=digits-vae-2d&z=0,0")
    explorer.press("Play")
    frames = []
    for _ in range(12):
        explorer.page.clock.run_for(100)
        frames.append(explorer.shown())
        assert_of_one_z(frames[-1])
    assert len({frame.image.tobytes() for frame in frames}) >= 10
    steps = np.diff([frame.fields for frame in frames], axis=0)
    assert np.abs(steps).max() < 1  # smooth: no jump from one class to the next
    explorer.press("Pause")
    stopped = explorer.shown()
    explorer.page.clock.run_for(5000)
    assert np.array_equal(explorer.shown().image, stopped.image)


def test_with_less_motion_play_goes_from_class_to_class_in_steps(explore: Opener, app_url: str) -> None:
    explorer = explore.blank(reduced_motion="reduce")
    explorer.page.clock.install()
    explorer.open(f"{app_url}/?model=digits-vae-2d&z=0,0")
    explorer.press("Play")
    walk = []
    for _ in range(150):
        explorer.page.clock.run_for(200)
        walk.append(tuple(explorer.shown().fields))
    assert sum(one != other for one, other in pairwise(walk)) < 30
    stops = np.array(sorted(set(walk)))
    codes = load_file(DIGITS / "latents.safetensors")
    distances = np.linalg.norm(codes["mu"] - stops[:, None], axis=-1)
    assert distances.min(axis=1).max() < 0.5  # among the codes, not between them
    assert len(set(codes["labels"][distances.argmin(axis=1)])) >= 6


def test_play_stops_when_the_reader_takes_over(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits()
    explorer.press("Play")
    explorer.map.press("ArrowRight")
    explorer.button("Play").wait_for()
    taken = explorer.shown()
    explorer.frames(10)
    assert np.array_equal(explorer.shown().image, taken.image)


def test_the_saved_image_is_the_canvas_enlarged(digits: Callable[..., ExplorerPage], tmp_path: Path) -> None:
    explorer = digits()
    with explorer.page.expect_download() as download:
        explorer.press("Save image")
    assert download.value.suggested_filename.endswith(".png")
    download.value.save_as(tmp_path / "saved.png")
    saved = np.asarray(Image.open(BytesIO((tmp_path / "saved.png").read_bytes())).convert("RGB"))
    canvas = explorer.shown().image
    scale = saved.shape[0] // canvas.shape[0]
    assert max(saved.shape) >= 512
    assert np.array_equal(saved, canvas.repeat(scale, axis=0).repeat(scale, axis=1))


# --- the map's layers ------------------------------------------------------------------------------------------------


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
    corner, scale = measured_map(explorer)
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


def measured_map(explorer: ExplorerPage) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """z at the map's upper left corner and its change per pixel, from two places as the share link gives them."""
    box = explorer.map.bounding_box()
    assert box
    places = np.array([explorer.map_point(0.05, 0.05), explorer.map_point(0.85, 0.95)], dtype=float)
    found = []
    for x, y in places:
        explorer.page.mouse.click(x, y)
        found.append(explorer.copied_z())
    scale = (found[1] - found[0]) / (places[1] - places[0])
    return found[0] - scale * (places[0] - [box["x"], box["y"]]), scale


def test_the_rings_stand_at_one_two_and_three_sigma(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits(permissions=CLIPBOARD)
    corner, scale = measured_map(explorer)
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


# --- share links -----------------------------------------------------------------------------------------------------


def test_a_link_restores_model_and_z(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits("0.5,-1.2")
    assert explorer.model == "digits-vae-2d"
    assert list(explorer.shown().fields) == [0.5, -1.2]
    assert differs(explorer.shown().image, vae.load(DIGITS), [0.5, -1.2]) <= LEVEL


def test_a_copied_link_restores_what_was_on_show(digits: Callable[..., ExplorerPage], explore: Opener) -> None:
    explorer = digits(permissions=CLIPBOARD)
    explorer.page.mouse.click(*explorer.map_point(0.3, 0.4))
    explorer.page.mouse.move(5, 5)
    here = explorer.shown()
    again = explore(explorer.copied_link())
    assert again.model == "digits-vae-2d"
    restored = again.shown()
    assert np.abs(restored.fields - here.fields).max() <= 0.011
    assert differs(here.image, vae.load(DIGITS), explorer.copied_z(), within=0.001) <= LEVEL


@pytest.mark.parametrize(
    "query",
    [
        "model=digits-vae-2d&z=nan,1",
        "model=digits-vae-2d&z=1",
        "model=digits-vae-2d&z=1e99,0",
        "model=digits-vae-2d&z=<b>,0",
        "model=digits-vae-2d&z=" + "1," * 3000,
        "model=nope&z=0,0",
        "model=../../data&z=&z=&model=",
    ],
    ids=["nan", "too few", "too far", "no number", "very long", "no such model", "path"],
)
def test_a_hostile_link_opens_a_working_page(explore: Opener, app_url: str, query: str) -> None:
    explorer = explore(f"{app_url}/?{query}")
    if query.startswith("model=digits"):
        assert explorer.model == "digits-vae-2d"
    assert np.abs(explorer.shown().fields).max() < 10
    explorer.press("Reset")
    assert not explorer.shown().fields.any()
    assert explorer.page.get_by_test_id("stException").count() == 0
    assert "Traceback" not in explorer.page.inner_text("body")
