"""The runs there are, and what can be done with those that are chosen."""

from collections.abc import Callable, Sequence

import streamlit as st

from ui.train.comparing import compare, compare_two
from ui.train.freezing import carry_on, how_to_carry_on
from ui.train.runs_list import chosen_runs, runs_list
from ui.train.sharing import sharing
from vae import jobs
from vae.card import CARD
from vae.config import to_flat
from vae.errors import VaeError
from vae.jobs import Run

MORE_EPOCHS = 20


def runs_table(runs: Sequence[Run], owner: str | None, watched: str | None) -> None:
    """The table, and what `owner` can do with the run that is chosen in it."""
    st.subheader("Runs", anchor=False)
    if not runs:
        st.caption("There is no run yet. Those of a terminal, in `runs/`, show up here too.")
        return
    asked = runs_list(runs, watched)
    if asked:
        st.query_params["run"] = asked
        st.rerun()
    chosen = chosen_runs(runs)
    if not chosen:
        st.caption("Tick runs: their curves are laid over the one above, and a ticked run can be carried on.")
    elif len(chosen) == 1:
        _actions(chosen[0], owner)
    elif len(chosen) == 2:
        compare_two(*chosen)


def _actions(run: Run, owner: str | None) -> None:
    is_model, is_own = (run.folder / CARD).is_file(), run.belongs_to(owner)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if is_model:
            st.link_button("Open in the explorer", f"/?model={run.id}")
            compare(run, owner)
        if is_own:
            more = st.number_input("More epochs", 1, 10_000, MORE_EPOCHS, key="train-more", width=140)
            asked = how_to_carry_on(run.config)
            if st.button("Continue", disabled=run.is_at_work or run.state.status == "queued"):
                _try(lambda: carry_on(run.folder, int(more), asked), show=run)
        if st.button("Settings for a new run", disabled=run.config is None) and run.config:
            st.session_state["train-cloned"] = to_flat(run.config)
            st.session_state["train-preset"] = None
            st.rerun()
        if is_own and st.button("Delete", disabled=run.is_at_work):
            ask_to_delete(run)
    sharing(run, is_own)


@st.dialog("Delete this run?")
def ask_to_delete(run: Run) -> None:
    """A question, and its answer."""
    st.markdown(f"**{run.id}**: its weights, its film and its curves. This cannot be undone.")
    with st.container(horizontal=True):
        if st.button("Delete it", type="primary"):
            _try(lambda: jobs.delete(run.folder), gone=run)
        if st.button("Keep it"):
            st.rerun()


def _try(action: Callable[[], None], show: Run | None = None, gone: Run | None = None) -> None:
    try:
        action()
    except (VaeError, OSError) as error:
        st.error(f"{error}.")
        return
    if show:
        st.query_params["run"] = show.id
    if gone and st.query_params.get("run") == gone.id:
        del st.query_params["run"]
    st.rerun()
