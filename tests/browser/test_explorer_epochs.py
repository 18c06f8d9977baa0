"""The explorer on earlier epochs of a run: the decoder of then draws, and the point stays where it is."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext
from safetensors.torch import load_file

import vae
from tests.browser.explorer_page import CLIPBOARD, DECIMALS, LEVEL, ExplorerPage, differs
from tests.browser.train_runs import opened_copy, trained
from vae.models import Model
from vae.training.journal import film_frames

pytestmark = pytest.mark.browser

EPOCHS = 6


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("finished"), EPOCHS)


def model_at(folder: Path, epoch: int) -> Model:
    """The trained model with the decoder that it had after an epoch."""
    model = vae.load(folder)
    frame = load_file(film_frames(folder)[epoch])
    decoder = {name.removeprefix("decoder."): value for name, value in frame.items() if name.startswith("decoder.")}
    model.decoder.load_state_dict({name: value.float() for name, value in decoder.items()})
    return model


def test_an_epoch_of_the_film_is_explored_and_left_with_the_point_in_place(
    visitor: BrowserContext, train_url: str, home: Path, finished: Path
) -> None:
    visitor.grant_permissions(list(CLIPBOARD))
    watching, run_id = opened_copy(finished, home / "runs", visitor, train_url)
    folder = home / "runs" / run_id
    watching.get_by_role("slider", name="epoch").fill("2")
    watching.locator(".live[data-epoch='2']").wait_for()
    with visitor.expect_page() as opened:
        watching.get_by_role("link", name="open in the explorer").click()
    explorer = ExplorerPage(opened.value)
    explorer.page.locator(f".explorer[data-model='{run_id}'][data-epoch='2']").wait_for()

    x, y = explorer.thumb(0)
    explorer.page.mouse.move(x, y)
    explorer.page.mouse.down()
    explorer.page.mouse.move(x + 60, y, steps=5)
    explorer.frames()
    dragged = explorer.shown()  # the button is still down
    explorer.page.mouse.up()
    assert differs(dragged.image, model_at(folder, 2), dragged.fields, within=DECIMALS) <= LEVEL
    assert differs(dragged.image, vae.load(folder), dragged.fields, within=DECIMALS) > 10 * LEVEL
    assert f"model={run_id}&epoch=2&z=" in explorer.copied_link()

    epochs = explorer.page.get_by_role("slider", name="After epoch")
    for key, epoch, address in (("Home", "0", "epoch=0"), ("End", "last", "")):
        epochs.press(key)
        explorer.page.locator(f".explorer[data-epoch='{epoch}']").wait_for()
        explorer.page.wait_for_function(
            "wanted => (new URLSearchParams(location.search).get('epoch') ?? '') === wanted",
            arg=address.removeprefix("epoch="),
        )
        explorer.frames()
        shown = explorer.shown()
        assert np.array_equal(shown.fields, dragged.fields)
        model = model_at(folder, 0) if epoch == "0" else vae.load(folder)
        assert differs(shown.image, model, shown.fields, within=DECIMALS) <= LEVEL
    assert not explorer.problems


def test_a_stranger_sees_no_epoch_of_it(
    visitor: BrowserContext, browser: Browser, train_url: str, home: Path, finished: Path
) -> None:
    _, run_id = opened_copy(finished, home / "runs", visitor, train_url)
    stranger = browser.new_context()
    for file in ("0002.safetensors", "2/latents", "followed.safetensors"):
        address = f"{train_url.removesuffix('/train')}/api/runs/{run_id}/film/{file}"
        assert visitor.request.get(address).headers["cache-control"] == "no-store"
        assert "immutable" in visitor.request.get(f"{address}?v=1").headers["cache-control"]
        assert stranger.request.get(address).status == 404
    stranger.close()
