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
MODEL = "digits-vae-2d"  # the lightest on the browsers; the server does the same for each
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
  const begun = performance.now();
  let angle = 0, before = "", images = 0;
  send("pointerdown", angle);
  const timer = setInterval(() => {
    send("pointermove", angle += 0.07);
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const image = String.fromCharCode(...data);
    images += image !== before;
    before = image;
  }, 33);
  surface.imagesPerSecond = () => 1000 * images / (performance.now() - begun);
  surface.letGo = () => { clearInterval(timer); send("pointerup", angle); };
}"""


def main() -> None:
    with serve(APP, UNWATCHED) as server, chromium() as browser:
        server.wait()
        maps = open_sessions(browser, server)
        idle = cpu_during(server, SECONDS)
        for latent_map in maps:
            latent_map.evaluate(DRAG)
        dragging = cpu_during(server, SECONDS)
        images_per_second = sum(latent_map.evaluate("surface => surface.imagesPerSecond()") for latent_map in maps)
        used = server.cpu_seconds()
        for latent_map in maps:
            latent_map.evaluate("surface => surface.letGo()")
        time.sleep(SETTLE)
        releases = server.cpu_seconds() - used
    show(
        f"{SESSIONS} sessions at once: processor time of the server",
        figures(idle, dragging, releases, images_per_second),
    )


def open_sessions(browser: Browser, server: Server) -> list[Locator]:
    """The latent map of each of the pages, once all have come to rest. Each page is a session of its own."""
    context = browser.new_context(viewport=SMALL)
    maps = []
    for _ in range(SESSIONS):
        page = context.new_page()
        page.goto(f"{server.address}/?model={MODEL}", wait_until="commit")
        page.locator(f".explorer[data-model={MODEL}]").wait_for(timeout=1000 * PATIENCE)
        maps.append(page.get_by_label("latent map", exact=True))
    time.sleep(SETTLE)
    return maps


def cpu_during(server: Server, seconds: float) -> float:
    before = server.cpu_seconds()
    time.sleep(seconds)
    return server.cpu_seconds() - before


def figures(idle: float, dragging: float, releases: float, images_per_second: float) -> list[Figure]:
    """From processor times in seconds."""
    share, at_rest = (100 * used / SECONDS for used in (dragging, idle))
    return [
        Figure(
            "while all drag",
            f"{share:.1f} % of a core, for {images_per_second:,.0f} decoded images a second",
            f"{at_rest:.1f} % with all pages open and at rest",
            f"at most {MOST_MORE:g} % more",
            share - at_rest <= MOST_MORE,
        ),
        Figure("when one lets go", f"{1000 * releases / SESSIONS:.0f} ms of a core, once"),
    ]


if __name__ == "__main__":
    main()
