"""The main job in a real Chromium: whatever is dragged, the image under the finger is what torch decodes."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

import vae
from tests.browser.explorer_page import (
    CLIPBOARD,
    DECIMALS,
    DIGITS,
    LEVEL,
    ExplorerPage,
    Opener,
    differs,
    grey_levels,
    read_png,
)
from tests.serving import ROOT
from vae.analysis.standard_normal import log_density

pytestmark = pytest.mark.browser

SHIPPED = sorted(card.parent.name for card in (ROOT / "checkpoints").glob("*/card.json"))


def start_of(name: str) -> list[float]:
    """A z to open a model at, different in every coordinate."""
    d = vae.load(ROOT / "checkpoints" / name).config.latent_dim
    return [round(0.6 * (-0.7) ** j, 3) for j in range(d)]


def test_it_opens_on_a_trained_model_with_no_click(explore: Opener, app_url: str) -> None:
    explorer = explore(app_url)
    assert explorer.model == "mnist-vae-2d"
    assert explorer.image.is_visible()
    assert explorer.map.is_visible()
    shown = explorer.shown()
    assert shown.image.std() > 30  # strokes on paper, no empty canvas
    assert differs(shown.image, vae.load(ROOT / "checkpoints" / "mnist-vae-2d"), shown.fields, within=DECIMALS) <= LEVEL


@pytest.mark.parametrize("name", SHIPPED)
def test_a_slider_drag_draws_what_torch_decodes(explore: Opener, app_url: str, name: str) -> None:
    model, z = vae.load(ROOT / "checkpoints" / name), start_of(name)
    explorer = explore(f"{app_url}/?model={name}&z={','.join(map(str, z))}")
    assert differs(explorer.shown().image, model, z) <= LEVEL
    slider = explorer.page.get_by_role("slider").first
    j = int((slider.get_attribute("aria-label") or "").removeprefix("z")) - 1

    mouse, box = explorer.page.mouse, slider.bounding_box()
    assert box
    mouse.move(*explorer.thumb(j))
    mouse.down()
    seen = []
    for share in (0.4, 0.55, 0.7, 0.8, 0.35, 0.2):
        mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2, steps=4)
        shown = explorer.shown()  # the button is still down
        z[j] = shown.sliders[j]
        assert differs(shown.image, model, z) <= LEVEL
        assert np.abs(shown.fields - z).max() <= 0.0051
        seen.append((z[j], shown.image))
    assert len({value for value, _ in seen}) == 6
    assert len({image.tobytes() for _, image in seen}) >= 5
    mouse.up()
    explorer.frames()
    assert np.array_equal(explorer.shown().image, seen[-1][1])


def test_a_drag_on_the_map_moves_map_sliders_and_image_together(digits: Callable[..., ExplorerPage]) -> None:
    model, explorer = vae.load(DIGITS), digits(permissions=CLIPBOARD)
    corner, scale = explorer.measured_map()
    assert scale[0] == pytest.approx(-scale[1], rel=1e-3)  # pixels are square, z2 points upwards
    box, mouse = explorer.map.bounding_box(), explorer.page.mouse
    assert box
    mouse.move(*explorer.map_point(0.3, 0.3))
    mouse.down()
    images = []
    for across, down in ((0.35, 0.3), (0.45, 0.4), (0.5, 0.55), (0.6, 0.6), (0.4, 0.7)):
        x, y = explorer.map_point(across, down)
        mouse.move(x, y, steps=5)
        z = corner + scale * [x - box["x"], y - box["y"]]
        shown = explorer.shown()  # the button is still down
        assert np.abs(shown.fields - z).max() <= 0.006
        assert np.abs(shown.sliders - z).max() <= 0.006
        assert differs(shown.image, model, z, within=0.001) <= LEVEL
        assert np.abs(np.subtract(explorer.cursor(), (x, y))).max() <= 1.5
        images.append(shown.image)
    assert all(not np.array_equal(one, other) for one, other in pairwise(images))
    mouse.up()
    explorer.frames()
    assert np.array_equal(explorer.shown().image, images[-1])


def test_every_frame_of_a_drag_shows_where_the_pointer_is(digits: Callable[..., ExplorerPage]) -> None:
    """At each frame that the browser draws, fields and image belong to the place where the pointer was last."""
    model = vae.load(DIGITS)
    explorer = digits("0,0")
    mouse = explorer.page.mouse
    mouse.move(*explorer.map_point(0.3, 0.3))
    mouse.down()
    explorer.root.evaluate(
        """(root) => {
          const named = (name) => root.querySelector(`[aria-label="${name}"]`);
          const canvas = named("decoded image");
          const fields = [named("z1 as a number"), named("z2 as a number")];
          const seen = (window.framesSeen = []);
          let pointer = null;
          addEventListener("pointermove", ({ clientX, clientY }) => { pointer = [clientX, clientY, 1]; }, true);
          const look = () => {
            if (pointer) seen.push([pointer, fields.map((field) => Number(field.value)), canvas.toDataURL()]);
            requestAnimationFrame(look);
          };
          requestAnimationFrame(look);
        }"""
    )
    for across, down in ((0.6, 0.7), (0.8, 0.4)):
        mouse.move(*explorer.map_point(across, down), steps=30)
    mouse.up()
    frames = explorer.page.evaluate("window.framesSeen")
    pointers, z = (np.array([frame[k] for frame in frames]) for k in (0, 1))
    assert len(np.unique(pointers, axis=0)) >= 8
    to_latent = np.linalg.lstsq(pointers, z, rcond=None)[0]
    assert np.abs(pointers @ to_latent - z).max() <= 0.01  # two decimals, twice
    for place, png in {tuple(place): png for _, place, png in frames}.items():
        assert differs(read_png(png)[..., :3], model, np.array(place), within=DECIMALS) <= LEVEL


def test_hovering_previews_and_leaving_restores(digits: Callable[..., ExplorerPage]) -> None:
    model = vae.load(DIGITS)
    explorer = digits("0.5,-1.2")
    before = explorer.shown()
    explorer.page.mouse.move(*explorer.map_point(0.25, 0.2))
    during = explorer.shown()
    assert not np.array_equal(during.image, before.image)
    assert np.array_equal(during.fields, before.fields)  # z itself stays
    explorer.page.mouse.move(5, 5)
    after = explorer.shown()
    assert np.array_equal(after.image, before.image)
    assert differs(after.image, model, [0.5, -1.2]) <= LEVEL


def test_python_hears_z_on_release_and_not_before(explore: Opener, app_url: str) -> None:
    explorer, sent = explore.blank(), list[str | bytes]()
    explorer.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    explorer.open(f"{app_url}/?model={DIGITS.name}&z=0,0")

    def heard() -> bool:
        return any("released" in str(frame) for frame in sent)

    mouse, (x, y) = explorer.page.mouse, explorer.thumb(0)
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + 70, y, steps=10)
    z = explorer.shown().sliders
    explorer.frames(10)
    assert not heard()
    mouse.up()
    nats = f"{log_density(list(z)):.2f}".replace("-", "\u2212")
    explorer.page.get_by_text(nats).first.wait_for()
    assert heard()


def test_dragging_past_the_edge_of_the_map_keeps_decoding(digits: Callable[..., ExplorerPage]) -> None:
    """The pointer is captured: z follows it outside, and the drag ends wherever it is let go."""
    model = vae.load(DIGITS)
    explorer = digits("0,0")
    mouse = explorer.page.mouse
    mouse.move(*explorer.map_point(0.5, 0.9))
    mouse.down()
    inside = explorer.shown().fields
    mouse.move(*explorer.map_point(0.5, 1.1), steps=5)
    outside = explorer.shown()
    assert outside.fields[1] < inside[1] - 1.1
    assert differs(outside.image, model, outside.fields, within=DECIMALS) <= LEVEL
    mouse.up()
    mouse.move(*explorer.map_point(1.3, 0.5))
    assert np.array_equal(explorer.shown().image, outside.image)


def test_the_oracle_tells_neighbouring_places_apart() -> None:
    """The comparison could fail: a hundredth of z is seen by it."""
    model = vae.load(DIGITS)
    image = np.round(grey_levels(model, [0.5, -1.2])[0])
    assert differs(image, model, [0.5, -1.2]) <= LEVEL
    assert differs(image, model, [0.51, -1.2]) > LEVEL
