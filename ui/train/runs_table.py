"""The runs there are: what each is and reached, and what can be done with those that are chosen."""

from collections.abc import Callable, Sequence

import streamlit as st

from vae import jobs, library
from vae.config import to_flat
from vae.errors import VaeError
from vae.jobs import Run
from vae.training.journal import read_events

MORE_EPOCHS = 20


def runs_table(runs: Sequence[Run]) -> list[Run]:
    """The table. Returns the chosen runs."""
    st.subheader("Runs", anchor=False)
    if not runs:
        st.caption("There is no run yet. Those of a terminal, in `runs/`, show up here too.")
        return []
    picked = st.dataframe(
        [_row(run) for run in runs],
        hide_index=True,
        height="content",
        placeholder="",
        on_select="rerun",
        selection_mode="multi-row",
        key="train-runs",
        column_config={
            "watch": st.column_config.LinkColumn("run", display_text=r"run=(.*)$", pinned=True),
            "elbo": st.column_config.NumberColumn("test ELBO, nats", format="%.2f"),
        },
    )
    rows = picked.get("selection", {}).get("rows", [])  # pyright: ignore[reportAttributeAccessIssue]
    chosen = [runs[row] for row in rows if row < len(runs)]
    if not chosen:
        st.caption("Choose rows: their curves are laid over the one above, and one chosen run can be carried on.")
    elif len(chosen) == 1:
        _actions(chosen[0])
    return chosen


def _row(run: Run) -> dict[str, object]:
    row: dict[str, object] = {"watch": f"/train?run={run.id}", "state": run.state.status}
    row["epochs"] = f"{run.state.epoch} of {run.state.epochs}"
    if run.config:
        model, training = run.config.model, run.config.training
        row |= {"data": run.config.dataset, "kind": model.kind, "d": model.latent_dim}
        row |= {"beta": training.beta if model.kind == "vae" else None, "learning rate": training.learning_rate}
    row["elbo"] = _last_elbo(run)
    row["begun"] = f"{run.state.created:%Y-%m-%d %H:%M}"
    row["note"] = run.problem or run.state.reason or ""
    return row


def _last_elbo(run: Run) -> float | None:
    if run.config is None or run.config.model.kind != "vae":
        return None
    told = [event["test"]["elbo"] for event in read_events(run.folder).events if event["event"] == "epoch_done"]
    return told[-1] if told else None


def _actions(run: Run) -> None:
    is_model = (run.folder / "card.json").is_file()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if is_model:
            st.link_button("Open in the explorer", f"/?model={run.id}")
        more = st.number_input("More epochs", 1, 10_000, MORE_EPOCHS, key="train-more", width=140)
        if st.button("Continue", disabled=run.is_at_work or run.state.status == "queued"):
            _try(lambda: jobs.continue_for(run.folder, int(more)), show=run)
        if st.button("Settings for a new run", disabled=run.config is None) and run.config:
            st.session_state["train-cloned"] = to_flat(run.config)
            st.session_state["train-preset"] = None
            st.rerun()
        if st.button("Delete", disabled=run.is_at_work):
            ask_to_delete(run)


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


def visible_runs(visitor: str | None) -> list[Run]:
    """What the visitor may see, newest first."""
    return jobs.list_runs(library.RUNS, visitor)
