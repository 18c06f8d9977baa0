"""The figures of two latent spaces side by side, each with its definition one click away."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from ui.models import ModelOption
from vae.analysis.figures import CODES_USED, DEFINITIONS, TITLES, LatentFigures
from vae.analysis.stored_figures import stored_figures, version_of
from vae.card import DataCard
from vae.classifier.card import classifier_file, read_classifier_card
from vae.errors import VaeError

DECIMALS = {"mse": 4, "median_sigma": 3, "confident_prior": 0, "confident_mixture": 0, "empty_share": 0}
PERCENT = frozenset({"confident_prior", "confident_mixture", "empty_share", "knn_accuracy"})
QUESTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Does it draw, wherever you look?",
        ("confident_prior", "entropy_prior", "confident_mixture", "entropy_mixture"),
    ),
    ("Where are the codes?", ("empty_share", "mmd", "median_sigma")),
    ("What lies between, and what is kept?", ("roughness", "mse", "knn_accuracy")),
)


@st.cache_data(show_spinner="Measuring both latent spaces: a few seconds, once", max_entries=256)
def measured(folder: Path, version: str, _data: DataCard) -> LatentFigures:
    """The figures of the model in `folder`; `version` changes whenever a file does that they depend on."""
    from vae import checkpoint  # torch: only for a model whose figures are not stored
    from vae.analysis.latent_figures import latent_figures
    from vae.classifier.classifier import classifier_for
    from vae.codes import load_codes

    return latent_figures(checkpoint.load(folder), load_codes(folder), classifier_for(_data))


def figures_of(option: ModelOption) -> LatentFigures:
    """Those stored for just this content of the model's and the classifier's files; measured once otherwise.

    Raises VaeError.
    """
    version = version_of(option.folder, option.card.data.name)
    return stored_figures(option.id, version) or measured(option.folder, version, option.card.data)


def numbers_section(left: ModelOption, right: ModelOption, names: tuple[str, str]) -> None:
    """The table; a model whose figures cannot be measured is said so."""
    st.subheader("The numbers", anchor=False)
    st.markdown(
        "Press a name to read what it means. Read share and entropy together: to draw a few classes surely, and the "
        "others never, is no success."
    )
    try:
        figures = [figures_of(option) for option in (left, right)]
    except VaeError as error:
        st.warning(f"The figures cannot be measured: {error}")
        return
    shown = {name for name in DEFINITIONS if any(getattr(each, name) is not None for each in figures)}
    groups = [
        (question, kept) for question, fields in QUESTIONS if (kept := [name for name in fields if name in shown])
    ]
    for column, (question, fields) in zip(st.columns(len(groups), gap="medium"), groups, strict=True):
        with column.container(border=True, height="stretch"):
            st.markdown(f"**{question}**")
            _rows(fields, figures, names)
    st.caption(_classifier_note(left))


def _rows(fields: Sequence[str], figures: Sequence[LatentFigures], names: tuple[str, str]) -> None:
    widths = [3.2, 1.3, 1.3]
    for cell, name in zip(st.columns(widths)[1:], names, strict=True):
        cell.markdown(f":gray[{name}]")
    for field in fields:
        title, *cells = st.columns(widths, vertical_alignment="center")
        with title.popover(TITLES[field], type="tertiary"):
            st.markdown(DEFINITIONS[field])
            st.caption(CODES_USED)
        for cell, each in zip(cells, figures, strict=True):
            cell.markdown(written(field, getattr(each, field)))


def written(field: str, value: float | None) -> str:
    """A figure as the page writes it; a dash where it is not defined."""
    if value is None:
        return "\u2013"
    if field in PERCENT:
        return f"{100 * value:.{DECIMALS.get(field, 1)}f} %"
    decimals = DECIMALS.get(field, 2)
    return f"{value:.{decimals}f}" if value == 0 or abs(value) >= 0.5 / 10**decimals else f"{value:.0e}"


def _classifier_note(option: ModelOption) -> str:
    path = classifier_file(option.card.data.name)
    if path is None:
        return (
            f"There is no classifier of {option.card.data.name}, so nobody says whether a sample looks like one of its "
            "classes. `python -m vae compare` prints the same figures."
        )
    card = read_classifier_card(path)
    return (
        f"The classifier was trained on the real images and is right on {card.test_accuracy:.1%} of "
        f"{card.test_images:,} test images. `python -m vae compare {option.folder.name} ...` prints the same figures."
    )
