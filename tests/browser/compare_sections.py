"""The box and the samples of the compare page, alone on a page, and the images that torch says they show."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from playwright.sync_api import Locator, Page

import vae
from tests.browser.explorer_page import LOAD_TIMEOUT
from tests.serving import ROOT
from ui.models import model_options

SECTIONS_APP = """
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
