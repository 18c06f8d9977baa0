"""The runs there are: what each is and reached, and what can be done with those that are chosen."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import streamlit as st

from ui.train.comparing import compare, compare_two
from ui.train.freezing import carry_on, how_to_carry_on
from ui.train.sharing import sharing
from vae import jobs
from vae.card import CARD
from vae.config import to_flat
from vae.data import plain_name
from vae.errors import VaeError
from vae.jobs import Run
from vae.training.journal import EVENTS, read_events

MORE_EPOCHS = 20
CHOSEN = "train-chosen-runs"


def chosen_runs(runs: Sequence[Run]) -> list[Run]:
    """The runs that are chosen in the table, which may be drawn later: its first drawing takes a second."""
    picked = st.session_state.get(_key(runs))
    if picked is not None:
        st.session_state[CHOSEN] = [runs[row].id for row in picked["selection"]["rows"]]
    chosen = st.session_state.get(CHOSEN, [])
    return [run for run in runs if run.id in chosen]


def _key(runs: Sequence[Run]) -> str:
    """The table of these runs. Streamlit knows a chosen row by its place, where after a new run another one stands."""
    return f"train-runs-{hash(tuple(run.id for run in runs))}"


def runs_table(runs: Sequence[Run], owner: str | None) -> None:
    """The table, and what `owner` can do with the run that is chosen in it."""
    st.subheader("Runs", anchor=False)
    if not runs:
        st.caption("There is no run yet. Those of a terminal, in `runs/`, show up here too.")
        return
    chosen = chosen_runs(runs)
    st.dataframe(
        [_row(run) for run in runs],
        hide_index=True,
        height="content",
        placeholder="",
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [row for row, run in enumerate(runs) if run in chosen]}},
        key=_key(runs),
        column_config={
            "watch": st.column_config.LinkColumn("run", display_text=r"run=(.*)$", pinned=True),
            "elbo": st.column_config.NumberColumn("test ELBO, nats", format="%.2f"),
        },
    )
    if not chosen:
        st.caption("Choose rows: their curves are laid over the one above, and one chosen run can be carried on.")
    elif len(chosen) == 1:
        _actions(chosen[0], owner)
    elif len(chosen) == 2:
        compare_two(*chosen)


def _row(run: Run) -> dict[str, object]:
    row: dict[str, object] = {"watch": f"/train?run={run.id}", "state": run.state.status}
    row["epochs"] = f"{run.state.epoch} of {run.state.epochs}"
    if run.config:
        model, training = run.config.model, run.config.training
        row |= {"data": plain_name(run.config.dataset), "kind": model.kind, "d": model.latent_dim}
        row |= {"beta": training.beta if model.kind == "vae" else None, "learning rate": training.learning_rate}
    row["elbo"] = _last_elbo(run)
    row["begun"] = f"{run.state.created:%Y-%m-%d %H:%M}"
    row["note"] = run.remark
    return row


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
