"""What goes wrong around a training, tried in a real browser: nothing is lost, and each fault is said in a sentence."""

import json
import math
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from safetensors.numpy import load_file

import vae
from tests.browser.explorer_page import LOAD_TIMEOUT
from tests.browser.train_runs import TRAINING_TIMEOUT, end_all, opened_copy, played, trained, wait_for
from tests.made_models import make_models
from tests.serving import app_on, free_port, start
from vae.training.journal import film_frames, read_events, read_state

pytestmark = pytest.mark.browser

LONG = 1000  # epochs; nobody waits for their end
HALF = float(np.finfo(np.float16).max)


class Host:
    """The app on folders of its own, which can be killed and started again at the same address."""

    def __init__(self, home: Path) -> None:
        self.home, self.runs = home, home / "runs"
        make_models(home / "models")
        self._script, self._port = app_on(home / "models", home), free_port()
        self.url = f"http://localhost:{self._port}/train"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = start(self._script, self.home / "log.txt", self._port)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    host = Host(tmp_path_factory.mktemp("faults"))
    host.start()
    yield host
    end_all(host.runs)
    host.kill()
    said = (host.home / "log.txt").read_text()
    assert "Traceback" not in said, said[-4000:]


@pytest.fixture
def visitor(browser: Browser, host: Host) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1360, "height": 1200})
    context.set_default_timeout(LOAD_TIMEOUT)
    yield context
    context.close()
    end_all(host.runs)


def reached(page: Page, epoch: int) -> None:
    """Wait until the map of some epoch from `epoch` on is shown."""
    page.wait_for_function(
        "([root, epoch]) => Number(root.dataset.epoch) >= epoch",
        arg=[page.locator(".live").element_handle(), epoch],
        timeout=TRAINING_TIMEOUT,
    )


def shown_epoch(page: Page) -> int:
    return int(page.locator(".live").get_attribute("data-epoch") or 0)


def stop(page: Page) -> None:
    page.get_by_role("button", name="Stop and keep").click()
    wait_for(page, "stopped")


def test_a_run_goes_on_without_its_server_and_is_found_by_the_next(visitor: BrowserContext, host: Host) -> None:
    left_open, run_id = played(visitor, host.url, LONG)
    reached(left_open, 1)
    before = read_state(host.runs / run_id)
    host.kill()
    left_open.locator(".live .failure").get_by_text("The server does not answer").wait_for()
    left_open.wait_for_timeout(1500)
    meanwhile = read_state(host.runs / run_id)
    assert (meanwhile.pid, meanwhile.status) == (before.pid, "running")
    assert meanwhile.epoch > before.epoch

    host.start()
    opened_anew = visitor.new_page()
    opened_anew.goto(f"{host.url}?run={run_id}")
    for page in (opened_anew, left_open):
        reached(page, meanwhile.epoch + 1)
        page.locator(".live .failure").get_by_text("The server does not answer").wait_for(state="hidden")
    assert read_state(host.runs / run_id).pid == before.pid
    stop(left_open)  # it steers again, too
    wait_for(opened_anew, "stopped")


def test_a_tab_that_is_closed_and_opened_finds_its_run(visitor: BrowserContext, host: Host) -> None:
    page, run_id = played(visitor, host.url, LONG)
    reached(page, 1)
    page.close()
    page = visitor.new_page()
    page.goto(host.url)
    page.get_by_role("heading", name="Runs").wait_for()
    page.goto(f"{host.url}?run={run_id}")
    reached(page, read_state(host.runs / run_id).epoch)
    stop(page)


def test_two_tabs_that_stop_at_once_stop_it_once(visitor: BrowserContext, host: Host) -> None:
    first, run_id = played(visitor, host.url, LONG)
    second = visitor.new_page()
    second.goto(f"{host.url}?run={run_id}")
    for page in (first, second):
        reached(page, 1)
    for page in (first, second):
        page.get_by_role("button", name="Stop and keep").click(no_wait_after=True)
    for page in (first, second):
        wait_for(page, "stopped")
        page.wait_for_timeout(500)
        assert page.locator("[data-testid=stAlert]").count() == 0
        assert not page.locator(".failure").is_visible()
    names = [event["event"] for event in read_events(host.runs / run_id).events]
    assert names.count("stopped") == 1
    assert names[-1] == "stopped"


def test_a_run_whose_folder_is_deleted_is_said_to_be_gone(visitor: BrowserContext, host: Host) -> None:
    page, run_id = played(visitor, host.url, LONG)
    reached(page, 1)
    process = psutil.Process(read_state(host.runs / run_id).pid)
    while (host.runs / run_id).exists():
        shutil.rmtree(host.runs / run_id, ignore_errors=True)  # it writes while we delete
    page.get_by_text("it may have been deleted").first.wait_for()  # the live view says so, or the page drawn anew
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:  # it ends; only its parent can bury it
        page.wait_for_timeout(50)
    assert not (host.runs / run_id).exists()
    page.reload()
    page.get_by_text("it may have been deleted").wait_for()


def test_an_absurd_learning_rate_fails_with_the_reason_and_keeps_the_last_good_weights(
    visitor: BrowserContext, host: Host
) -> None:
    page, run_id = played(visitor, host.url, LONG, Widths="12,12,12")
    reached(page, 2)
    field = page.get_by_label("learning rate", exact=True)
    field.fill("10")
    field.press("Enter")
    wait_for(page, "failed")
    page.locator(".vae.live").get_by_text("a smaller learning rate usually mends it").first.wait_for()
    model = vae.load(host.runs / run_id)
    assert model.card is not None
    assert model.card.metrics is not None
    assert model.card.training.epochs == read_state(host.runs / run_id).epoch >= 2
    assert model.card.metrics.elbo is not None
    assert math.isfinite(model.card.metrics.elbo)
    # The weights are those of the last whole epoch, which its film has in half precision.
    filmed = load_file(film_frames(host.runs / run_id)[model.card.training.epochs])
    for name, weights in model.decoder.state_dict().items():
        assert np.isfinite(weights.numpy()).all()
        halved = np.clip(weights.numpy(), -HALF, HALF)
        np.testing.assert_allclose(filmed[f"decoder.{name}"], halved, rtol=2e-3, atol=1e-4)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(tmp_path_factory.mktemp("finished"), epochs=3)


@pytest.fixture
def done_run(visitor: BrowserContext, host: Host, finished: Path) -> tuple[Page, Path]:
    """A page on a finished run whose files may be spoilt."""
    page, run_id = opened_copy(finished, host.runs, visitor, host.url)
    return page, host.runs / run_id


def test_a_log_with_half_a_line_is_shown_as_far_as_it_goes(done_run: tuple[Page, Path]) -> None:
    page, folder = done_run
    log = (folder / "events.jsonl").read_text()
    lines = log.splitlines()
    told = [json.loads(line) for line in lines]
    second = next(i for i, event in enumerate(told) if event["event"] == "epoch_done" and event["epoch"] == 2)
    lines[second] = json.dumps({**told[second], "test": "edited"})
    (folder / "events.jsonl").write_text("\n".join(lines) + '\n{"n": 99, "event": "epo')
    page.reload()
    page.locator(".live[data-epoch='3']").wait_for()
    assert page.locator("[data-figure=elbo]").inner_text().endswith("nats")
    assert not page.locator(".failure").is_visible()
    assert page.locator("[data-testid=stException]").count() == 0


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("config.json", '"epochs": 3', '"epochs": -3', "epochs = -3"),
        ("state.json", '"status": "done"', '"status": "dancing"', "state.json is damaged"),
        ("state.json", "}", "", "state.json is damaged"),
    ],
)
def test_a_file_edited_by_hand_is_said_to_be_wrong_without_the_host_s_paths(
    done_run: tuple[Page, Path], host: Host, file: str, old: str, new: str, said: str
) -> None:
    page, folder = done_run
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    page.reload()
    page.locator(".vae.live").get_by_text(said).first.wait_for()
    assert page.locator("[data-testid=stException]").count() == 0
    assert str(host.home) not in page.locator(".vae.live").inner_text()
    shutil.rmtree(folder)
