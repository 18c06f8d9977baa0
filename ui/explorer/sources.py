"""The browser's side as text: scripts, the compiled kernel and styles, put together from the files of this folder."""

import base64
import json
from collections.abc import Iterable
from pathlib import Path

from ui.theme import QUANTITIES

HERE = Path(__file__).parent
RUNTIME = ("safetensors.js", "linear.js", "kernels.js", "outputs.js", "network.js")
PARTS = (
    "parts.js",
    "geometry.js",
    "neighbours.js",
    "picture.js",
    "map_layers.js",
    "gestures.js",
    "map.js",
    "lattice.js",
    "background.js",
)


def runtime_source() -> str:
    """What runs networks: no DOM, so that a worker can be started from it too."""
    kernel = base64.b64encode((HERE / "linear.wasm").read_bytes()).decode()
    return f'const LINEAR_WASM = "{kernel}";\n{_joined(RUNTIME)}'


def script(*views: Path) -> str:
    """A component's module: the runtime, the parts that every component may use, and the component's own `views`.

    The runtime's text is also a string in it: the worker is started from that.
    """
    runtime = f"{runtime_source()}\n{_joined(('worker.js',))}"
    own = "\n".join(path.read_text(encoding="utf-8") for path in views)
    return f"const RUNTIME_SOURCE = {json.dumps(runtime)};\n{runtime}\n{_joined(PARTS)}\n{own}"


def parts_script(*views: Path) -> str:
    """The module of a component that runs no network: the smaller parts, and its own `views`."""
    return "\n".join(path.read_text(encoding="utf-8") for path in (HERE / "parts.js", *views))


def style(*sheets: Path) -> str:
    """What every component shares, with the quantities' colours as variables, and the component's own `sheets`."""
    themes = f".vae {{ {_variables(0)} }}\n.vae.dark {{ {_variables(1)} }}\n"
    return themes + "\n".join(path.read_text(encoding="utf-8") for path in (HERE / "parts.css", *sheets))


def _variables(theme: int) -> str:
    return " ".join(f"--{name.replace('_', '-')}: {pair[theme]};" for name, pair in QUANTITIES.items())


def _joined(names: Iterable[str]) -> str:
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in names)
