"""A training from the page: play, watch, pause, stop, come back; and torch's images in the film."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from playwright.sync_api import Browser, BrowserContext, Page
from safetensors.torch import load_file

from tests.browser.explorer_page import LEVEL, LOAD_TIMEOUT, READ_CANVAS, read_png
from tests.made_models import make_models
from tests.serving import app_on, serve
from vae.models import build
from vae.training.journal import film_frames, read_config, read_events, read_state

pytestmark = pytest.mark.browser

EPOCHS = 12
TRAINING_TIMEOUT = 180_000  # milliseconds; a busy machine may be slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train")
    make_models(folder / "models")
    return folder


@pytest.fixture(scope="module")
def train_url(home: Path) -> Iterator[str]:
    with serve(app_on(home / "models", home), home / "log.txt") as url:
        yield f"{url}/train"
    for process in psutil.process_iter(["cmdline"]):
        if str(home) in " ".join(process.info["cmdline"] or []):
            process.kill()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1360, "height": 1200})
    context.set_default_timeout(LOAD_TIMEOUT)
    yield context
    context.close()


def played(visitor: BrowserContext, url: str, epochs: int = EPOCHS) -> tuple[Page, str]:
    """A page on which a run of the small digits was just begun, and the run's id."""
    page = visitor.new_page()
    page.goto(url)
    field = page.get_by_label("Epochs", exact=True)
    field.fill(str(epochs))
    field.press("Enter")
    page.get_by_text(f"--epochs {epochs} ").wait_for()
    page.get_by_role("button", name="Play").click()
    page.locator(".live[data-status]").wait_for()
    return page, page.url.partition("run=")[2]


def wait_for(page: Page, status: str) -> None:
    page.locator(f".live[data-status={status}]").wait_for(timeout=TRAINING_TIMEOUT)


def test_a_run_is_played_watched_and_found_again(visitor: BrowserContext, train_url: str, home: Path) -> None:
    page, run_id = played(visitor, train_url)
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
    page.get_by_role("button", name="Stop and keep").click()
    wait_for(page, "stopped")
    assert read_state(folder).status == "stopped"
    assert json.loads((folder / "card.json").read_text())["training"]["epochs"] == before + 1
    page.get_by_role("button", name="Resume").click()
    wait_for(page, "running")
    shown = page.locator(".live").get_attribute("data-epoch")
    page.locator(f".live:not([data-epoch='{shown}'])").wait_for(timeout=TRAINING_TIMEOUT)
    page.get_by_role("button", name="Stop and keep").click()
    wait_for(page, "stopped")


def test_another_visitor_does_not_see_a_run(visitor: BrowserContext, browser: Browser, train_url: str) -> None:
    page, run_id = played(visitor, train_url, epochs=2)
    wait_for(page, "done")
    other = browser.new_context()
    stranger = other.new_page()
    stranger.goto(f"{train_url}?run={run_id}")
    stranger.get_by_text("it may have been deleted").wait_for(timeout=LOAD_TIMEOUT)
    answer = stranger.request.get(f"{train_url.removesuffix('/train')}/api/runs/{run_id}/live")
    assert answer.status == 404
    other.close()


def test_a_run_is_deleted_only_after_asking(visitor: BrowserContext, train_url: str, home: Path) -> None:
    page, run_id = played(visitor, train_url, epochs=2)
    wait_for(page, "done")
    page.get_by_role("button", name="Discard").click()
    page.get_by_text("cannot be undone").wait_for()
    assert (home / "runs" / run_id).is_dir()
    page.get_by_role("button", name="Delete it").click()
    page.get_by_text("cannot be undone").wait_for(state="hidden")
    page.wait_for_function("!location.search.includes('run=')")
    assert not (home / "runs" / run_id).exists()
