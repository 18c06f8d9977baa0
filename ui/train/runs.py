"""The run that is watched and, below it, the table of all: drawn anew together, without the rest of the page."""

import streamlit as st

from ui.train.runs_list import chosen_runs
from ui.train.runs_table import runs_table
from ui.train.watch import watch
from vae import jobs, library

SECONDS_BETWEEN_LOOKS = 4


def runs_of(owner: str | None, watched: str | None) -> None:
    """The runs that `owner` may see, live the one whose id is `watched`; looked at anew while one of them goes on."""
    goes_on = any(run.is_at_work or run.state.status == "queued" for run in jobs.list_runs(library.RUNS, owner))
    st.fragment(_draw, run_every=SECONDS_BETWEEN_LOOKS if goes_on else None)(owner, watched)


def _draw(owner: str | None, watched: str | None) -> None:
    runs = jobs.list_runs(library.RUNS, owner)
    if watched:
        watch(watched, owner, [(run.id, run.id) for run in chosen_runs(runs) if run.id != watched])
    runs_table(runs, owner, watched)
