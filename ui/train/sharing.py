"""Who sees a run: its owner, or everybody who has the link."""

from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from vae import jobs
from vae.errors import VaeError
from vae.jobs import Run


def sharing(run: Run, is_own: bool) -> None:
    """The owner's switch, and the link; to others, whose run it is."""
    if not is_own:
        st.caption("Another visitor shares this run: you may watch it, and train with its settings.")
        return
    shared = run.state.shared
    label = "Shared: every visitor may watch it, nobody else steers it"
    # In its key is how it stands: another tab may change it, and while it is drawn anew the reader may press it.
    key = f"train-share-{run.id}-{shared}"
    if st.toggle(label, value=shared, key=key, on_change=_share, args=(run.folder, not shared)):
        st.code(link(run.id, st.context.url), language=None, wrap_lines=True)


def _share(folder: Path, shared: bool) -> None:
    try:
        jobs.share(folder, shared)
    except (VaeError, OSError) as error:
        st.error(f"{error}.")


def link(run_id: str, page: str | None) -> str:
    """The run's address: whole when the address of the page is known."""
    if not page:
        return f"/train?run={run_id}"
    return urlsplit(page)._replace(query=f"run={run_id}", fragment="").geturl()
