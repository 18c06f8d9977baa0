"""Which epoch of a run the explorer shows: kept in the page's address, so that a link restores it."""

import streamlit as st

from ui.models import ModelOption
from vae.training.journal import film_frames


def epoch_picker(option: ModelOption) -> int | None:
    """A slider over the epochs in a run's film. None: that of the checkpoint itself, or no film at all."""
    last = option.card.training.epochs
    epochs = sorted({*film_frames(option.folder), last})  # a run that goes on again may be ahead of its checkpoint
    linked = _linked(epochs, last)
    if len(epochs) == 1:
        return None
    key = f"epoch-{option.id}-{len(epochs)}"
    chosen = st.select_slider(
        "After epoch",
        epochs,
        value=last if linked is None else linked,
        key=key,
        on_change=_keep_in_address,
        args=(key, last),
        help="Before training is epoch 0. Of the earlier epochs the film keeps the decoder, in half precision, and the "
        "codes of the first 2,000 test images.",
    )
    return None if chosen == last else int(chosen)


def _linked(epochs: list[int], last: int) -> int | None:
    """The address's epoch or, where the film has not kept it, the last one before it that it has."""
    text = st.query_params.get("epoch")
    if text is None:
        return None
    asked = int(text) if text.isdecimal() and text.isascii() and len(text) < 9 else None
    if asked is None or asked > epochs[-1] or len(epochs) == 1:
        st.warning(f"There is no epoch {text[:20]!r} of this model here; this is epoch {last}.")
        return None
    return max((epoch for epoch in epochs if epoch <= asked), default=None)


def _keep_in_address(key: str, last: int) -> None:
    epoch = st.session_state[key]
    if epoch == last:
        st.query_params.pop("epoch", None)
    else:
        st.query_params["epoch"] = str(epoch)
