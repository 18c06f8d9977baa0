"""What twenty people who drag at once cost the server: nothing, as each decodes in a browser of their own.

Run as `python -m benchmarks.sessions`. The moves are made inside the pages, so that twenty browsers fit on a small
machine; what is measured is the processor time of the server alone.
"""

import time

from playwright.sync_api import Browser, Locator, ViewportSize

from benchmarks.harness import APP, PATIENCE, UNWATCHED, Server, chromium, serve
from benchmarks.report import Figure, show

SESSIONS = 20
SECONDS = 8.0
SETTLE = 2.0  # seconds until what a page began has ended
SMALL: ViewportSize = {"width": 700, "height": 800}
MOST_MORE = 1.0  # percent of one core

# Moves around the map thirty times a second, with the mouse's events, and counts the images that this decodes.
DRAG = """surface => {
  const canvas = surface.getRootNode().querySelector("canvas.decoded");
  const box = surface.getBoundingClientRect();
  const send = (type, angle) => surface.dispatchEvent(new PointerEvent(type, {
    pointerId: 1, pointerType: "mouse", button: 0, buttons: 1, bubbles: true, composed: true,
    clientX: box.x + box.width * (0.5 + 0.3 * Math.cos(angle)),
    clientY: box.y + box.height * (0.5 + 0.3 * Math.sin(angle)),
  }));
  let angle = 0, before = "";
  const drag = { images: 0, release: () => { clearInterval(drag.timer); send("pointerup", angle); } };
  send("pointerdown", angle);
  drag.timer = setInterval(() => {
    send("pointermove", angle += 0.07);
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const image = String.fromCharCode(...data);
    drag.images += image !== before;
    before = image;
  }, 33);
  surface.drag = drag;
}"""


def main() -> None:
    with serve(APP, UNWATCHED) as server, chromium() as browser:
        server.wait()
        maps = open_sessions(browser, server)
        idle = cpu_during(server, SECONDS)
        for latent_map in maps:
            latent_map.evaluate(DRAG)
        dragging = cpu_during(server, SECONDS)
        images = sum(latent_map.evaluate("surface => surface.drag.images") for latent_map in maps)
        before = server.cpu_seconds()
        for latent_map in maps:
            latent_map.evaluate("surface => surface.drag.release()")
        releases = server.cpu_seconds() - before + cpu_during(server, SETTLE)
    show(f"{SESSIONS} sessions at once: processor time of the server", figures(idle, dragging, images, releases))


def open_sessions(browser: Browser, server: Server) -> list[Locator]:
    """The latent map of each of the pages, once all have come to rest. Each page is a session of its own."""
    context = browser.new_context(viewport=SMALL)
    maps = []
    for _ in range(SESSIONS):
        page = context.new_page()
        page.goto(server.address, wait_until="commit")
        page.locator(".explorer[data-model]").wait_for(timeout=1000 * PATIENCE)
        maps.append(page.get_by_label("latent map", exact=True))
    time.sleep(SETTLE)
    return maps


def cpu_during(server: Server, seconds: float) -> float:
    before = server.cpu_seconds()
    time.sleep(seconds)
    return server.cpu_seconds() - before


def figures(idle: float, dragging: float, images: int, releases: float) -> list[Figure]:
    """All times in seconds."""
    share, at_rest = (100 * used / SECONDS for used in (dragging, idle))
    return [
        Figure(
            "while all drag",
            f"{share:.1f} % of a core, for {images / SECONDS:,.0f} decoded images a second",
            f"{at_rest:.1f} % with all pages open and at rest",
            f"at most {MOST_MORE:g} % more",
            share - at_rest <= MOST_MORE,
        ),
        Figure("when one lets go", f"{1000 * releases / SESSIONS:.0f} ms of a core, once"),
    ]


if __name__ == "__main__":
    main()
