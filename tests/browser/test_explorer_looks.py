"""The explorer in dark and light, on a narrow screen, and under a finger, in a real Chromium."""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vae
from tests.browser.explorer_page import DECIMALS, DIGITS, LEVEL, ExplorerPage, Opener, differs
from tests.made_models import COLOUR

pytestmark = pytest.mark.browser

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
# Every visible text with its colour on the nearest painted ground behind it; a canvas turns any notation into bytes.
TEXTS = """() => {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const bytes = (color) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    return Array.from(context.getImageData(0, 0, 1, 1).data);
  };
  const parentOf = (element) => element.assignedSlot ?? element.parentElement ?? element.getRootNode().host ?? null;
  const ground = (element) => {
    for (let at = element; at; at = parentOf(at)) {
      const color = bytes(getComputedStyle(at).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  const opacity = (element) => {
    let product = 1;
    for (let at = element; at; at = parentOf(at)) product *= getComputedStyle(at).opacity;
    return product;
  };
  const found = [];
  const visit = (root) => {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) visit(element.shadowRoot);
      const own = [...element.childNodes].filter((node) => node.nodeType === 3);
      const text = own.map((node) => node.data).join("").trim() || (element.type === "number" && element.value);
      if (!text || element.matches(":disabled, style, script, option") || !element.checkVisibility()) continue;
      const style = getComputedStyle(element);
      found.push({ text, ink: bytes(style.color), paper: ground(element), opacity: opacity(element) });
    }
  };
  visit(document.querySelector('[data-testid="stMain"]'));
  return found;
}"""


def contrast(ink: list[int], paper: list[int], opacity: float) -> float:
    """The contrast ratio of the Web Content Accessibility Guidelines 2.2, of ink laid on paper."""
    share = opacity * ink[3] / 255
    mixed = share * np.array(ink[:3]) + (1 - share) * np.array(paper[:3])
    lighter, darker = sorted((luminance(mixed), luminance(np.array(paper[:3]))), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: np.ndarray) -> float:
    c = color / 255
    return float(np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_strokes_are_dark_on_light_and_light_on_dark(digits: Callable[..., ExplorerPage], scheme: str) -> None:
    model = vae.load(DIGITS)
    explorer = digits("0.5,-1.2", color_scheme=scheme)
    image = explorer.shown().image
    assert differs(image, model, [0.5, -1.2], dark=scheme == "dark") <= LEVEL
    assert differs(image, model, [0.5, -1.2], dark=scheme != "dark") > 100


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_photographs_keep_their_values(explore: Opener, made_url: str, made_models: Path, scheme: str) -> None:
    explorer = explore(f"{made_url}/?model={COLOUR}&z=0.5,-1.2", color_scheme=scheme)
    assert differs(explorer.shown().image, vae.load(made_models / COLOUR), [0.5, -1.2]) <= LEVEL


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(digits: Callable[..., ExplorerPage], scheme: str) -> None:
    explorer = digits("0,0", color_scheme=scheme)
    for more in ("The mathematics", f"About {DIGITS.name} and its data"):
        explorer.page.get_by_text(more, exact=True).click()
    explorer.page.locator(".katex").last.wait_for()
    texts = explorer.page.evaluate(TEXTS)
    assert len(texts) > 40
    ground = np.median([luminance(np.array(text["paper"][:3])) for text in texts])
    assert (ground < 0.05) == (scheme == "dark")
    ratios = {text["text"]: contrast(text["ink"], text["paper"], text["opacity"]) for text in texts}
    assert {text: round(ratio, 2) for text, ratio in ratios.items() if ratio < 4.5} == {}


def test_the_map_is_sharp_on_a_dense_screen(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits("0,0", device_scale_factor=2)
    box = explorer.map.bounding_box()
    assert box
    assert len(explorer.layers()[1]) == pytest.approx(2 * box["width"], abs=2)
    place = explorer.map_point(0.3, 0.6)
    explorer.page.mouse.click(*place)
    explorer.page.mouse.move(5, 5)
    assert np.abs(np.subtract(explorer.cursor(), place)).max() <= 1.5


def test_a_phone_shows_every_part_one_below_the_other(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits("0,0", **PHONE)
    page = explorer.page
    widths = page.evaluate(
        """[document.documentElement, document.querySelector('[data-testid=stMain]')]
          .map((element) => [element.scrollWidth, element.clientWidth])"""
    )
    assert all(content <= screen for content, screen in widths)
    parts = [explorer.image, explorer.map, explorer.slider(0), explorer.slider(1)]
    parts += [explorer.button("Sample the prior"), explorer.button("Copy link"), explorer.button("points")]
    boxes = []
    for part in parts:
        assert part.is_visible()
        box = part.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        boxes.append(box)
    assert all(upper["y"] + upper["height"] <= lower["y"] for upper, lower in pairwise(boxes[:3]))
    assert boxes[1]["width"] > 300


def test_a_finger_on_the_map_moves_z_and_not_the_page(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits("0,0", **PHONE)
    explorer.map.evaluate("(map) => map.scrollIntoView({ block: 'center' })")
    before, top = explorer.shown(), explorer.scrolled()
    finger = Finger(explorer)
    finger.down(*explorer.map_point(0.3, 0.3))
    seen = []
    for across, down in ((0.35, 0.45), (0.5, 0.6), (0.6, 0.75)):
        finger.move(*explorer.map_point(across, down))
        explorer.frames()
        seen.append(explorer.shown())
        assert differs(seen[-1].image, vae.load(DIGITS), seen[-1].fields, within=DECIMALS) <= LEVEL
    finger.up()
    assert len({shown.image.tobytes() for shown in (before, *seen)}) == 4
    assert seen[-1].fields[0] > seen[0].fields[0]
    assert seen[-1].fields[1] < seen[0].fields[1]
    assert explorer.scrolled() == top

    # The same finger beside the map does scroll: the page would have moved.
    heading = explorer.page.get_by_role("heading", name=re.compile("Latent map")).bounding_box()
    assert heading
    x, y = heading["x"] + 5, heading["y"] + 5
    finger.down(x, y)
    for moved in range(10, 130, 10):
        finger.move(x, y - moved)
    finger.up()
    explorer.wait_until(lambda: explorer.scrolled() != top)


def test_a_finger_on_a_slider_moves_z_and_not_the_page(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits("0,0", **PHONE)
    explorer.slider(0).scroll_into_view_if_needed()
    top, finger, (x, y) = explorer.scrolled(), Finger(explorer), explorer.thumb(0)
    finger.down(x, y)
    for moved in range(5, 45, 5):
        finger.move(x + moved, y + moved)
    explorer.frames()
    shown = explorer.shown()
    finger.up()
    assert shown.fields[0] > 0.3
    assert differs(shown.image, vae.load(DIGITS), [shown.sliders[0], 0]) <= LEVEL
    assert explorer.scrolled() == top


def test_two_fingers_zoom_the_map(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits("0,0", **PHONE)
    explorer.map.scroll_into_view_if_needed()
    before = explorer.layers()[1]
    left, right = explorer.map_point(0.45, 0.5), explorer.map_point(0.55, 0.5)
    hand = Finger(explorer)
    hand.touch("touchStart", left)
    hand.touch("touchStart", left, right)
    for spread in range(10, 90, 10):
        hand.touch("touchMove", (left[0] - spread, left[1]), (right[0] + spread, right[1]))
    hand.up()
    explorer.frames()
    assert not np.array_equal(explorer.layers()[1], before)
    assert list(explorer.shown().fields) == [0, 0]  # the map moved, not z


class Finger:
    """Touches, as the screen reports them."""

    def __init__(self, explorer: ExplorerPage) -> None:
        self._screen = explorer.page.context.new_cdp_session(explorer.page)

    def touch(self, kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._screen.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def down(self, x: float, y: float) -> None:
        self.touch("touchStart", (x, y))

    def move(self, x: float, y: float) -> None:
        self.touch("touchMove", (x, y))

    def up(self) -> None:
        self.touch("touchEnd")
