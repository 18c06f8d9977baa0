"""From `streamlit run app.py` to the first decoded image on the screen, and whether the server took up torch for it.

Run as `python -m benchmarks.start`. A browser that already runs visits each time with an empty cache.
"""

import statistics

from playwright.sync_api import Browser

from benchmarks.harness import PATIENCE, Server, chromium, fresh_page, serve
from benchmarks.report import Figure, show

COLD_RUNS, WARM_RUNS = 5, 9
MOST_COLD, MOST_WARM = 3.0, 1.0  # seconds, the targets

# Notes when the canvas first holds an image, which is never of one colour: in ms since 1970 and since the navigation.
NOTE_FIRST_IMAGE = """(() => {
  const look = () => {
    const hosts = [...document.querySelectorAll("[data-testid=stBidiComponentIsolated], .stBidiComponent *")];
    requestAnimationFrame(look);
  };
})();"""


def main() -> None:
    pass
