"""From `streamlit run app.py` to the first decoded image on the screen, and whether the server took up torch for it.

Run as `python -m benchmarks.start`. The browser itself runs already. Beside the app, in turn with it, stands a page
that decodes with torch on the server.
"""

import statistics
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page

from benchmarks.harness import APP, CHECKPOINTS, PATIENCE, SLIDER_PAGE, Server, chromium, fresh_page, serve
from benchmarks.report import Figure, show

ROUNDS, VISITS = 4, 2  # servers, and visits of each later kind to each
UNTIL_CACHED = 2  # visits until a browser has kept the page's files and their compiled form
MOST_COLD, MOST_WARM = 3.0, 1.0  # seconds, the targets

# Notes when the first image is on show: in seconds since 1970, and since the navigation.
NOTE_FIRST_IMAGE = """(() => {
  const roots = [];
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (...options) {
    roots.push(attach.apply(this, options));
    return roots.at(-1);
  };
  const inExplorer = (root) => {
    const canvas = root.querySelector(".explorer[data-model] canvas.decoded");
    if (!canvas) return false;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.some((byte, i) => byte !== data[i % 4]);
  };
  const inPage = () => document.querySelector("[data-testid=stImage] img")?.complete;
  const look = () => {
    if (!inPage() && !roots.some(inExplorer)) return requestAnimationFrame(look);
    const now = performance.now();
    globalThis.firstImage = { since1970: (performance.timeOrigin + now) / 1000, sinceNavigation: now / 1000 };
  };
  requestAnimationFrame(look);
})()"""


class Round(NamedTuple):
    """Seconds to the first image for the visits to one server."""

    cold: list[float]  # the first visit of all, from the start of the server's process
    warm: list[float]  # later ones with nothing cached, from the navigation
    again: list[float]  # from a browser that has been here
    has_torch: bool


def main() -> None:
    folder = next(CHECKPOINTS.glob("*/card.json")).parent
    with chromium() as browser:
        rounds = [(visits(browser, APP), visits(browser, SLIDER_PAGE, "--", str(folder))) for _ in range(ROUNDS)]
    ours, theirs = zip(*rounds, strict=True)
    show("From the start to the first decoded image, seconds", figures(ours, theirs), beside="st.slider and torch")


def visits(browser: Browser, script: Path, *options: str) -> Round:
    with serve(script, *options) as server:
        server.wait()
        with fresh_page(browser, NOTE_FIRST_IMAGE) as page:
            cold = first_image(page, server)["since1970"] - server.started
        warm = []
        for _ in range(VISITS):
            with fresh_page(browser, NOTE_FIRST_IMAGE) as page:
                warm.append(first_image(page, server)["sinceNavigation"])
        with fresh_page(browser, NOTE_FIRST_IMAGE) as page:
            again = [first_image(page, server)["sinceNavigation"] for _ in range(UNTIL_CACHED + VISITS)]
        return Round([cold], warm, again[UNTIL_CACHED:], server.has_torch())


def first_image(page: Page, server: Server) -> dict[str, float]:
    """When the first image of a visit was on show, in seconds."""
    page.goto(server.address, wait_until="commit")
    return page.wait_for_function("globalThis.firstImage", timeout=1000 * PATIENCE).json_value()


def figures(ours: Sequence[Round], theirs: Sequence[Round]) -> list[Figure]:
    found = []
    for what, most, times in (
        ("cold server, from `streamlit run`", MOST_COLD, attrgetter("cold")),
        ("warm server, nothing cached", MOST_WARM, attrgetter("warm")),
        ("warm server, a browser that returns", MOST_WARM, attrgetter("again")),
    ):
        here, beside = ([time for each in side for time in times(each)] for side in (ours, theirs))
        reached = statistics.median(here) <= most
        found.append(Figure(what, median_and_range(here), median_and_range(beside), f"at most {most:g}", reached))
    has_torch = [any(each.has_torch for each in side) for side in (ours, theirs)]
    here, beside = ("torch in memory" if each else "no torch in memory" for each in has_torch)
    return [*found, Figure("the server", here, beside, "no torch in memory", not has_torch[0])]


def median_and_range(seconds: Sequence[float]) -> str:
    return f"median {statistics.median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"


if __name__ == "__main__":
    main()
