"""The explorer on every kind of model, and going from one to another, in a real Chromium."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import torch
from playwright.sync_api import Request, Route
from safetensors.numpy import load_file

import vae
from tests.browser.explorer_page import (
    DECIMALS,
    LEVEL,
    ExplorerPage,
    Opener,
    differs,
    grey_levels,
    read_png,
)
from tests.made_models import COLOUR, LINEAR, MANY, MANY_KL, STROKES, TORN, WIDE
from ui.theme import QUANTITIES
from vae.models import VAE

pytestmark = pytest.mark.browser


def opened(explore: Opener, made_url: str, name: str, z: tuple[float, ...]) -> ExplorerPage:
    return explore(f"{made_url}/?model={name}&z={','.join(map(str, z))}")


# --- every kind ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [STROKES, COLOUR, WIDE, LINEAR])
def test_every_kind_of_model_is_drawn_as_torch_decodes_it(
    explore: Opener, made_url: str, made_models: Path, name: str
) -> None:
    model = vae.load(made_models / name)
    explorer = opened(explore, made_url, name, (0.3, -0.4))
    assert explorer.shown().image.shape == (*model.shape[1:], 3)
    assert differs(explorer.shown().image, model, [0.3, -0.4]) <= LEVEL
    explorer.page.mouse.click(*explorer.map_point(0.7, 0.2))
    explorer.page.mouse.move(5, 5)
    shown = explorer.shown()
    assert np.abs(shown.fields - [0.3, -0.4]).min() > 0.1
    assert differs(shown.image, model, shown.fields, within=DECIMALS) <= LEVEL


def test_a_learned_sigma_can_be_looked_at(explore: Opener, made_url: str, made_models: Path) -> None:
    model = vae.load(made_models / COLOUR)
    assert isinstance(model, VAE)
    explorer = opened(explore, made_url, COLOUR, (0.3, -0.4))
    pixels: Any = model.decode(torch.tensor([[0.3, -0.4]]))
    mean, sigma = (part[0].numpy().transpose(1, 2, 0) for part in (pixels.mean, pixels.stddev))
    modes = explorer.page.get_by_role("group", name="what to show").get_by_role("button").all()
    assert len(modes) == 4

    for mode, sign in ((modes[2], -3), (modes[3], 3), (modes[0], 0)):
        mode.click()
        assert mode.get_attribute("aria-pressed") == "true"
        expected = 255 * np.clip(mean + sign * sigma, 0, 1)
        assert np.abs(explorer.shown().image - expected).max() <= LEVEL

    modes[1].click()  # sigma, from paper to its own colour in proportion
    paper = explorer.image.locator("xpath=ancestor::section[1]").evaluate("(e) => getComputedStyle(e).backgroundColor")
    ground = np.array([float(part) for part in paper.removeprefix("rgb(").removesuffix(")").split(",")])
    full = np.array([int(QUANTITIES["sigma"][0][at : at + 2], 16) for at in (1, 3, 5)], dtype=float)
    share = (explorer.shown().image - ground) @ (full - ground) / ((full - ground) @ (full - ground))
    spread = sigma.mean(axis=-1)
    ratio = share.max() / spread.max()
    assert 0.3 < share.max() <= 1.001
    assert np.abs(share - ratio * spread).max() <= 2 / np.linalg.norm(full - ground)


def test_a_model_without_a_sigma_offers_none(explore: Opener, made_url: str) -> None:
    explorer = opened(explore, made_url, STROKES, (0, 0))
    assert explorer.page.get_by_role("group", name="what to show").count() == 0


def test_an_autoencoder_has_no_prior_and_its_own_scale(explore: Opener, made_url: str, made_models: Path) -> None:
    mu = load_file(made_models / WIDE / "latents.safetensors")["mu"]
    explorer = opened(explore, made_url, WIDE, (0, 0))
    assert explorer.button("Sample the prior").is_disabled()
    assert explorer.button("prior").count() == 0
    for j in (0, 1):
        low, high = (float(explorer.slider(j).get_attribute(end) or "nan") for end in ("min", "max"))
        assert low <= mu[:, j].min() < -3
        assert high >= mu[:, j].max() > 3


def test_a_pca_says_that_it_is_linear_and_draws_the_line_until_it_is_cut_off(
    explore: Opener, made_url: str, made_models: Path
) -> None:
    model = vae.load(made_models / LINEAR)
    explorer = opened(explore, made_url, LINEAR, (2.9, -2.9))
    raw = model.decoder(torch.tensor([[2.9, -2.9]]))
    assert raw.min() < 0
    assert raw.max() > 1
    assert differs(explorer.shown().image, model, [2.9, -2.9]) <= LEVEL
    assert explorer.root.get_by_text("each z adds or removes one fixed picture").is_visible()
    assert explorer.button("Sample the prior").get_attribute("title") == "a PCA has no prior to sample from"
    assert explorer.button("prior").count() == 0


def test_more_dimensions_are_ordered_by_their_kl(explore: Opener, made_url: str, made_models: Path) -> None:
    z = (0.1, 0.2, -0.3, 0.4, 0.5, -0.6)
    explorer = opened(explore, made_url, MANY, z)
    assert differs(explorer.shown().image, vae.load(made_models / MANY), z) <= LEVEL
    assert names_of_sliders(explorer) == ["z6", "z2", "z4", "z1"]
    for kl in sorted(MANY_KL)[2:]:
        assert explorer.root.get_by_text(f"{kl:.2f}").is_visible()
    explorer.root.locator("summary").click()  # those that carry nothing are folded away
    assert names_of_sliders(explorer) == ["z6", "z2", "z4", "z1", "z3", "z5"]
    explorer.slider(2).press("ArrowRight")
    assert list(explorer.shown().fields) == [0.1, 0.2, -0.29, 0.4, 0.5, -0.6]


def names_of_sliders(explorer: ExplorerPage) -> list[str | None]:
    return [slider.get_attribute("aria-label") for slider in explorer.page.get_by_role("slider").all()]


def test_the_map_shows_any_two_of_more_dimensions(explore: Opener, made_url: str, made_models: Path) -> None:
    z = (0.1, 0.2, -0.3, 0.4, 0.5, -0.6)
    explorer = opened(explore, made_url, MANY, z)
    across, up = (
        explorer.page.get_by_role("combobox", name=f"dimension {way}", exact=True) for way in ("across", "up")
    )
    assert {across.input_value(), up.input_value()} == {"1", "5"}  # z2 and z6 have the most KL
    before = explorer.layers()[1]
    across.select_option("z4")
    up.select_option("z1")
    assert not np.array_equal(explorer.layers()[1], before)
    explorer.page.mouse.click(*explorer.map_point(0.8, 0.2))
    explorer.page.mouse.move(5, 5)
    fields = explorer.shown().fields
    assert list(fields[[1, 2, 4, 5]]) == [0.2, -0.3, 0.5, -0.6]
    assert fields[3] > 0.9
    assert fields[0] > 0.9
    assert differs(explorer.shown().image, vae.load(made_models / MANY), fields, within=DECIMALS) <= LEVEL


def test_two_dimensions_need_no_menus(explore: Opener, made_url: str) -> None:
    explorer = opened(explore, made_url, STROKES, (0, 0))
    assert explorer.page.get_by_role("combobox", name="dimension across").count() == 0


@pytest.mark.parametrize("name", [STROKES, MANY])
def test_the_strips_show_each_dimension_alone(explore: Opener, made_url: str, made_models: Path, name: str) -> None:
    model = vae.load(made_models / name)
    z = [round(0.5 * (-0.8) ** j, 3) for j in range(model.config.latent_dim)]
    explorer = opened(explore, made_url, name, tuple(z))
    strips = explorer.page.get_by_role("img", name="images along z")
    assert strips.count() == (2 if name == STROKES else 4)
    strip = strips.last
    j = int((strip.get_attribute("aria-label") or "").split()[2].removeprefix("z")) - 1
    low, high = (float(explorer.slider(j).get_attribute(end) or "nan") for end in ("min", "max"))
    along = np.tile(z, (13, 1))
    along[:, j] = np.linspace(low, high, 13)
    expected = np.concatenate(list(grey_levels(model, along)), axis=1)

    def shown() -> np.ndarray:
        return read_png(strip.evaluate("(canvas) => canvas.toDataURL()"))[..., :3]

    explorer.wait_until(lambda: bool(np.abs(shown() - expected).max() <= LEVEL))
    box = strip.bounding_box()
    assert box
    strip.click(position={"x": box["width"] * 9.5 / 13, "y": box["height"] / 2})
    assert np.abs(explorer.shown().fields - along[9]).max() <= DECIMALS
    assert differs(explorer.shown().image, model, along[9], within=1e-6) <= LEVEL


# --- from one to another ---------------------------------------------------------------------------------------------


def test_another_model_can_be_chosen(explore: Opener, made_url: str, made_models: Path) -> None:
    explorer = opened(explore, made_url, STROKES, (0.3, -0.4))
    explorer.choose(MANY)
    shown = explorer.shown()
    assert len(shown.fields) == 6
    assert differs(shown.image, vae.load(made_models / MANY), shown.fields, within=DECIMALS) <= LEVEL
    explorer.page.wait_for_url(f"**/?model={MANY}")  # the address names it, and the last model's z is gone
    assert parse_qs(urlsplit(explorer.page.url).query) == {"model": [MANY]}
    explorer.page.reload()
    explorer.wait_for_model(MANY)
    explorer.choose(STROKES)
    explorer.slider(0).press("ArrowRight")
    shown = explorer.shown()
    assert differs(shown.image, vae.load(made_models / STROKES), shown.fields, within=DECIMALS) <= LEVEL


def test_weights_are_fetched_once_and_then_kept(explore: Opener, made_url: str) -> None:
    explorer, requested = explore.blank(), []
    explorer.page.on("request", lambda request: requested.append(request) if "/api/models/" in request.url else None)
    explorer.open(f"{made_url}/?model={STROKES}&z=0,0")
    assert parts_of(requested) == [f"{STROKES}/decoder", f"{STROKES}/latents"]
    for key in ("ArrowRight", "ArrowUp", "ArrowLeft"):
        explorer.map.press(key)  # each releases, and the page runs again
    explorer.page.get_by_text("log p(z)").first.wait_for()
    explorer.choose(COLOUR)
    assert len(requested) == 4
    explorer.choose(STROKES)
    sizes = explorer.page.evaluate(
        """performance.getEntriesByType("resource").filter(({ name }) => name.includes("/api/models/"))
          .map(({ name, transferSize }) => [name, transferSize])"""
    )
    over_the_wire = [name for name, size in sizes if size > 0]
    assert sorted(over_the_wire) == sorted({request.url for request in requested})


def parts_of(requests: list[Request]) -> list[str]:
    return sorted(urlsplit(request.url).path.removeprefix("/api/models/").split(".")[0] for request in requests)


def test_a_slow_model_does_not_overtake_a_later_choice(explore: Opener, made_url: str, made_models: Path) -> None:
    explorer, held = explore.blank(), []
    explorer.page.route(f"**/api/models/{WIDE}/decoder*", lambda route: held.append(route))
    explorer.open(f"{made_url}/?model={STROKES}&z=0,0")
    explorer.pick(WIDE)
    explorer.wait_until(lambda: bool(held))
    explorer.choose(COLOUR)
    with explorer.page.expect_response(f"**/api/models/{WIDE}/decoder*"):
        held[0].continue_()
    explorer.frames(20)
    assert explorer.model == COLOUR
    shown = explorer.shown()
    assert differs(shown.image, vae.load(made_models / COLOUR), shown.fields, within=DECIMALS) <= LEVEL


def test_nothing_breaks_under_a_hand_that_does_not_wait(explore: Opener, made_url: str) -> None:
    """Keys and mouse while the weights are still on their way."""
    explorer, held = explore.blank(), list[Route]()
    explorer.page.route("**/api/models/*/decoder*", lambda route: held.append(route))
    explorer.page.goto(f"{made_url}/?model={STROKES}&z=0,0")
    explorer.map.wait_for()
    explorer.wait_until(lambda: bool(held))
    mouse = explorer.page.mouse
    for x, y in (explorer.map_point(0.5, 0.5), explorer.map_point(0.2, 0.7)):
        mouse.move(x, y, steps=3)
        mouse.click(x, y)
    for name in ("Sample the prior", "Reset", "Play", "Save image", "lattice"):
        explorer.root.evaluate(
            "(root, name) => [...root.querySelectorAll('button')].find((one) => one.textContent === name).focus()", name
        )
        explorer.page.keyboard.press("Enter")
    held[0].continue_()
    explorer.wait_for_model(STROKES)
    assert list(explorer.shown().fields) == [0, 0]


def test_damaged_weights_are_said_to_be_so_and_another_model_still_opens(explore: Opener, made_url: str) -> None:
    explorer = opened(explore, made_url, STROKES, (0, 0))
    explorer.pick(TORN)
    alert = explorer.root.get_by_role("alert")
    alert.wait_for()
    assert TORN in alert.inner_text()
    assert "damaged" in alert.inner_text()
    explorer.choose(COLOUR)
    assert alert.count() == 0
    assert all("404" in problem for problem in explorer.problems)  # the browser's own note of the refusal
    explorer.problems.clear()
