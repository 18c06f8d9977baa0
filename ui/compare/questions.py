"""Three questions about the two models, each answered before the picture is shown."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from ui.compare.gallery import Mosaic, gallery
from ui.models import ModelOption
from ui.tasks import predict_then_look
from vae.analysis.places import places, widest_dimensions
from vae.codes import load_codes
from vae.errors import CheckpointError

SIDE = 4  # of a corner's lattice
DRAWS = 16
SEED = 7
Pair = tuple[ModelOption, ModelOption]
Names = tuple[str, str]


def questions_section(pair: Pair, names: Names) -> None:
    """Three columns: a corner, darts from the prior, the price."""
    st.subheader("Predict, then look", anchor=False)
    first, second, third = st.columns([4, 4, 3], gap="medium")
    with first:
        predict_then_look(
            "An empty corner of each map, where no image was ever put: what will the decoders draw there?",
            ("Nothing: a blank", "Clear images", "Something that goes on from the nearest images, well or badly"),
            "No image asked the decoder for anything there, so nothing taught it. It carries on from the nearest "
            "codes; the farther they are, the stranger.",
            key=f"corner-{pair[0].id}-{pair[1].id}",
            picture=lambda: _show(pair, names, _corner, "corner"),
        )
    with second:
        predict_then_look(
            "Throw darts from N(0, I) at both maps, and decode where they land. Who draws the data in all its variety?",
            (names[0], names[1], "Both", "Neither"),
            "The darts are the same ones. A model that was never told of N(0, I) has its codes where it likes: the "
            "darts may all land among a few kinds of image. A fitted density, further below, mends that.",
            key=f"darts-{pair[0].id}-{pair[1].id}",
            picture=lambda: _show(pair, names, _darts, "darts"),
        )
    with third:
        predict_then_look(
            "Who puts test images back together with the smaller squared error?",
            (f"{names[0]}, clearly", f"{names[1]}, clearly", "They come close"),
            price(pair, names),
            key=f"price-{pair[0].id}-{pair[1].id}",
        )


def price(pair: Pair, names: Names) -> str:
    """What was measured of both reconstructions, and what else one of them is asked for."""
    found = [option.card.metrics for option in pair]
    if any(metrics is None for metrics in found):
        return "Nothing was measured for one of them: `python -m vae evaluate` does."
    errors = [metrics.mse for metrics in found if metrics]
    text = " and ".join(f"{error:.4f} ({name})" for error, name in zip(errors, names, strict=True))
    ratio = max(errors) / min(errors)
    close = "They come close" if ratio < 1.1 else f"A factor of {ratio:.2f}"
    kls = [metrics.kl for metrics in found if metrics and metrics.kl is not None]
    paid = f" The VAE says {kls[0]:.1f} nats about each image and no more: it pays KL for all it says." if kls else ""
    return f"Squared error per pixel on the test set: {text}. {close}.{paid}"


def _show(pair: Pair, names: Names, codes_of: Callable[[ModelOption], np.ndarray], what: str) -> None:
    try:
        sets = [codes_of(option) for option in pair]
    except CheckpointError as error:
        st.warning(f"Nothing can be shown: {error}")
        return
    gallery(
        [
            Mosaic(option, title=name, name=f"{what}, {name}", codes=codes, columns=SIDE)
            for option, name, codes in zip(pair, names, sets, strict=True)
        ],
        key=f"{what}-{pair[0].id}-{pair[1].id}-mosaics",
    )


def _corner(option: ModelOption) -> np.ndarray:
    """A lattice over the emptiest place of the model's map; dimensions that the map does not show stay at 0."""
    codes = load_codes(option.folder)
    axes = widest_dimensions(codes.mu)
    lattice = places(codes.mu[:, axes], codes.labels).blank.lattice(SIDE)
    z = np.zeros((len(lattice), codes.mu.shape[1]))
    z[:, axes] = lattice
    return z


def _darts(option: ModelOption) -> np.ndarray:
    return np.random.default_rng(SEED).standard_normal((DRAWS, option.card.model.latent_dim))
