"""The explorer as a person meets it, by roles and names, and the grey levels that torch says it should show."""

import base64
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import torch
from PIL import Image
from playwright.sync_api import Browser, Locator, Page

from tests.serving import ROOT
from vae.models import Model

DIGITS = ROOT / "checkpoints" / "digits-vae-2d"
LEVEL = 1.0  # grey level: canvas and torch may round apart
DECIMALS = 0.0055  # what the two decimals of a field leave open
CLIPBOARD = ("clipboard-read", "clipboard-write")
LOAD_TIMEOUT = 60_000  # milliseconds; a busy machine may be slow
READ_CANVAS = "(canvas) => canvas.toDataURL()"  # as PNG, which loses nothing
READ_ALL = f"""(root) => {{
  const named = (name) => root.querySelector(`[aria-label="${{name}}"]`);
  const fields = [...root.querySelectorAll('[aria-label$=" as a number"]')];
  const sliders = [...root.querySelectorAll('input[type="range"]')];
  const numberOf = (input) => parseInt(input.ariaLabel.slice(1));
  const values = (inputs) => Object.fromEntries(inputs.map((input) => [numberOf(input), input.value]));
  return {{ fields: values(fields), sliders: values(sliders), image: ({READ_CANVAS})(named("decoded image")) }};
}}"""
NEXT_FRAMES = """(count) => new Promise((resolve) => {
  const step = () => (count-- > 0 ? requestAnimationFrame(step) : resolve());
  step();
})"""


@dataclass(frozen=True)
class Shown:
    """What the page showed at one moment, between two of its own steps."""

    fields: np.ndarray  # (d,) the typed fields, two decimals; NaN where one holds no number
    sliders: np.ndarray  # (d,) the positions of the sliders
    image: np.ndarray  # (H, W, 3) grey levels or colours, 0 to 255


class ExplorerPage:
    """One page in a context of its own. `problems` holds what the console and the page reported as errors."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.problems: list[str] = []
        page.set_default_timeout(LOAD_TIMEOUT)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda message: self.problems.append(message.text) if message.type == "error" else None)
        self.root = page.locator(".explorer")
        self.map = page.get_by_label("latent map", exact=True)
        self.image = page.get_by_role("img", name="decoded image", exact=True)

    def open(self, url: str) -> None:
        """Go there and wait until a model is on show."""
        self.page.goto(url)
        self.page.locator(".explorer[data-model]").wait_for()
        self.page.evaluate("document.fonts.ready.then(() => {})")

    @property
    def model(self) -> str | None:
        return self.root.get_attribute("data-model")

    def wait_for_model(self, name: str) -> None:
        self.page.locator(f'.explorer[data-model="{name}"]').wait_for()

    def choose(self, name: str) -> None:
        """Choose another model in the picker, and wait for it."""
        self.pick(name)
        self.wait_for_model(name)

    def pick(self, name: str) -> None:
        self.page.get_by_role("combobox", name="Model").click()
        self.page.get_by_role("option", name=re.compile(rf"^{re.escape(name)} ")).click()

    def slider(self, j: int) -> Locator:
        return self.page.get_by_role("slider", name=f"z{j + 1}", exact=True)

    def field(self, j: int) -> Locator:
        return self.page.get_by_label(f"z{j + 1} as a number", exact=True)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def press(self, name: str) -> None:
        self.button(name).click()

    def shown(self) -> Shown:
        """Everything that follows z, read in one go."""
        read = self.root.evaluate(READ_ALL)
        fields, sliders = (
            np.array([float(values[key] or "nan") for key in sorted(values, key=int)])
            for values in (read["fields"], read["sliders"])
        )
        return Shown(fields, sliders, read_png(read["image"])[..., :3])

    def layers(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The map's canvases as RGBA (H, W, 4): lattice, points, cursor."""
        canvases = self.map.locator("xpath=..").locator("canvas").all()
        lattice, points, cursor = (read_png(canvas.evaluate(READ_CANVAS)) for canvas in canvases)
        return lattice, points, cursor

    def cursor(self) -> tuple[float, float]:
        """The middle of the cursor's ring, the one opaque thing on its canvas, on the page."""
        canvas, box = self.layers()[2], self.map.bounding_box()
        assert box
        opaque = np.argwhere(canvas[..., 3] == 255)
        assert len(opaque), "there is no cursor"
        y, x = (opaque.min(axis=0) + opaque.max(axis=0) + 1) / 2 * box["width"] / len(canvas)
        return box["x"] + float(x), box["y"] + float(y)

    def scrolled(self) -> float:
        """How far down the page is, in pixels."""
        return self.page.evaluate("document.querySelector('[data-testid=stMain]').scrollTop + scrollY")

    def frames(self, count: int = 2) -> None:
        """Let the page draw that many frames."""
        self.page.evaluate(NEXT_FRAMES, count)

    def wait_until(self, holds: Callable[[], bool]) -> None:
        wait_until(self.page, holds)

    def copied_z(self) -> np.ndarray:
        """The z of the link that "Copy link" puts into the clipboard: three decimals."""
        return np.array([float(part) for part in parse_qs(urlsplit(self.copied_link()).query)["z"][0].split(",")])

    def copied_link(self) -> str:
        self.page.evaluate("navigator.clipboard.writeText('')")
        self.press("Copy link")
        return self.page.wait_for_function("navigator.clipboard.readText()").json_value()

    def measured_map(self) -> tuple[np.ndarray, np.ndarray]:
        """z at the map's upper left corner and its change per pixel, from two places as the share link gives them.

        Needs CLIPBOARD; leaves z at the second place.
        """
        box = self.map.bounding_box()
        assert box
        places = np.array([self.map_point(0.05, 0.05), self.map_point(0.85, 0.95)], dtype=float)
        found = []
        for x, y in places:
            self.page.mouse.click(x, y)
            found.append(self.copied_z())
        scale = (found[1] - found[0]) / (places[1] - places[0])
        return found[0] - scale * (places[0] - [box["x"], box["y"]]), scale

    def map_point(self, across: float, down: float) -> tuple[float, float]:
        """A place on the map, given in shares of its side, as whole pixels of the page."""
        box = self.map.bounding_box()
        assert box
        return round(box["x"] + across * box["width"]), round(box["y"] + down * box["height"])

    def thumb(self, j: int) -> tuple[float, float]:
        """The middle of a slider's thumb."""
        place: list[float] = self.slider(j).evaluate(
            """(slider) => {
              const { left, top, width, height } = slider.getBoundingClientRect();
              const share = (slider.value - slider.min) / (slider.max - slider.min);
              return [left + 9 + share * (width - 18), top + height / 2];
            }"""
        )
        return place[0], place[1]


def wait_until(page: Page, holds: Callable[[], bool]) -> None:
    """Let the page draw until a condition holds. Raises TimeoutError when it never does."""
    deadline = time.monotonic() + LOAD_TIMEOUT / 1000
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("The page never came to show what was waited for.")
        page.evaluate(NEXT_FRAMES, 5)


class Opener:
    """Opens explorers, each in a context of its own."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.opened: list[ExplorerPage] = []

    def __call__(self, url: str, **options: Any) -> ExplorerPage:
        """A page at `url`, its model on show. `options` are those of a browser context."""
        page = self.blank(**options)
        page.open(url)
        return page

    def blank(self, **options: Any) -> ExplorerPage:
        """A page that has not gone anywhere yet."""
        settings: dict[str, Any] = {"viewport": {"width": 1360, "height": 1000}} | options
        context = self._browser.new_context(**settings)
        self.opened.append(ExplorerPage(context.new_page()))
        return self.opened[-1]


def grey_levels(model: Model, z: Any, dark: bool = False) -> np.ndarray:
    """What torch's mean images of codes (N, d) look like on the page: (N, H, W, 3), 0 to 255, not rounded.

    Strokes are drawn dark on light in the light theme.
    """
    assert model.card
    images = model.images(torch.as_tensor(np.atleast_2d(z), dtype=torch.float32)).numpy().transpose(0, 2, 3, 1)
    values = 1 - images if model.card.data.ink and not dark else images
    return np.broadcast_to(255 * values, (*values.shape[:3], 3))


def differs(image: np.ndarray, model: Model, z: Any, within: float = 0.0, dark: bool = False) -> float:
    """By how many grey levels an image leaves the range of torch's images at z, each coordinate give or take `within`.

    Rounding to whole levels alone gives up to 0.5.
    """
    d = len(z)
    # The corners of a square, too, for two dimensions: there the image may change most.
    axes = np.vstack([np.eye(d), [[1.0, 1.0], [1.0, -1.0]]]) if d == 2 else np.eye(d)
    levels = grey_levels(model, np.asarray(z) + within * np.vstack([np.zeros(d), axes, -axes]), dark)
    return float(np.maximum(levels.min(axis=0) - image, image - levels.max(axis=0)).max())


def read_png(data_url: str) -> np.ndarray:
    """A canvas as RGBA (H, W, 4), 0 to 255, from its data URL."""
    png = base64.b64decode(data_url.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(BytesIO(png)).convert("RGBA"), dtype=float)
