"""A run on the page: what the browser draws by itself, and what it is asked to pass on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from streamlit.components.v2 import component

from ui.explorer.sources import script, style
from ui.theme import CLASSES

HERE = Path(__file__).parent
VIEWS = ("curves.js", "film.js", "bars.js", "transport.js", "live.js")
Command = Literal["play", "pause", "step", "stop", "resume", "discard", "beta", "learning_rate", "speed"]
WITH_VALUE = frozenset({"beta", "learning_rate", "speed"})

_component = component(
    "vae_live",
    html='<div class="vae live"></div>',
    css=style(HERE / "live.css"),
    js=script(*(HERE / name for name in VIEWS)),
    isolate_styles=True,
)


@dataclass(frozen=True)
class Wish:
    """What the reader asks of a run; `value` where the command has one."""

    command: Command
    value: float | None = None


def run_address(run_id: str) -> str:
    """Where the browser asks after a run."""
    return f"/api/runs/{run_id}"


def live(run_id: str, beside: Sequence[tuple[str, str]], key: str) -> Wish | None:
    """Show a run, and the curves of others (id, name) beside its own. Returns what was just asked for, if anything."""
    # Lists: for a dict Streamlit would import pandas, to see whether it might be a data frame.
    others = [[run_address(other), name] for other, name in beside]
    result = _component(key=key, data=[run_address(run_id), others, list(CLASSES)], on_wish_change=lambda: None)
    return wish(getattr(result, "wish", None))


def wish(value: Any) -> Wish | None:
    """What the browser sent, once it is what a browser should send."""
    if not isinstance(value, dict) or value.get("command") not in get_args(Command):
        return None
    command, number = value["command"], value.get("value")
    if command not in WITH_VALUE:
        return Wish(command) if number is None else None
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    return Wish(command, float(number))
