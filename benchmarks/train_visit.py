"""The training page in a browser, driven as a person does; a watch in the page times what follows an event."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page

from benchmarks.harness import PATIENCE

TIMEOUT = 1000 * PATIENCE
LONGEST = 600.0  # seconds that a training may take

# `watch.arm(event, what)` waits for the next such event, and then looks once a frame whether `what` holds; it notes the
# milliseconds between. Shadow roots are kept, so that what is in a component can be looked at.
WATCH = """(() => {
  const roots = [document];
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (...options) {
    roots.push(attach.apply(this, options));
    return roots.at(-1);
  };
  const find = (selector) => roots.map((root) => root.querySelector(selector)).find(Boolean);
  globalThis.watch = {
    took: null,
    arm(event, selector, attribute, holds) {
      watch.took = null;
      const pattern = new RegExp(holds);
      window.addEventListener(event, () => {
        const began = performance.now();
        const look = () => {
          const found = find(selector);
          const text = found && (attribute ? found.getAttribute(attribute) : found.textContent);
          if (!pattern.test(text ?? "")) return requestAnimationFrame(look);
          watch.took = performance.now() - began;
        };
        look();
      }, { capture: true, once: true });
    },
  };
})()"""


class TrainVisit:
    """One visit to the page; the runs lie in `runs`."""

    def __init__(self, page: Page, address: str, runs: Path) -> None:
        self.page, self._address, self._runs = page, f"{address}/train", runs
        page.set_default_timeout(TIMEOUT)

    def open(self) -> None:
        """Until the form stands and Play can be pressed."""
        self.page.goto(self._address)
        self.play_button.wait_for()

    @property
    def play_button(self) -> Locator:
        return self.page.get_by_role("button", name="Play", exact=True)

    @property
    def folder(self) -> Path:
        """Of the run on show."""
        return self._runs / self.page.url.partition("run=")[2]

    def set(self, label: str, value: object, option: str) -> None:
        """Fill in a field of the form, and wait until the command line says so."""
        field = self.page.get_by_label(label, exact=True)
        field.fill(str(value))
        field.press("Enter")
        self.page.get_by_text(f"--{option} {value} ").wait_for()

    def timed(self, act: Callable[[], Any], event: str, selector: str, holds: str, attribute: str = "") -> float:
        """Milliseconds from the event that `act` makes until what `selector` finds says what `holds` describes."""
        self.page.evaluate("given => watch.arm(...given)", [event, selector, attribute, holds])
        act()
        return self.page.wait_for_function("watch.took", timeout=TIMEOUT).json_value()

    def play(self) -> float:
        """Press play: seconds until the first number of the run moves."""
        return self.timed(self.play_button.click, "click", ".status-text", "images a second") / 1000

    def wait_until(self, holds: Callable[[], bool]) -> None:
        given_up = time.monotonic() + LONGEST
        while not holds():
            if time.monotonic() > given_up:
                raise TimeoutError(f"{self.folder.name} took longer than {LONGEST:.0f} s")
            self.page.wait_for_timeout(200)  # the browser goes on meanwhile

    def is_over(self) -> bool:
        return self.page.locator(".live").get_attribute("data-status") in ("done", "stopped", "failed")

    def stop(self) -> None:
        self.page.get_by_role("button", name="Stop and keep").click()
        self.wait_until(self.is_over)


def epochs_of(folder: Path) -> list[dict[str, Any]]:
    """What a run told of its epochs."""
    lines = (folder / "events.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == "epoch_done"]
