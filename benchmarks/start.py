"""From `streamlit run app.py` to the first decoded image on the screen, and whether the server took up torch for it.

Run as `python -m benchmarks.start`. A browser that already runs visits with nothing cached. Beside it, in turn with it,
stands a page that decodes with torch on the server.
"""

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser

from benchmarks.harness import APP, CHECKPOINTS, PATIENCE, SLIDER_PAGE, Server, chromium, fresh_page, serve
from benchmarks.report import Figure, show

ROUNDS, WARM_VISITS = 5, 2  # servers, and visits to each after the first
MOST_COLD, MOST_WARM = 3.0, 1.0  # seconds, the targets

# Notes when the first image is on show: in milliseconds since 1970, and since the navigation.
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
    globalThis.firstImage = { since1970: performance.timeOrigin + now, sinceNavigation: now };
  };
  requestAnimationFrame(look);
})()"""


def visit(browser: Browser, server: Server) -> tuple[float, float]:
    """Seconds to the first image: since the server's process was made, and since the navigation."""
    server.wait()
    with fresh_page(browser, NOTE_FIRST_IMAGE) as page:
        page.goto(server.address, wait_until="commit")
        noted = page.wait_for_function("globalThis.firstImage", timeout=1000 * PATIENCE).json_value()
    return noted["since1970"] / 1000 - server.started, noted["sinceNavigation"] / 1000


class Round(NamedTuple):
    """One server: its first visit, counted from the start of its process, and later ones, from the navigation."""

    cold: float
    warm: list[float]
    has_torch: bool


def visits(browser: Browser, script: Path, *options: str) -> Round:
    with serve(script, *options) as server:
        cold, _ = visit(browser, server)
        warm = [visit(browser, server)[1] for _ in range(WARM_VISITS)]
        return Round(cold, warm, server.has_torch())


def main() -> None:
    folder = next(CHECKPOINTS.glob("*/card.json")).parent
    with chromium() as browser:
        rounds = [(visits(browser, APP), visits(browser, SLIDER_PAGE, "--", str(folder))) for _ in range(ROUNDS)]
    ours, theirs = zip(*rounds, strict=True)
    show("From the start to the first decoded image, seconds", figures(ours, theirs), beside="st.slider and torch")


def figures(ours: Sequence[Round], theirs: Sequence[Round]) -> list[Figure]:
    found = []
    for what, most, times in (
        ("cold server, from `streamlit run`", MOST_COLD, lambda side: [each.cold for each in side]),
        ("warm server, from the navigation", MOST_WARM, lambda side: [time for each in side for time in each.warm]),
    ):
        here, beside = times(ours), times(theirs)
        reached = statistics.median(here) <= most
        found.append(Figure(what, median_and_range(here), median_and_range(beside), f"at most {most:g}", reached))
    has_torch = [any(each.has_torch for each in side) for side in (ours, theirs)]
    here, beside = ("torch in memory" if each else "no torch in memory" for each in has_torch)
    return [*found, Figure("the server", here, beside, "no torch in memory", not has_torch[0])]


def median_and_range(seconds: Sequence[float]) -> str:
    return f"median {statistics.median(seconds):.2f} ({min(seconds):.2f} to {max(seconds):.2f})"


if __name__ == "__main__":
    main()
