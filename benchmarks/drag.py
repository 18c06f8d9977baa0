"""Under the finger: how often the decoded image is redrawn while a real mouse drags, and what one move costs.

Run as `python -m benchmarks.drag`. Beside the explorer, in the same browser, stands a page of Streamlit's own slider.
"""

import asyncio
import math
import statistics
from collections.abc import Callable
from itertools import product
from typing import Any, NamedTuple, cast

from playwright.async_api import Browser, CDPSession, Locator, async_playwright

from benchmarks.harness import APP, CHECKPOINTS, PATIENCE, SLIDER_PAGE, UNWATCHED, VIEWPORT, serve
from benchmarks.report import Figure, percentile, show
from tests.browser.conftest import launch_chromium
from vae.library import list_cards

SECONDS = 3.0
BETWEEN_MOVES = 0.004  # seconds: several moves a frame, so that none waits for one
RELEASES = 9
REST = 1000.0  # milliseconds, until a page has done all that it begins when it opens
COMPARED = ("mnist-ae-2d", "mnist-vae-2d")
LEAST_FRAMES, MOST_MILLISECONDS = 58.0, 3.0  # the targets

# Both scripts look once a frame, from the first move on.
# Counts the frames in which the canvas holds another image than in the one before, and times the page's handlers, from
# the window's capturing listener to its bubbling one.
WATCH_CANVAS = """(canvas, type) => {
  const context = canvas.getContext("2d");
  const watch = { redrawn: 0, frames: 0, seconds: 0, handled: [] };
  let first = null, entered = 0, before = null;
  window.addEventListener(type, () => { entered = performance.now(); first ??= entered; }, { capture: true });
  window.addEventListener(type, () => { watch.handled.push(performance.now() - entered); });
  const look = () => {
    requestAnimationFrame(look);
    if (first === null) return;
    let hash = 0;
    for (const byte of context.getImageData(0, 0, canvas.width, canvas.height).data) hash = (31 * hash + byte) | 0;
    watch.frames += 1;
    watch.redrawn += hash !== before;
    watch.seconds = (performance.now() - first) / 1000;
    before = hash;
  };
  look();
  globalThis.watch = watch;
}"""

# Counts the frames in which the thumb has moved and those in which another picture has come, and times the picture that
# follows each release.
WATCH_PICTURE = """() => {
  const thumb = document.querySelector("input[type=range]");
  const watch = { redrawn: 0, moved: 0, seconds: 0, painted: [] };
  let first = null, released = null, value = thumb.value, before = document.querySelector("img").src;
  window.addEventListener("pointermove", () => { first ??= performance.now(); }, { capture: true });
  window.addEventListener("pointerup", () => { released = performance.now(); }, { capture: true });
  const look = () => {
    requestAnimationFrame(look);
    if (first === null) return;
    watch.seconds = (performance.now() - first) / 1000;
    watch.moved += thumb.value !== value;
    value = thumb.value;
    const image = document.querySelector("img");
    if (!image?.complete || image.src === before) return;
    before = image.src;
    watch.redrawn += 1;
    if (released !== null) watch.painted.push(performance.now() - released);
  };
  look();
  globalThis.watch = watch;
}"""

Point = tuple[float, float]  # CSS pixels
Path2D = Callable[[float], Point]  # where the mouse is, so many seconds after the press


class Mouse(NamedTuple):
    """The browser's own mouse input, sent without waiting until each move is handled."""

    session: CDPSession

    async def send(self, kind: str, at: Point) -> None:
        event = {"type": kind, "x": at[0], "y": at[1], "button": "left", "buttons": 1, "clickCount": 1}
        await self.session.send("Input.dispatchMouseEvent", event)

    async def drag(self, path: Path2D, seconds: float) -> None:
        """Press and follow the path; the button stays down."""
        clock = asyncio.get_running_loop().time
        await self.send("mousePressed", path(0.0))
        start, moves = clock(), []
        while (elapsed := clock() - start) < seconds:
            moves.append(asyncio.create_task(self.send("mouseMoved", path(elapsed))))
            await asyncio.sleep(BETWEEN_MOVES)
        await asyncio.gather(*moves)


async def around(map_: Locator) -> Path2D:
    """A circle on the map, once in three seconds."""
    left, top, width, height = await box_of(map_)
    x, y, radius = left + width / 2, top + height / 2, 0.35 * width
    return lambda t: (x + radius * math.cos(math.tau * t / 3), y + radius * math.sin(math.tau * t / 3))


async def to_and_fro(slider: Locator) -> Path2D:
    """From the middle of a slider nearly to both its ends, at one speed; at the very ends a thumb stands still."""
    left, top, width, height = await box_of(slider)
    return lambda t: (left + width * (0.1 + 0.8 * abs((t / 1.5 + 0.5) % 2 - 1)), top + height / 2)


async def box_of(locator: Locator) -> tuple[float, float, float, float]:
    box = await locator.bounding_box()
    assert box is not None, "not on the screen"
    return box["x"], box["y"], box["width"], box["height"]


async def in_explorer(browser: Browser, address: str, model: str, gesture: str) -> dict[str, Any]:
    """What was seen while the map or the first slider was dragged."""
    page = await browser.new_page(viewport=VIEWPORT)
    await page.goto(f"{address}/?model={model}")
    await page.locator(f".explorer[data-model={model}]").wait_for(timeout=1000 * PATIENCE)
    await page.wait_for_timeout(REST)
    if gesture == "map":
        path, handled = await around(page.get_by_label("latent map", exact=True)), "pointermove"
    else:
        path, handled = await to_and_fro(page.get_by_role("slider").first), "input"
    await page.get_by_role("img", name="decoded image").evaluate(WATCH_CANVAS, handled)
    await Mouse(await page.context.new_cdp_session(page)).drag(path, SECONDS)
    seen = await page.evaluate("watch")
    await page.context.close()
    return seen


async def in_comparison(browser: Browser, address: str) -> dict[str, Any]:
    """What was seen of the first of two decoded images while the first of two linked maps was dragged."""
    page = await browser.new_page(viewport=VIEWPORT)
    await page.goto(f"{address}/compare?left={COMPARED[0]}&right={COMPARED[1]}")
    await page.locator(".duet[data-models]").wait_for(timeout=1000 * PATIENCE)
    await page.wait_for_timeout(3 * REST)
    path = await around(page.get_by_label("latent map, AE", exact=True))
    await page.get_by_role("img", name="decoded image, AE", exact=True).evaluate(WATCH_CANVAS, "pointermove")
    await Mouse(await page.context.new_cdp_session(page)).drag(path, SECONDS)
    seen = await page.evaluate("watch")
    await page.context.close()
    return seen


async def in_slider_page(browser: Browser, address: str) -> dict[str, Any]:
    """What was seen while `st.slider` was dragged, and then the milliseconds from each release to its picture."""
    page = await browser.new_page(viewport=VIEWPORT)
    await page.goto(address)
    await page.locator("img").wait_for(timeout=1000 * PATIENCE)
    await page.wait_for_timeout(REST)
    mouse = Mouse(await page.context.new_cdp_session(page))
    path = await to_and_fro(page.get_by_role("group", name="z1"))
    await page.evaluate(WATCH_PICTURE)
    await mouse.drag(path, SECONDS)
    seen = await page.evaluate("watch")
    for release in range(1, RELEASES + 1):
        at = path(0.08 * release)  # on the way to one end: never where it was let go before
        await mouse.send("mouseMoved", at)
        await mouse.send("mouseReleased", at)
        await page.wait_for_function("count => watch.painted.length === count", arg=release)
        await page.wait_for_timeout(300)
        await mouse.send("mousePressed", at)
    seen["painted"] = await page.evaluate("watch.painted")
    await page.context.close()
    return seen


def frames(what: str, seen: dict[str, Any], beside: dict[str, Any]) -> Figure:
    redrawn = seen["redrawn"] / seen["seconds"]
    return Figure(
        what,
        f"{redrawn:.1f} of the browser's {seen['frames'] / seen['seconds']:.1f}",
        f"{beside['redrawn'] / beside['seconds']:.1f}; its thumb moved in {beside['moved'] / beside['seconds']:.1f}",
        f"at least {LEAST_FRAMES:g}",
        redrawn >= LEAST_FRAMES,
    )


def handling(what: str, seen: dict[str, Any], beside: dict[str, Any]) -> Figure:
    most = percentile(seen["handled"], 95)
    return Figure(
        what,
        f"median {statistics.median(seen['handled']):.1f}, p95 {most:.1f}",
        f"median {statistics.median(beside['painted']):.0f}, after the release",
        f"p95 at most {MOST_MILLISECONDS:g}",
        most <= MOST_MILLISECONDS,
    )


async def measure() -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """What was seen for each model and gesture in the explorer, and on the page beside it."""
    entries = [entry for entry in list_cards(CHECKPOINTS).cards if entry.card.data.shape[1:] == (28, 28)]
    async with async_playwright() as playwright:
        browser = await cast(Any, launch_chromium)(playwright)  # a coroutine, as this playwright is asynchronous
        with serve(SLIDER_PAGE, UNWATCHED, "--", str(entries[0].folder)) as server:
            server.wait()
            beside = await in_slider_page(browser, server.address)
        with serve(APP, UNWATCHED) as server:
            server.wait()
            seen = {
                f"{entry.folder.name}, {gesture}": await in_explorer(
                    browser, server.address, entry.folder.name, gesture
                )
                for entry, gesture in product(entries, ("map", "slider"))
            }
            seen[f"{' beside '.join(COMPARED)}, map"] = await in_comparison(browser, server.address)
        await browser.close()
    return seen, beside


def main() -> None:
    seen, beside = asyncio.run(measure())
    for title, figure in (("redrawn frames per second", frames), ("handler to drawn, milliseconds", handling)):
        rows = [figure(what, each, beside) for what, each in seen.items()]
        show(f"Dragging with a real mouse, models of 28x28 pixels: {title}", rows, beside="st.slider and torch")


if __name__ == "__main__":
    main()
