"""The compare page as a person meets it: two maps, two images, one status line."""

import re

import numpy as np
from playwright.sync_api import Locator, Page
from safetensors.numpy import load_file

from tests.browser.explorer_page import LOAD_TIMEOUT, NEXT_FRAMES, READ_CANVAS, read_png
from tests.serving import ROOT

# What comes later above the maps moves them: a mouse that aims meanwhile misses.
STANDS_STILL = """(map, frames) => new Promise((resolve) => {
  let place = "";
  let left = frames;
  const look = () => {
    const { x, y, width } = map.getBoundingClientRect();
    left = place === `${x} ${y} ${width}` ? left - 1 : frames;
    place = `${x} ${y} ${width}`;
    left > 0 ? requestAnimationFrame(look) : resolve();
  };
  look();
})"""


class ComparePage:
    """`names` are what the page calls the two models, left and right."""

    def __init__(self, page: Page, url: str, names: tuple[str, str]) -> None:
        self.page, self.names = page, names
        self.problems: list[str] = []
        page.set_default_timeout(LOAD_TIMEOUT)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.goto(url)
        page.locator(".duet[data-models]").wait_for()
        page.evaluate("document.fonts.ready.then(() => {})")
        self.map(0).evaluate(STANDS_STILL, 10)

    def map(self, side: int) -> Locator:
        return self.page.get_by_label(f"latent map, {self.names[side]}", exact=True)

    def image(self, side: int) -> np.ndarray:
        """The decoded image's grey levels (H, W, 3)."""
        canvas = self.page.get_by_role("img", name=f"decoded image, {self.names[side]}", exact=True)
        return read_png(canvas.evaluate(READ_CANVAS))[..., :3]

    @property
    def status(self) -> str:
        return self.page.locator(".duet .status").inner_text()

    @property
    def linked(self) -> int | None:
        """The test image that both points sit on."""
        found = re.search(r"test image (\d+)", self.status)
        return int(found[1]) if found else None

    def cursor(self, side: int) -> tuple[float, float]:
        """The middle of the point's ring, in shares of the map's side."""
        canvas = read_png(self.map(side).evaluate(READ_CANVAS))
        # The cross-hairs, thin and half transparent, are the one thing that reaches the edges.
        edge_x = np.flatnonzero(canvas[2, :, 3] > 0)
        edge_y = np.flatnonzero(canvas[:, 2, 3] > 0)
        assert len(edge_x), "there is no cursor"
        return float(edge_x.mean() + 0.5) / canvas.shape[1], float(edge_y.mean() + 0.5) / canvas.shape[0]

    def point(self, side: int, across: float, down: float) -> tuple[float, float]:
        """A place on a map, in shares of its side, on the page."""
        box = self.map(side).bounding_box()
        assert box
        return box["x"] + float(across) * box["width"], box["y"] + float(down) * box["height"]

    def frames(self, count: int = 2) -> None:
        self.page.evaluate(NEXT_FRAMES, count)


def stored_codes(name: str) -> np.ndarray:
    """The mean codes (N, d) of the test set of a shipped model."""
    return load_file(ROOT / "checkpoints" / name / "latents.safetensors")["mu"]


def shares_on_map(codes: np.ndarray, has_prior: bool) -> np.ndarray:
    """Where each code (N, 2) lies on a map that fits them, in shares of its side, from its upper left corner.

    The map shows all codes but one in a thousand at each side, the three rings where there is a prior, and a margin.
    """
    ordered, count = np.sort(codes, axis=0), len(codes)
    low, high = ordered[int(0.001 * count)], ordered[int(np.ceil(0.999 * count)) - 1]
    if has_prior:
        low, high = np.minimum(low, -3), np.maximum(high, 3)
    half = 1.06 * ((high - low) / 2).max()
    shares = (codes - (low + high) / 2) / (2 * half)
    return np.column_stack([0.5 + shares[:, 0], 0.5 - shares[:, 1]])
