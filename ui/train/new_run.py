"""A new run: its settings, what it will take, and play."""

import os
import time
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui.train.form import config_form
from vae import data, jobs, library
from vae.config import RunConfig
from vae.errors import VaeError
from vae.jobs import JobSettings
from vae.jobs.limits import check_dataset

MEASURING = "How long it will take is being measured."
SECONDS_BETWEEN_LOOKS = 0.1
_prober = ThreadPoolExecutor(1, "probe")  # two at once would measure each other


@st.fragment
def new_run(owner: str | None, expanded: bool) -> None:
    """The form; play makes the run, and the page's address its own.

    To be called when the rest of the page stands: when it is `expanded` it measures how long the run will take.
    """
    with st.expander("A new run", expanded=expanded):
        settings = JobSettings.from_environment()
        jobs.prepare(settings)
        config = config_form({info.name: info.name for info in data.available() if not info.is_form}, owner, settings)
        if config is None:
            return
        try:
            check_dataset(config.dataset, owner, settings)  # before anything of it is read
        except VaeError as error:
            st.error(f"This cannot be trained here: {error}.")
            return
        left, right = st.columns([4, 1], vertical_alignment="center")
        place = left.empty()
        place.caption(MEASURING if expanded else "")
        if right.button("Play", type="primary", width="stretch"):
            try:
                run_id = jobs.enqueue(config, library.RUNS, owner)
                jobs.start_due(library.RUNS)
            except (VaeError, OSError) as error:
                st.error(f"This run cannot be made: {error}.")
                return
            st.session_state.pop("train-cloned", None)
            st.query_params["run"] = run_id
            st.rerun()
    if expanded:
        _expect(place, config)


def _expect(place: DeltaGenerator, config: RunConfig) -> None:
    """Parameters, memory and time, from a short probe on this machine."""
    try:
        parameters, memory, seconds, measured = _awaited(place, config.model_dump_json(), _changed(config.dataset))
    except CancelledError:
        return  # by another visitor, who had asked for the same and gone on; the next look asks anew
    except (VaeError, OSError) as error:
        place.caption(f"What it will take cannot be said: {error}.")
        return
    place.markdown(
        f"**{parameters:,}** parameters · up to **{memory / 1e9:.1f} GB** of memory · about **{duration(seconds)}**  \n"
        f":gray[:small[{measured}]]"
    )


def _changed(dataset: str) -> int:
    """When images of one's own last changed: what was forecast for others does not hold."""
    path = data.path_of(dataset) if data.is_own(dataset) else None
    return os.stat(path).st_mtime_ns if path and os.path.exists(path) else 0


def _awaited(place: DeltaGenerator, config: str, changed: int) -> tuple[int, int, float, str]:
    """The forecast. Each look at it is a moment at which the page may be drawn anew: no field waits for the probe."""
    probe = _probe(config, changed)
    try:
        while not probe.done():
            place.caption(MEASURING)
            time.sleep(SECONDS_BETWEEN_LOOKS)
        return probe.result()
    finally:
        probe.cancel()  # if it has not begun: nobody waits for it any more
        if probe.done() and (probe.cancelled() or probe.exception()):
            _probe.clear(config, changed)  # the next look asks anew


@st.cache_resource(max_entries=512, show_spinner=False)
def _probe(config: str, changed: int) -> "Future[tuple[int, int, float, str]]":
    return _prober.submit(_forecast, config)


def _forecast(config: str) -> tuple[int, int, float, str]:
    from vae.jobs.forecast import forecast  # torch: when first asked for

    found = forecast(RunConfig.model_validate_json(config))
    return found.parameters, found.memory, found.seconds, found.measured


def duration(seconds: float) -> str:
    """As a person says it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
