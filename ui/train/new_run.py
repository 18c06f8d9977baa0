"""A new run: its settings, what it will take, and play."""

from collections.abc import Callable

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui.train.form import config_form
from vae import data, jobs, library
from vae.config import RunConfig
from vae.errors import VaeError
from vae.jobs import JobSettings


def new_run(owner: str | None, expanded: bool) -> Callable[[], None]:
    """The form; play makes the run, and the page's address its own.

    Returns what says how long it will take, to be called when the rest of the page stands: it measures for a moment.
    """
    with st.expander("A new run", expanded=expanded):
        settings = JobSettings.from_environment()
        config = config_form([info.name for info in data.available()], {"epochs": settings.most_epochs})
        if config is None:
            return lambda: None
        left, right = st.columns([4, 1], vertical_alignment="center")
        place = left.empty()
        place.caption("How long it will take is being measured.")
        if right.button("Play", type="primary", width="stretch"):
            try:
                run_id = jobs.enqueue(config, library.RUNS, owner)
                jobs.start_due(library.RUNS)
            except (VaeError, OSError) as error:
                st.error(f"This run cannot be made: {error}.")
                return lambda: None
            st.session_state.pop("train-cloned", None)
            st.query_params["run"] = run_id
            st.rerun()
    return lambda: _expect(place, config)


def _expect(place: DeltaGenerator, config: RunConfig) -> None:
    """Parameters, memory and time, from a short probe on this machine."""
    try:
        parameters, memory, seconds, measured = _forecast(config.model_dump_json())
    except (VaeError, OSError) as error:
        place.caption(f"What it will take cannot be said: {error}.")
        return
    place.markdown(
        f"**{parameters:,}** parameters · up to **{memory / 1e9:.1f} GB** of memory · about **{duration(seconds)}**  \n"
        f":gray[:small[{measured}]]"
    )


@st.cache_data(max_entries=512, show_spinner=False)
def _forecast(config: str) -> tuple[int, int, float, str]:
    from vae.jobs.forecast import forecast  # torch: when first asked for

    found = forecast(RunConfig.model_validate_json(config))
    return found.parameters, found.memory, found.seconds, found.measured


def duration(seconds: float) -> str:
    """As a person says it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
