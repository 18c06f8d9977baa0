"""A run on the page: what the browser draws by itself, and what it is asked to pass on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from streamlit.components.v2 import component

from ui.explorer.sources import script, style
from ui.theme import CLASSES
from ui.train.freezing import OFFERED_IMAGES
from vae.config import CHANGEABLE, Changeable, Trains

HERE = Path(__file__).parent
VIEWS = (
    "told.js",
    "film.js",
    "motion.js",
    "frame_view.js",
    "plot.js",
    "curves.js",
    "charts.js",
    "bars.js",
    "wish.js",
    "transport.js",
    "gap_chart.js",
    "gap.js",
    "live_layout.js",
    "live.js",
)
Button = Literal["play", "pause", "step", "stop", "resume", "discard"]
Setting = Literal["speed"] | Changeable
BUTTONS, SETTINGS = get_args(Button), ("speed", *CHANGEABLE)

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

    command: Button | Setting
    value: float | str | None = None


def run_address(run_id: str) -> str:
    """Where the browser asks after a run."""
    return f"/api/runs/{run_id}"


def live(run_id: str, beside: Sequence[tuple[str, str]], key: str) -> tuple[Wish | None, bool]:
    """Show a run, and the curves of others (id, name) beside its own.

    Returns what was just asked for, if anything, and whether the browser has just seen the run's status change.
    """
    # Lists: for a dict Streamlit would import pandas, to see whether it might be a data frame.
    others = [[run_address(other), name] for other, name in beside]
    data = [run_address(run_id), others, list(CLASSES), OFFERED_IMAGES]
    result = _component(key=key, data=data, on_wish_change=lambda: None, on_status_change=lambda: None)
    return wish(getattr(result, "wish", None)), getattr(result, "status", None) is not None


def wish(value: Any) -> Wish | None:
    """What the browser sent, once it is what a browser should send."""
    if not isinstance(value, dict):
        return None
    command: Any = value.get("command")
    given = value.get("value")
    if command in BUTTONS:
        return Wish(command) if given is None else None
    if command not in SETTINGS:
        return None
    if command == "trains":
        return Wish(command, given) if given in get_args(Trains) else None
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    return Wish(command, float(given))
