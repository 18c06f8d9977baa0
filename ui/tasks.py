"""Predict, then look: an answer is asked for before it is given, and kept beside what happened."""

from collections.abc import Sequence

import streamlit as st


def predict_then_look(question: str, answers: Sequence[str], reveal: str, key: str) -> None:
    """Ask; once answered, say what to do and what will be seen."""
    with st.container(border=True):
        given = st.radio(question, answers, index=None, key=key)
        if given is not None:
            st.markdown(f"You said: *{given[0].lower() + given[1:]}*. {reveal}")
