"""From runs to the page that compares two models."""

import streamlit as st

from ui.compare.choice import pair_with
from ui.models import model_options
from vae.card import Card, read_card
from vae.errors import CheckpointError
from vae.jobs import Run
from vae.library import same_images


def compare(run: Run, owner: str | None) -> None:
    """A link to the run's model beside another one that `owner` may see, where there is one of the same images."""
    options = model_options(owner)
    pair = pair_with(options[run.id], options) if run.id in options else None
    if pair:
        beside = pair[0] if pair[1] == run.id else pair[1]
        st.link_button("Compare", _address(*pair), help=f"Beside {beside}; any other can be chosen there.")


def compare_two(first: Run, second: Run) -> None:
    """A link to both beside each other, or a sentence that says why there is none."""
    one, other = _card(first), _card(second)
    if one is None or other is None:
        st.caption("Two runs can be compared once each has finished an epoch.")
    elif not same_images(one, other):
        st.caption("Trained on different images: their curves are laid over, but the models cannot be compared.")
    else:
        left, right = (first, second) if other.model.kind == "vae" else (second, first)
        st.link_button("Compare these two", _address(left.id, right.id))


def _card(run: Run) -> Card | None:
    try:
        return read_card(run.folder)
    except CheckpointError:
        return None


def _address(left: str, right: str) -> str:
    return f"/compare?left={left}&right={right}"
