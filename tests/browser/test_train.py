"""A training from the page: play, watch, pause, stop, come back; and torch's images in the film."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, BrowserContext
from safetensors.torch import load_file

from tests.browser.explorer_page import LEVEL, LOAD_TIMEOUT, READ_CANVAS, read_png
from tests.browser.train_runs import TRAINING_TIMEOUT, opened_copy, played, row_of, trained, wait_for
from vae.jobs import list_runs
from vae.models import build
from vae.training.journal import film_frames, read_config, read_events, read_state

pytestmark = pytest.mark.browser

EPOCHS = 12


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("finished"), EPOCHS)


def test_a_run_is_played_watched_and_found_again(visitor: BrowserContext, train_url: str, home: Path) -> None:
    page, run_id = played(visitor, train_url, EPOCHS)
    folder = home / "runs" / run_id
    page.close()  # the run goes on
    page = visitor.new_page()
    page.goto(f"{train_url}?run={run_id}")
    wait_for(page, "done")
    page.locator(f".live[data-epoch='{EPOCHS}']").wait_for()
    assert read_state(folder).status == "done"
    assert list(film_frames(folder)) == list(range(EPOCHS + 1))
    told = [event for event in read_events(folder).events if event["event"] == "epoch_done"]
    figure = page.locator("[data-figure=elbo]").inner_text().replace("\u2212", "-")
    assert figure == f"{told[-1]['test']['elbo']:.2f} nats"

    # The film: at any epoch the decoder of that epoch draws, whatever trains meanwhile.
    scrubber = page.get_by_role("slider", name="epoch")
    for epoch in (0, 5, EPOCHS):
        scrubber.fill(str(epoch))
        page.locator(f".live[data-epoch='{epoch}']").wait_for()
        page.wait_for_timeout(200)
        shown = read_png(page.get_by_role("img", name="samples").evaluate(READ_CANVAS))[..., 0]
        back = read_png(page.get_by_role("img", name="reconstructions").evaluate(READ_CANVAS))[8:, :, 0]
        expected = 255 * (1 - decoded_first_images(folder, epoch, count=back.shape[1] // 8))
        assert np.abs(back - expected).max() <= LEVEL + 0.5  # float16 weights on both sides, rounded to levels
        assert shown.std() > 1


def decoded_first_images(folder: Path, epoch: int, count: int) -> np.ndarray:
    """What torch makes of the first codes of a frame, side by side (H, count * W), with the frame's own decoder."""
    frame = load_file(film_frames(folder)[epoch])
    model = build(read_config(folder).model, (1, 8, 8))
    weights = {
        name.removeprefix("decoder."): value.float() for name, value in frame.items() if name.startswith("decoder")
    }
    model.decoder.load_state_dict(weights)
    with torch.no_grad():
        images = model.images(frame["mu"][:count].float()).numpy()
    return np.concatenate(list(images[:, 0]), axis=1)


def test_pause_one_epoch_stop_and_resume(visitor: BrowserContext, train_url: str, home: Path) -> None:
    page, run_id = played(visitor, train_url, epochs=400)
    folder = home / "runs" / run_id
    page.locator(".live[data-epoch]").wait_for(timeout=TRAINING_TIMEOUT)
    wait_for(page, "running")
    page.get_by_role("button", name="Pause").click()
    wait_for(page, "paused")
    before = read_state(folder).epoch
    page.get_by_role("button", name="One epoch").click()
    page.locator(f".live[data-epoch='{before + 1}']").wait_for(timeout=TRAINING_TIMEOUT)
    wait_for(page, "paused")
    assert read_state(folder).epoch == before + 1
    beta = page.get_by_label("beta", exact=True)
    beta.fill("4")
    beta.press("Enter")
    page.get_by_role("button", name="Play", exact=True).last.click()
    page.get_by_text(f"from epoch {before + 2}: beta 4").wait_for(timeout=TRAINING_TIMEOUT)
    page.get_by_role("button", name="Stop and keep").click()
    wait_for(page, "stopped")
    row_of(page, run_id).get_by_text("stopped", exact=True).wait_for()
    assert read_state(folder).status == "stopped"
    page.get_by_role("link", name="open in the explorer").wait_for()  # now that it is a model
    trained = json.loads((folder / "card.json").read_text())["training"]
    assert trained["epochs"] >= before + 1
    assert [(change["name"], change["epoch"], change["new"]) for change in trained["changes"]] == [
        ("beta", before + 2, 4.0)
    ]
    page.get_by_role("button", name="Resume").click()
    wait_for(page, "running")
    shown = page.locator(".live").get_attribute("data-epoch")
    page.locator(f".live:not([data-epoch='{shown}'])").wait_for(timeout=TRAINING_TIMEOUT)
    page.get_by_role("button", name="Stop and keep").click()
    wait_for(page, "stopped")


def test_another_visitor_does_not_see_a_run(
    visitor: BrowserContext, browser: Browser, train_url: str, home: Path, finished: Path
) -> None:
    _, run_id = opened_copy(finished, home / "runs", visitor, train_url)
    other = browser.new_context()
    stranger = other.new_page()
    stranger.goto(f"{train_url}?run={run_id}")
    stranger.get_by_text("it may have been deleted").wait_for(timeout=LOAD_TIMEOUT)
    answer = stranger.request.get(f"{train_url.removesuffix('/train')}/api/runs/{run_id}/live")
    assert answer.status == 404
    other.close()


def test_a_run_is_deleted_only_after_asking(
    visitor: BrowserContext, train_url: str, home: Path, finished: Path
) -> None:
    page, run_id = opened_copy(finished, home / "runs", visitor, train_url)
    page.get_by_role("button", name="Discard").click()
    page.get_by_text("cannot be undone").wait_for()
    assert (home / "runs" / run_id).is_dir()
    page.get_by_role("button", name="Delete it").click()
    page.get_by_text("cannot be undone").wait_for(state="hidden")
    page.wait_for_function("!location.search.includes('run=')")
    assert not (home / "runs" / run_id).exists()


# Notes where the map's points are drawn, by drawing: what is asked of the canvas, in the order of the points.
NOTE_POINTS = """(() => {
  const { clearRect, fillRect } = CanvasRenderingContext2D.prototype;
  globalThis.drawings = [];
  const isMap = (context) => context.canvas.classList.contains("points");
  CanvasRenderingContext2D.prototype.clearRect = function (...at) {
    if (isMap(this)) drawings.push([]);
    clearRect.apply(this, at);
  };
  CanvasRenderingContext2D.prototype.fillRect = function (x, y, width, height) {
    if (isMap(this)) drawings.at(-1).push([x + width / 2, y + height / 2]);
    fillRect.call(this, x, y, width, height);
  };
})()"""


def test_points_move_from_epoch_to_epoch_each_on_its_own_way(
    visitor: BrowserContext, train_url: str, home: Path, finished: Path
) -> None:
    visitor.add_init_script(NOTE_POINTS)
    page, _ = opened_copy(finished, home / "runs", visitor, train_url)
    page.locator(f".live[data-epoch='{EPOCHS}']").wait_for()
    page.wait_for_timeout(1500)
    scrubber = page.get_by_role("slider", name="epoch")
    scrubber.fill("2")
    page.locator(".live[data-epoch='2']").wait_for()
    page.wait_for_timeout(1500)
    page.evaluate("drawings.length = 0")
    scrubber.fill(str(EPOCHS))
    page.locator(f".live[data-epoch='{EPOCHS}']").wait_for()
    page.wait_for_timeout(1500)
    seen = [np.array(points) for points in page.evaluate("drawings")]
    assert {len(points) for points in seen} == {360}  # every test image, in every drawing
    # The window fits the new epoch at once; from there on only points move.
    first, last = seen[1], seen[-1]
    way = last - first
    assert np.abs(way).max() > 20  # pixels: there is something to see
    shares = [float((way * (points - first)).sum() / (way**2).sum()) for points in seen[1:]]
    assert shares == sorted(shares)
    between = [points for points, share in zip(seen[1:], shares, strict=True) if 0.02 < share < 0.98]
    assert len(between) >= 3  # drawn on the way; how often is the machine's business
    for points, share in zip(seen[1:], shares, strict=True):
        assert np.abs(points - (first + share * way)).max() < 0.1  # each straight from its place to its place


def test_a_finished_run_opens_in_the_explorer_and_follows_a_drag(
    visitor: BrowserContext, train_url: str, home: Path, finished: Path
) -> None:
    page, run_id = opened_copy(finished, home / "runs", visitor, train_url)
    page.goto(f"{train_url.removesuffix('/train')}/?model={run_id}")
    page.locator(f".explorer[data-model={run_id}]").wait_for()
    image, slider = page.get_by_role("img", name="decoded image", exact=True), page.get_by_role("slider", name="z1")
    before = read_png(image.evaluate(READ_CANVAS))
    box = slider.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.9 * box["width"], middle, steps=5)
    during = read_png(image.evaluate(READ_CANVAS))  # the button is still down
    page.mouse.up()
    assert float(slider.input_value()) > 1
    assert np.abs(during.astype(float) - before).max() > LEVEL


def test_a_shared_run_is_watched_by_another_visitor_who_cannot_steer_it(
    visitor: BrowserContext, browser: Browser, train_url: str, home: Path
) -> None:
    page, run_id = played(visitor, train_url, epochs=1000)
    page.locator(".live[data-epoch]").wait_for(timeout=TRAINING_TIMEOUT)
    stranger = browser.new_context().new_page()
    stranger.set_default_timeout(LOAD_TIMEOUT)
    stranger.goto(f"{train_url}?run={run_id}")
    stranger.get_by_text("it may have been deleted").wait_for()

    page.goto(f"{train_url}?run={run_id}")
    row_of(page, run_id).get_by_role("checkbox").check()
    page.get_by_text("Shared: every visitor may watch it").click()
    link = page.get_by_test_id("stCode").get_by_text(f"run={run_id}").inner_text().strip()
    assert link == f"{train_url}?run={run_id}"
    assert read_state(home / "runs" / run_id).status == "running"

    stranger.goto(link)
    stranger.locator(".live[data-epoch]").wait_for()
    stranger.get_by_role("button", name="Stop and keep").click()
    stranger.get_by_text("This run is another visitor's: you may watch it.").wait_for()
    assert list_runs(home / "runs")[0].state.status == "running"
    page.get_by_text("Shared: every visitor may watch it").click()
    stranger.get_by_text("it may have been deleted").first.wait_for()  # the live view says so, or the page drawn anew
    stranger.context.close()
    page.get_by_role("button", name="Stop and keep").click()
    wait_for(page, "stopped")
