"""One real browser and one running app for the whole session, a fresh context for each test."""

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.browser import compare_sections
from tests.browser.compare_sections import SECTIONS_APP, Sections
from tests.browser.explorer_page import DIGITS, LOAD_TIMEOUT, ExplorerPage, Opener
from tests.browser.network_runtime import runtime_page
from tests.browser.train_runs import end_all
from tests.made_models import make_models
from tests.serving import ROOT, app_on, serve

LOGS = pytest.StashKey[list[Path]]()
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)


def launch_chromium(playwright: Playwright) -> Browser:
    """The system's Chromium, headless. Raises FileNotFoundError when there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if path is None or not Path(path).is_file():
        raise FileNotFoundError(
            f"No browser: {path or ', '.join(names)} not found. Install Chromium or set CHROMIUM to its path."
        )
    return playwright.chromium.launch(executable_path=path, args=list(QUIET))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        try:
            launched = launch_chromium(playwright)
        except FileNotFoundError as error:
            pytest.fail(str(error), pytrace=False)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def app_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app as it ships."""
    log = tmp_path_factory.mktemp("app") / "log.txt"
    request.session.stash.setdefault(LOGS, []).append(log)
    with serve(ROOT / "app.py", log) as url:
        yield url


@pytest.fixture(scope="session")
def made_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small models of every kind: see `made_models.py`."""
    folder = tmp_path_factory.mktemp("models")
    make_models(folder)
    return folder


@pytest.fixture(scope="session")
def made_url(
    request: pytest.FixtureRequest, made_models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The same app on the folder of small models."""
    folder = tmp_path_factory.mktemp("app")
    log = folder / "log.txt"
    request.session.stash.setdefault(LOGS, []).append(log)
    with serve(app_on(made_models, folder), log) as url:
        yield url


@pytest.fixture
def explore(browser: Browser) -> Iterator[Opener]:
    """Opens explorers; afterwards no page may have reported an error that its test did not expect."""
    opener = Opener(browser)
    yield opener
    problems = [problem for explorer in opener.opened for problem in explorer.problems]
    for explorer in opener.opened:
        explorer.page.context.close()
    assert not problems


@pytest.fixture
def digits(explore: Opener, app_url: str) -> Callable[..., ExplorerPage]:
    """Opens the digits model at a z, as a link writes it, in a context with the given options."""

    def opened(z: str = "0.5,-1.2", **options: Any) -> ExplorerPage:
        return explore(f"{app_url}/?model={DIGITS.name}&z={z}", **options)

    return opened


@pytest.fixture(scope="session")
def sections_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The two sections of the compare page, on a page of their own."""
    folder = tmp_path_factory.mktemp("sections")
    script, log = folder / "app.py", folder / "log.txt"
    script.write_text(SECTIONS_APP.format(root=str(ROOT)), encoding="utf-8")
    request.session.stash.setdefault(LOGS, []).append(log)
    with serve(script, log) as url:
        yield url


@pytest.fixture
def sections(browser: Browser, sections_url: str) -> Iterator[Callable[..., Sections]]:
    """Opens the sections on two models; afterwards no page may have reported an error."""
    opened: list[Sections] = []

    def open_on(models: tuple[str, str] = compare_sections.DIGITS, **options: Any) -> Sections:
        settings: dict[str, Any] = {"viewport": {"width": 1440, "height": 1000}} | options
        opened.append(Sections(browser.new_context(**settings).new_page(), sections_url, models))
        return opened[-1]

    yield open_on
    problems = [problem for each in opened for problem in each.problems]
    for each in opened:
        each.page.context.close()
    assert not problems


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an app of the module's own has its models, and in `runs` its runs."""
    folder = tmp_path_factory.mktemp("home")
    make_models(folder / "models")
    return folder


@pytest.fixture(scope="module")
def train_url(request: pytest.FixtureRequest, home: Path) -> Iterator[str]:
    """The training page of that app."""
    log = home / "log.txt"
    request.session.stash.setdefault(LOGS, []).append(log)
    with serve(app_on(home / "models", home), log) as url:
        yield f"{url}/train"
    end_all(home / "runs")


@pytest.fixture
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that nobody knows yet, with its own cookies."""
    context = browser.new_context(viewport={"width": 1360, "height": 1200})
    context.set_default_timeout(LOAD_TIMEOUT)
    yield context
    context.close()


@pytest.fixture(scope="module", params=["wasm", "script"])
def runtime(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The network runtime with each of its kernels. One page: what it does is computed from what it is given."""
    with runtime_page(browser, simd=request.param == "wasm") as page:
        yield page


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failing test shows what the apps said."""
    report = yield
    if report.failed:
        report.sections += [("log of the app", log.read_text()[-4000:]) for log in item.session.stash.get(LOGS, [])]
    return report
