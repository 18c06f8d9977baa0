"""Sampling: codes drawn from the prior, or from a density fitted to the codes, decoded by both models."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from ui.compare.gallery import Mosaic, gallery
from ui.compare.names import names_of
from ui.compare.neighbours import SHOWN, nearest_training_images
from ui.local_data import why_not_at_hand
from ui.models import ModelOption
from vae.codes import load_codes
from vae.errors import VaeError

if TYPE_CHECKING:
    from vae.analysis.mixture import Mixture

COLUMNS, ROWS = 8, 5
PRIOR, MIXTURE = "the prior N(0, I)", "a mixture fitted to the codes"
MOST_COMPONENTS, FIRST_COMPONENTS = 30, 10
FIT_SEED = 0  # the reader's seed draws anew; the density stays what it is
SEED_KEY = "compare-sampling-seed"


@dataclass(frozen=True)
class Source:
    """Where z comes from: N(0, I), or a mixture of so many components."""

    components: int | None

    def draw(self, option: ModelOption, seed: int) -> np.ndarray:
        """COLUMNS * ROWS codes of a model, (N, d). Raises VaeError when its codes allow no such mixture."""
        count = COLUMNS * ROWS
        if self.components is None:
            return np.random.default_rng(seed).standard_normal((count, option.card.model.latent_dim))
        return _mixture(str(option.folder), option.file_hash, self.components).sample(count, seed)


def sampling_section(left: ModelOption, right: ModelOption) -> None:
    """The whole section, for two models of the same data."""
    _sampling((left, right))


@st.fragment
def _sampling(options: tuple[ModelOption, ModelOption]) -> None:
    st.markdown("Draw forty codes and decode them. Which of the two models can invent images?")
    source, with_neighbours = _controls()
    seed = st.session_state.get(SEED_KEY, 0)
    missing = why_not_at_hand(options[0]) if with_neighbours else None
    try:
        mosaics = [
            _mosaic(option, name, source, seed, with_neighbours and missing is None)
            for option, name in zip(options, names_of(*options), strict=True)
        ]
    except VaeError as error:
        st.info(f"Nothing can be drawn. {error}")
        return
    gallery(mosaics, key="compare-sampling-gallery")
    if missing:
        st.info(f"{missing} So no neighbours can be shown.")
    st.caption(_seen(options, source))


def _controls() -> tuple[Source, bool]:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="compare-sampling-controls"):
        origin = st.segmented_control(
            "Draw z from", (PRIOR, MIXTURE), default=PRIOR, required=True, key="compare-sampling-source"
        )
        components = None
        if origin == MIXTURE:
            components = st.slider(
                "Components", 1, MOST_COMPONENTS, FIRST_COMPONENTS, key="compare-sampling-components", width=200
            )
        st.button("Draw again", key="compare-sampling-again", on_click=_next_seed)
        with_neighbours = st.toggle("Nearest training images", key="compare-sampling-neighbours")
    return Source(components), with_neighbours


def _next_seed() -> None:
    st.session_state[SEED_KEY] = st.session_state.get(SEED_KEY, 0) + 1


def _mosaic(option: ModelOption, name: str, source: Source, seed: int, with_neighbours: bool) -> Mosaic:
    codes = source.draw(option, seed)
    neighbours = None
    if with_neighbours:
        neighbours = nearest_training_images(option, codes[:SHOWN], (option.file_hash, source, seed))
    return Mosaic(option, f"Samples, {name}", f"samples, {name}", codes, COLUMNS, neighbours=neighbours)


def _seen(options: tuple[ModelOption, ModelOption], source: Source) -> str:
    """What to notice, in terms of the two kinds at hand."""
    kinds = {option.card.model.kind for option in options}
    if source.components is None:
        same = len({option.card.model.latent_dim for option in options}) == 1
        start = "Both decode the same forty z. " if same else "Each decodes forty z of its own size. "
        if kinds == {"vae"}:
            return f"{start}Training pulled the codes of both towards N(0, I), so its draws land among them."
        return (
            f"{start}A VAE is trained so that its codes fill N(0, I). Any other model has no prior: nothing put its "
            "codes there, and to draw from N(0, I) all the same is the experiment. Where no codes lie, its decoder was "
            "never taught; where only a few classes lie, it draws only those."
        )
    drawn = "Where a model has a q(z|x), the mixture is fitted to draws from it, as the decoder saw them. "
    seen = (
        "Now z lands where codes lie. A decoder that drew only some classes, or broken images, draws them all: what it "
        "lacked was a density, not skill. A VAE hardly changes: its codes followed one from the start. Try few "
        "components: z falls between the clusters again."
    )
    return drawn + seen if "vae" in kinds else seen


@st.cache_resource(max_entries=64, show_spinner="Fitting a mixture to the codes")
def _mixture(folder: str, file_hash: str, components: int) -> "Mixture":
    from vae.analysis.mixture import fit_mixture  # when first asked for: it takes scikit-learn seconds to import

    codes = load_codes(folder)
    return fit_mixture(codes.sample(np.random.default_rng(FIT_SEED)), components, FIT_SEED)
