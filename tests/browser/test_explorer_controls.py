"""Every control of the explorer in a real Chromium: keys, typing, buttons."""

from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load_file
from scipy import stats

import vae
from tests.browser.explorer_page import DECIMALS, DIGITS, LEVEL, ExplorerPage, Opener, Shown, differs

pytestmark = pytest.mark.browser

FOCUSED = """() => {
  let focused = document.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  const name = focused?.ariaLabel || focused?.textContent.trim();
  return { name, outlined: getComputedStyle(focused).outlineStyle !== "none" };
}"""


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


def test_arrows_move_the_point_on_the_map(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits()
    for key, axis, sign in (("ArrowRight", 0, 1), ("ArrowUp", 1, 1), ("ArrowLeft", 0, -1), ("ArrowDown", 1, -1)):
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


def test_screen_readers_hear_the_values(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits("0.5,-1.2")
    assert explorer.slider(1).get_attribute("aria-valuetext") == "\u22121.20"
    explorer.slider(0).press("ArrowRight")
    heard = explorer.root.get_by_role("status")
    assert heard.get_attribute("aria-live") == "polite"
    assert "z1 0.51" in heard.inner_text()
    assert "z2 \u22121.20" in heard.inner_text()


def test_a_number_can_be_typed(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits()
    explorer.field(0).fill("1.25")
    explorer.field(0).press("Enter")
    shown = explorer.shown()
    assert list(shown.fields) == [1.25, -1.2]
    assert list(shown.sliders) == [1.25, -1.2]
    assert differs(shown.image, vae.load(DIGITS), [1.25, -1.2]) <= LEVEL


def test_nonsense_typed_changes_nothing(digits: Callable[..., ExplorerPage]) -> None:
    explorer = digits("0.5043,-1.2")  # between two positions of the slider
    before = explorer.shown()
    for nonsense in ("", "--", "1e", "e5-"):
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
    explorer.page.clock.install(time=datetime(2026, 1, 1))
    explorer.open(f"{app_url}/?model=digits-vae-2d&z=0,0")
    explorer.page.clock.pause_at(datetime(2026, 1, 2))  # from here time moves by `run_for` alone
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
    explorer.page.clock.install(time=datetime(2026, 1, 1))
    explorer.open(f"{app_url}/?model=digits-vae-2d&z=0,0")
    explorer.page.clock.pause_at(datetime(2026, 1, 2))  # from here time moves by `run_for` alone
    explorer.press("Play")
    walk = []
    for _ in range(75):
        explorer.page.clock.run_for(400)
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
