"""The box of the compare page in a real Chromium: what is drawn with the mouse, sent, and decoded."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vae
from tests.browser.compare_sections import CLOSE, DIGITS, MNIST, READ_BOX, Lattice, Sections, decoded
from tests.browser.explorer_page import LEVEL, READ_CANVAS, grey_levels, read_png
from tests.serving import ROOT
from vae.analysis.places import places
from vae.codes import load_codes

pytestmark = pytest.mark.browser

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


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
            f"([chart, left]) => Math.abs((({READ_BOX})(chart) ?? [NaN])[0] - left) < 1e-6",
            arg=[page.map(side).element_handle(), box.left],
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
