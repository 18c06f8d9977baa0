"""The browser's side as text: scripts, the compiled kernel and styles, put together from the files of this folder."""

import base64
import json
from collections.abc import Iterable
from pathlib import Path

from ui.theme import QUANTITIES

HERE = Path(__file__).parent
RUNTIME = ("safetensors.js", "linear.js", "kernels.js", "outputs.js", "network.js")
VIEW = (
    "layout.js",
    "geometry.js",
    "neighbours.js",
    "picture.js",
    "map_layers.js",
    "gestures.js",
    "map.js",
    "sliders.js",
    "traversals.js",
    "lattice.js",
    "background.js",
    "tour.js",
    "parts.js",
    "explorer.js",
)


def runtime_source() -> str:
    """What runs networks: no DOM, so that a worker can be started from it too."""
    kernel = base64.b64encode((HERE / "linear.wasm").read_bytes()).decode()
    return f'const LINEAR_WASM = "{kernel}";\n{_joined(RUNTIME)}'


def script() -> str:
    """All of it as one module. The runtime's text is also a string in it: the worker is started from that."""
    runtime = f"{runtime_source()}\n{_joined(('worker.js',))}"
    return f"const RUNTIME_SOURCE = {json.dumps(runtime)};\n{runtime}\n{_joined(VIEW)}"


def style() -> str:
    """The styles, with the quantities' colours as variables."""
    themes = f".explorer {{ {_variables(0)} }}\n.explorer.dark {{ {_variables(1)} }}\n"
    return themes + (HERE / "style.css").read_text(encoding="utf-8")


def _variables(theme: int) -> str:
    return " ".join(f"--{name.replace('_', '-')}: {pair[theme]};" for name, pair in QUANTITIES.items())


def _joined(names: Iterable[str]) -> str:
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)
