"""A new run: its settings, what it will take, and play."""

import streamlit as st

from ui.train.forecast_line import forecast_line
from ui.train.form import config_form
from vae import data, jobs, library
from vae.errors import VaeError
from vae.jobs import JobSettings
from vae.jobs.limits import check_config, check_dataset


@st.fragment
def new_run(owner: str | None, expanded: bool) -> None:
    """The form; play makes the run, and the page's address its own."""
    with st.expander("A new run", expanded=expanded):
        settings = JobSettings.from_environment()
        jobs.prepare(settings)
        config = config_form({info.name: info.name for info in data.available() if not info.is_form}, owner, settings)
        if config is None:
            return
        left, right = st.columns([4, 1], vertical_alignment="center")
        try:
            check_dataset(config.dataset, owner, settings)  # before anything of it is read
            if not data.is_own(config.dataset):  # those are looked through only when they are measured, or trained on
                check_config(config, settings)
            with left:
                forecast_line(config, key="train-forecast")
        except VaeError as error:
            st.error(f"This cannot be trained here: {str(error).rstrip('.')}.")
            return
        if right.button("Play", type="primary", width="stretch"):
            try:
                run_id = jobs.enqueue(config, library.RUNS, owner)
                jobs.start_due(library.RUNS)
            except (VaeError, OSError) as error:
                st.error(f"This run cannot be made: {str(error).rstrip('.')}.")
                return
            st.session_state.pop("train-cloned", None)
            st.query_params["run"] = run_id
            st.rerun()
