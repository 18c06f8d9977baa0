"""The menu of models, kept in the page's address so that a link restores it."""

from collections.abc import Mapping

import streamlit as st

from ui.models import ModelOption


def model_picker(options: Mapping[str, ModelOption]) -> str:
    """The id of the chosen model: the address's at first, if it is a model at hand, and the first one otherwise."""
    linked = st.query_params.get("model")
    if "model" not in st.session_state and linked in options:
        st.session_state["model"] = linked
    if linked is not None and linked not in options:
        st.warning(f"There is no model named {linked[:80]!r} here; this is another one.")
    return st.selectbox(
        "Model", list(options), key="model", format_func=lambda name: options[name].label, on_change=_keep_in_address
    )


def _keep_in_address() -> None:
    st.query_params["model"] = st.session_state["model"]
    for name in ("z", "epoch"):  # those of a link belong to the link's model
        st.query_params.pop(name, None)
