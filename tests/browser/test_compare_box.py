"""The box and the samples of the compare page in a real Chromium: what is drawn with the mouse, sent, and decoded."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Locator, Page

import vae
from tests.browser.conftest import LOGS
from tests.browser.explorer_page import LEVEL, LOAD_TIMEOUT, READ_CANVAS, grey_levels, read_png
from tests.serving import ROOT, serve
from ui.models import model_options
from vae.analysis.places import places
from vae.codes import load_codes

pytestmark = pytest.mark.browser

APP = """
import sys

sys.path.insert(0, {root!r})
import streamlit as st

from ui.routes import routes

app = st.App({root!r} + "/tests/compare/sections_page.py", routes=routes)
"""
DIGITS = ("digits-ae-2d", "digits-vae-2d")
MNIST = ("mnist-ae-2d", "mnist-vae-2d")
NAMES = ("AE", "VAE")
CLOSE = 1e-4
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
# What Plotly has as its box now, and how a place of the page reads in z.
READ_BOX = """(chart) => {
  const [box] = chart.querySelector('.js-plotly-plot').layout.selections ?? [];
  return box ? [box.x0, box.x1, box.y0, box.y1].map(Number) : null;
}"""
TO_LATENT = """(chart, [x, y]) => {
  const plot = chart.querySelector('.js-plotly-plot');
  const { xaxis2: across, yaxis2: up } = plot._fullLayout;
  const { left, top } = plot.getBoundingClientRect();
  return [across.p2d(x - left - across._offset), up.p2d(y - top - up._offset)];
}"""


class Lattice(NamedTuple):
    """A box as its edges."""

    left: float
    right: float
    bottom: float
    top: float

    def points(self, n: int) -> np.ndarray:
        """The middle of each cell, from the upper left, (n * n, 2)."""
        x = np.linspace(self.left, self.right, 2 * n + 1)[1::2]
        y = np.linspace(self.top, self.bottom, 2 * n + 1)[1::2]
        return np.array([(across, up) for up in y for across in x])


class Sections:
    """One page with the two sections on two models."""

    def __init__(self, page: Page, url: str, models: tuple[str, str]) -> None:
        self.page, self.models = page, models
        self.problems: list[str] = []
        self.sent: list[int] = []  # bytes of each message to the server
        self.fetched: list[str] = []
        page.set_default_timeout(LOAD_TIMEOUT)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda message: self.problems.append(message.text) if message.type == "error" else None)
        page.on("websocket", lambda socket: socket.on("framesent", lambda data: self.sent.append(len(data))))
        page.on("request", lambda request: self.fetched.append(request.url) if "/api/" in request.url else None)
        page.goto(f"{url}/?left={models[0]}&right={models[1]}")
        for name in ("decoded grid", "samples"):
            for side in (0, 1):
                self.page.wait_for_function("(c) => c.images", arg=self.canvas(name, side).element_handle())
        for side in (0, 1):
            self.map(side).locator(".js-plotly-plot .nsewdrag").last.wait_for()

    def canvas(self, name: str, side: int) -> Locator:
        return self.page.get_by_role("img", name=f"{name}, {NAMES[side]}", exact=True)

    def map(self, side: int) -> Locator:
        return self.page.get_by_role("figure", name=f"latent map to draw a box on, {NAMES[side]}", exact=True)

    def images(self, name: str, side: int) -> np.ndarray:
        """The decoded numbers themselves, (N, pixels)."""
        pixels = int(np.prod(model_options()[self.models[side]].card.data.shape))
        return np.array(self.canvas(name, side).evaluate("(canvas) => Array.from(canvas.images)")).reshape(-1, pixels)

    def after(self, act: Callable[[], object], *awaited: tuple[str, int]) -> None:
        """Do something, and wait until each of these canvases shows new images."""
        handles = [self.canvas(*each).element_handle() for each in awaited]
        for handle in handles:
            handle.evaluate("(canvas) => { canvas.before = canvas.images; }")
        act()
        for handle in handles:
            self.page.wait_for_function("(canvas) => canvas.images !== canvas.before", arg=handle)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def drag(self, side: int, start: tuple[float, float], end: tuple[float, float]) -> Lattice:
        """Draw a box with the mouse between two places, in shares of the map. What Plotly should make of it."""
        self.map(side).scroll_into_view_if_needed()
        box = self.map(side).bounding_box()
        assert box
        places = [
            (round(box["x"] + across * box["width"]), round(box["y"] + down * box["height"]))
            for across, down in (start, end)
        ]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        self.page.mouse.move(*places[1], steps=6)
        self.page.mouse.up()
        (x0, y0), (x1, y1) = (self.map(side).evaluate(TO_LATENT, place) for place in places)
        return Lattice(min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1))

    def box(self, side: int) -> Lattice | None:
        """The box that Plotly shows."""
        read = self.map(side).evaluate(READ_BOX)
        return read and Lattice(min(read[:2]), max(read[:2]), min(read[2:]), max(read[2:]))


def decoded(name: str, codes: np.ndarray) -> np.ndarray:
    """What torch makes of codes (N, d): (N, pixels)."""
    images = vae.load(ROOT / "checkpoints" / name).images(torch.from_numpy(codes).float())
    return images.flatten(1).numpy()


@pytest.fixture(scope="module")
def sections_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("sections")
    script, log = folder / "app.py", folder / "log.txt"
    script.write_text(APP.format(root=str(ROOT)), encoding="utf-8")
    request.session.stash.setdefault(LOGS, []).append(log)
    with serve(script, log) as url:
        yield url


@pytest.fixture
def sections(browser: Browser, sections_url: str) -> Iterator[Callable[..., Sections]]:
    """Opens the sections on two models; afterwards no page may have reported an error."""
    opened: list[Sections] = []

    def open_on(models: tuple[str, str] = DIGITS, **options: Any) -> Sections:
        settings: dict[str, Any] = {"viewport": {"width": 1440, "height": 1000}} | options
        opened.append(Sections(browser.new_context(**settings).new_page(), sections_url, models))
        return opened[-1]

    yield open_on
    problems = [problem for each in opened for problem in each.problems]
    for each in opened:
        each.page.context.close()
    assert not problems


# --- the box


@pytest.mark.parametrize("upwards", [False, True])
@pytest.mark.parametrize("side", [0, 1])
def test_the_grid_is_what_torch_makes_of_the_box_drawn_with_the_mouse(
    sections: Callable[..., Sections], side: int, upwards: bool
) -> None:
    page = sections()
    corners = ((0.35, 0.25), (0.62, 0.7))
    asked: list[Lattice] = []
    untouched = page.images("decoded grid", 1 - side)
    page.after(lambda: asked.append(page.drag(side, *(corners[::-1] if upwards else corners))), ("decoded grid", side))
    drawn = page.box(side)
    assert drawn
    pixel = 1.5 * (asked[0].right - asked[0].left) / (0.27 * page.map(side).evaluate("(chart) => chart.clientWidth"))
    np.testing.assert_allclose(drawn, asked[0], atol=pixel)
    expected = decoded(DIGITS[side], drawn.points(12))
    assert np.abs(page.images("decoded grid", side) - expected).max() <= CLOSE
    np.testing.assert_array_equal(page.images("decoded grid", 1 - side), untouched)


def test_a_box_over_nothing_is_decoded_too(sections: Callable[..., Sections]) -> None:
    page = sections()
    page.after(lambda: page.drag(0, (0.08, 0.04), (0.14, 0.3)), ("decoded grid", 0))
    drawn = page.box(0)
    assert drawn
    codes = load_codes(ROOT / "checkpoints" / DIGITS[0]).mu
    inside = (codes > [drawn.left, drawn.bottom]) & (codes < [drawn.right, drawn.top])
    assert not inside.all(axis=1).any()
    assert np.abs(page.images("decoded grid", 0) - decoded(DIGITS[0], drawn.points(12))).max() <= CLOSE
    page.page.get_by_text("No test image lies in it").wait_for()


def test_a_box_round_ten_thousand_points_sends_its_corners_and_no_point(sections: Callable[..., Sections]) -> None:
    page = sections(MNIST)
    page.sent.clear()
    page.after(lambda: page.drag(1, (0.12, 0.03), (0.95, 0.9)), ("decoded grid", 1))
    drawn, codes = page.box(1), load_codes(ROOT / "checkpoints" / MNIST[1]).mu
    assert drawn
    inside = (codes > [drawn.left, drawn.bottom]) & (codes < [drawn.right, drawn.top])
    assert inside.all(axis=1).sum() > 8000
    assert 0 < sum(page.sent) < 2000
    page.sent.clear()
    page.after(lambda: page.press("Draw again"), ("samples", 0), ("samples", 1))
    assert 0 < sum(page.sent) < 2000  # nor at a later rerun


@pytest.mark.parametrize(
    ("button", "place"), [("A seam between classes", "seam"), ("A blank corner", "blank"), ("A cluster", "cluster")]
)
def test_a_place_to_try_is_marked_and_decoded_on_both_sides(
    sections: Callable[..., Sections], button: str, place: str
) -> None:
    page = sections()
    own = [("decoded grid", side) for side in (0, 1)]
    page.after(lambda: page.drag(0, (0.4, 0.4), (0.6, 0.6)), own[0])
    if place != "cluster":  # the one that stands there at first
        page.after(lambda: page.press(button), *own)
    else:
        page.after(lambda: page.press(button), own[0])
    for side, name in enumerate(DIGITS):
        codes = load_codes(ROOT / "checkpoints" / name)
        box = getattr(places(codes.mu, codes.labels), place)
        lattice = Lattice(box.left, box.right, box.bottom, box.top)
        assert np.abs(page.images("decoded grid", side) - decoded(name, lattice.points(12))).max() <= CLOSE
        page.page.wait_for_function(
            "([chart, left, read]) => Math.abs((eval(read)(chart) ?? [NaN])[0] - left) < 1e-6",
            arg=[page.map(side).element_handle(), box.left, READ_BOX],
        )
        assert page.box(side) == pytest.approx(lattice)


def test_more_images_a_side_show_the_same_box_finer_and_fetch_nothing(sections: Callable[..., Sections]) -> None:
    page = sections()
    page.fetched.clear()
    slider = page.page.get_by_role("slider", name="Images along a side")
    page.after(lambda: slider.press("End"), ("decoded grid", 0), ("decoded grid", 1))
    box = page.box(1)
    assert box
    assert np.abs(page.images("decoded grid", 1) - decoded(DIGITS[1], box.points(20))).max() <= CLOSE
    assert page.fetched == []


def test_more_than_two_dimensions_are_held_at_zero(sections: Callable[..., Sections]) -> None:
    page = sections(("mnist-ae-2d", "mnist-vae-20d"))
    page.after(lambda: page.drag(1, (0.3, 0.3), (0.6, 0.6)), ("decoded grid", 1))
    drawn, mu = page.box(1), load_codes(ROOT / "checkpoints" / "mnist-vae-20d").mu
    assert drawn
    codes = np.zeros((144, 20))
    codes[:, np.sort(np.argsort(mu.std(axis=0))[-2:])] = drawn.points(12)
    assert np.abs(page.images("decoded grid", 1) - decoded("mnist-vae-20d", codes)).max() <= CLOSE
    page.page.get_by_text("the other dimensions are held at 0").wait_for()


# --- the pictures


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_strokes_are_dark_on_light_and_light_on_dark(sections: Callable[..., Sections], scheme: str) -> None:
    page = sections(color_scheme=scheme)
    model, box = vae.load(ROOT / "checkpoints" / DIGITS[0]), page.box(0)
    assert box
    shown = read_png(page.canvas("decoded grid", 0).evaluate(READ_CANVAS))
    levels = grey_levels(model, box.points(12), dark=scheme == "dark")
    step = shown.shape[1] - 11 * ((shown.shape[1] - 8) // 11) + (shown.shape[1] - 8) // 11 - 8
    assert step == (shown.shape[1] - 8) / 11
    for row, column in ((0, 0), (0, 11), (5, 7), (11, 0), (11, 11)):
        tile = shown[row * step : row * step + 8, column * step : column * step + 8, :3]
        assert np.abs(tile - levels[12 * row + column]).max() <= LEVEL


def test_the_image_under_the_mouse_reads_out_its_z(sections: Callable[..., Sections]) -> None:
    page = sections()
    canvas, box = page.canvas("decoded grid", 1), page.box(1)
    assert box
    canvas.scroll_into_view_if_needed()
    place = canvas.bounding_box()
    assert place
    for row, column in ((0, 0), (7, 3), (11, 11)):
        page.page.mouse.move(
            place["x"] + (column + 0.5) / 12 * place["width"], place["y"] + (row + 0.5) / 12 * place["height"]
        )
        x, y = box.points(12)[12 * row + column]
        read = f"z = ({x:.2f}, {y:.2f})".replace("-", "\u2212")
        page.page.get_by_text(read, exact=True).wait_for()
    page.page.mouse.move(5, 5)
    assert page.page.get_by_text("Point at an image to read its z.").count() == 4


def test_a_mosaic_can_be_saved(sections: Callable[..., Sections]) -> None:
    page = sections()
    with page.page.expect_download() as download:
        page.page.get_by_role("button", name="Save image").first.click()
    assert download.value.suggested_filename == f"{DIGITS[0]}_decoded-grid.png"
    assert Path(download.value.path()).read_bytes()[:4] == b"\x89PNG"


def test_a_phone_shows_map_above_grid_and_nothing_too_wide(sections: Callable[..., Sections]) -> None:
    page = sections(**PHONE)
    widths = page.page.evaluate(
        """[document.documentElement, document.querySelector('[data-testid=stMain]')]
          .map((element) => [element.scrollWidth, element.clientWidth])"""
    )
    assert all(content <= screen for content, screen in widths)
    parts = [page.map(0), page.canvas("decoded grid", 0), page.map(1), page.canvas("decoded grid", 1)]
    boxes = [part.bounding_box() for part in [*parts, page.canvas("samples", 0), page.canvas("samples", 1)]]
    bottom = 0.0
    for box in boxes:
        assert box
        assert box["y"] >= bottom
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["width"] > 280
        bottom = box["y"] + box["height"]


# --- the samples


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
