"""Predict, then look: an answer is asked for before it is given, and kept beside what happened."""

from collections.abc import Callable, Sequence

import streamlit as st


def predict_then_look(
    question: str, answers: Sequence[str], reveal: str, key: str, picture: Callable[[], None] | None = None
) -> None:
    """Ask; once answered, show the `picture` that was waited for, the answer, and what there is to see."""
    with st.container(border=True):
        given = st.radio(question, answers, index=None, key=key)
        if given is None:
            return
        if picture:
            picture()
        said = given if given[:2].isupper() else given[0].lower() + given[1:]  # a name such as AE keeps its capitals
        st.markdown(f"You said: *{said}*. {reveal}")
