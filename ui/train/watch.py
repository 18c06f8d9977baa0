"""One run, live: what the browser shows of it, and what its reader asks of it."""

from collections.abc import Sequence

import streamlit as st

from ui.train.live import live
from ui.train.runs_table import ask_to_delete
from ui.train.steering import carry_out
from vae import jobs, library
from vae.errors import RunError, VaeError
from vae.jobs.listing import read_run


@st.fragment
def watch(run_id: str, owner: str | None, beside: Sequence[tuple[str, str]]) -> None:
    """The live view of a run that `owner` may see, with the curves of others (id, name) over its own."""
    try:
        run = read_run(jobs.find(library.RUNS, run_id))
    except RunError:
        run = None
    if run is None or not run.is_shown_to(owner):  # the same words: whose it is, is nobody else's business
        st.warning(f"There is no run named {run_id[:60]!r}; it may have been deleted.")
        return
    wish, has_changed = live(run_id, beside, key=f"live-{run_id}")
    if has_changed:
        st.rerun()  # the table names the status too
    if wish is None:
        return
    if not run.belongs_to(owner):
        st.info("This run is another visitor's: you may watch it.")
        return
    if wish.command == "discard":
        ask_to_delete(run)
        return
    try:
        carry_out(run.folder, wish)
    except (VaeError, OSError) as error:
        st.error(f"{error}.")
