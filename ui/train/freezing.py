"""Freeze one, train the other: which part a run is carried on with, and what there is to predict of it."""

from pathlib import Path

import streamlit as st

from ui.tasks import predict_then_look
from vae import jobs
from vae.config import RunConfig
from vae.training.controls import asked_for

OFFERED_IMAGES = 32  # a quarter of a second an epoch for 8 x 8 pixels, three or four for 28 x 28
CHANGES: dict[str, dict[str, object]] = {
    "as before": {},
    "both parts": {"trains": "both"},
    "encoder only": {"trains": "encoder"},
    "decoder only": {"trains": "decoder"},
}


def how_to_carry_on(config: RunConfig | None) -> dict[str, object]:
    """Widgets that say what to change of an ended run when it is carried on: settings by their names."""
    if config is None or config.model.kind == "pca":
        return {}
    part = st.selectbox("Train", list(CHANGES), key="train-more-part", width=150)
    asked = dict(CHANGES[part])
    if (config.model.kind, config.model.latent_dim) == ("vae", 2):
        meaning = f"log p(x), ELBO and gap of {OFFERED_IMAGES} test images after each epoch"
        if st.checkbox("Measure the gap", value=part.endswith(" only"), key=f"train-more-gap-{part}", help=meaning):
            asked["exact_gap_images"] = OFFERED_IMAGES
    return asked


def carry_on(folder: Path, more_epochs: int, asked: dict[str, object]) -> None:
    """Give an ended run more epochs, with `asked` changed. Raises VaeError, OSError."""
    change = asked_for(asked, jobs.clone_settings(folder)) if asked else None
    jobs.continue_for(folder, more_epochs, change=change)


def freezing_tasks() -> None:
    """Two things to predict, and to see in the card "How good is the ELBO?"."""
    st.subheader("Freeze one, train the other", anchor=False)
    st.markdown(
        "Start from the preset *Encoder only, decoder only*, and when the map has formed press *encoder only*, then "
        "*decoder only*. The gap that you see is KL(q(z|x) || p(z|x)): what the ELBO lacks of log p(x)."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        predict_then_look(
            "Only the encoder is trained from now on. What does log p(x) do?",
            ("It rises with the ELBO", "It stays exactly where it is", "It falls"),
            "It stays, to the last digit: log p(x) is the decoder and the prior, integrated over every z; the encoder "
            "is not in it. All that the ELBO gains, the gap loses.",
            key="task-encoder-only",
        )
    with right:
        predict_then_look(
            "Only the decoder is trained from now on. What must rise, on the training images?",
            ("The ELBO", "log p(x)", "Both"),
            "Only the ELBO, up to the noise of its steps. The decoder can also raise it by fitting its posterior to "
            "this q: then the gap narrows from above, and log p(x) falls meanwhile, though mostly it rises too. The KL "
            "to the prior stands still, as q does.",
            key="task-decoder-only",
        )
