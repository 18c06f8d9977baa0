"""Pictures brought through a real browser: seen, trained on, kept from strangers, deleted."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.browser.explorer_page import LOAD_TIMEOUT
from tests.serving import app_on, serve
from vae.card import read_card

pytestmark = pytest.mark.browser
TRAINING_TIMEOUT = 180_000  # milliseconds; a busy machine may be slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    (folder / "models").mkdir()
    return folder


@pytest.fixture(scope="module")
def url(home: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_DATA_DIR", str(home / "data"))
        with serve(app_on(home / "models", home), home / "log.txt") as address:
            yield f"{address}/train"
    for process in psutil.process_iter(["cmdline"]):
        if str(home) in " ".join(process.info["cmdline"] or []):
            process.kill()


def opened(browser: Browser, url: str) -> Page:
    page = browser.new_context(viewport={"width": 1360, "height": 1200}).new_page()
    page.set_default_timeout(LOAD_TIMEOUT)
    page.goto(url)
    page.get_by_text("My own images").first.click()
    page.get_by_text("Several pictures, or one .zip").wait_for()
    return page


def shapes(home: Path) -> Path:
    """A .zip of two classes, with what an archive made on a desktop holds beside them."""
    rng = np.random.default_rng(0)
    path = home / "shapes.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(40):
            image = np.zeros((16, 16), np.uint8)
            x, y = rng.integers(1, 9, size=2)
            image[y : y + 6, x : x + (6 if number % 2 else 2)] = 255
            file = io.BytesIO()
            Image.fromarray(image).save(file, "PNG")
            archive.writestr(f"shapes/{('bar', 'square')[number % 2]}/{number}.png", file.getvalue())
        archive.writestr("__MACOSX/shapes/._0.png", b"")
    return path


def test_a_zip_from_the_browser_is_trained_on_and_deleted(browser: Browser, url: str, home: Path) -> None:
    page = opened(browser, url)
    page.locator("input[type=file]").set_input_files(shapes(home))
    page.get_by_text("shapes.zip").wait_for()
    page.get_by_role("button", name="Bring these").click()
    page.get_by_text("40 pictures").wait_for()
    page.get_by_text("16 x 16, grey · 2 classes: bar, square").wait_for()
    page.get_by_text("1 hidden: __MACOSX/shapes/._0.png").wait_for()

    stranger = opened(browser, url)
    stranger.get_by_text("Bring some pictures").wait_for()
    assert not stranger.get_by_text("40 pictures").count()
    stranger.context.close()

    epochs = page.get_by_label("Epochs", exact=True)
    epochs.fill("2")
    epochs.press("Enter")
    page.get_by_text("--epochs 2 ").wait_for()
    page.get_by_role("button", name="Play").click()
    page.locator(".live[data-status=done]").wait_for(timeout=TRAINING_TIMEOUT)
    card = read_card(home / "runs" / page.url.partition("run=")[2])
    assert (card.data.name, card.data.class_names) == ("folder:shapes", ("bar", "square"))

    page.goto(url)
    page.get_by_text("My own images").first.click()
    page.get_by_text("40 pictures").wait_for()
    page.get_by_role("button", name="Delete").first.click()
    page.get_by_role("button", name="Delete these pictures").click()
    page.get_by_text("Bring some pictures").wait_for()
    assert not list((home / "data" / "uploads").rglob("*.png"))
    page.context.close()
