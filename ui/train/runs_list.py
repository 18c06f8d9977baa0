"""The table of runs in the browser: it tells of each how it stands, and knows chosen ones by id, wherever they move."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from ui.explorer.sources import parts_script, style
from vae.data import plain_name
from vae.jobs import Run
from vae.training.journal import EVENTS, read_events

HERE = Path(__file__).parent
KEY = "train-runs"
CHOSEN = "train-chosen-runs"

_component = component(
    "vae_runs",
    html='<div class="vae runs"></div>',
    css=style(HERE / "runs_list.css"),
    js=parts_script(HERE / "runs_list.js"),
    isolate_styles=True,
)


def chosen_runs(runs: Sequence[Run]) -> list[Run]:
    """Those of the runs whose boxes are ticked."""
    chosen = st.session_state.get(CHOSEN, [])
    return [run for run in runs if run.id in chosen]


def runs_list(runs: Sequence[Run], watched: str | None) -> str | None:
    """Show the table; the run `watched` is marked in it. Returns the id of the run that was just asked to be shown."""
    # A list: for a dict Streamlit would import pandas, to see whether it might be a data frame.
    data = [[_packed(run) for run in runs], [run.id for run in chosen_runs(runs)], watched]
    result = _component(key=KEY, data=data, on_chosen_change=_choose, on_watch_change=lambda: None)
    asked = getattr(result, "watch", None)
    return asked if any(asked == run.id for run in runs) else None


def _choose() -> None:
    """Kept beside the component's own state, which ends when the reader goes to another page."""
    ids = st.session_state[KEY].get("chosen")
    st.session_state[CHOSEN] = [id for id in ids if isinstance(id, str)] if isinstance(ids, list) else []


def _packed(run: Run) -> dict[str, Any]:
    """What is told of a run in its row."""
    told = {
        "id": run.id,
        "state": run.state.status,
        "epoch": run.state.epoch,
        "epochs": run.state.epochs,
        "elbo": _last_elbo(run),
        "begun": run.state.created.isoformat(),
        "note": run.remark or None,
    }
    if run.config is None:
        return told
    model, training = run.config.model, run.config.training
    return told | {
        "data": plain_name(run.config.dataset),
        "kind": model.kind,
        "d": model.latent_dim,
        "beta": training.beta if model.kind == "vae" else None,
        "learningRate": training.learning_rate if model.kind != "pca" else None,
    }


def _last_elbo(run: Run) -> float | None:
    if run.config is None or run.config.model.kind != "vae":
        return None
    try:
        file = (run.folder / EVENTS).stat()
    except OSError:
        return None
    return _last_elbo_told(run.folder, file.st_mtime_ns, file.st_size)


@lru_cache(maxsize=1024)
def _last_elbo_told(folder: Path, _changed: int, _size: int) -> float | None:
    """A log of a thousand epochs takes longer to read than the rest of the table: read once for each of its states."""
    told = [event.get("test") for event in read_events(folder).events if event["event"] == "epoch_done"]
    elbo = told[-1].get("elbo") if told and isinstance(told[-1], dict) else None
    return elbo if isinstance(elbo, float) else None  # somebody may have edited the log
