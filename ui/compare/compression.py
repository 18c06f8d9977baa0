"""What d numbers keep of an image: the same test images through PCA, AE and VAE, and the error against d."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas  # noqa: F401  (whole: Plotly looks at what is there, and another session may be half-way in)
import plotly.graph_objects as go
import streamlit as st

from ui.compare.frame import card_style
from ui.compare.strips import Strip, strips
from ui.local_data import why_not_at_hand
from ui.models import KIND_NAMES, ModelOption
from ui.theme import is_dark
from vae.compression import Compression, read_compression
from vae.errors import CheckpointError, VaeError
from vae.library import ROOT

RESULTS = ROOT / "checkpoints" / "compression.json"
SHOWN = 12  # images
COLORS = {"pca": ("#6a727d", "#9aa4b1"), "ae": ("#c2410c", "#ffa94d"), "vae": ("#1971c2", "#74c0fc")}  # light, dark
DASHES = {"pca": "dot", "ae": "dash", "vae": "solid"}


@dataclass(frozen=True)
class Through:
    """Some test images and what one model makes of them, all (N, C, H, W) in [0, 1]."""

    originals: np.ndarray
    images: np.ndarray
    differences: np.ndarray
    mse: float


def compression_section(pair: tuple[ModelOption, ModelOption], options: Mapping[str, ModelOption]) -> None:
    """The pictures, and the curve for the data of these two models."""
    st.subheader("What d numbers keep", anchor=False)
    st.markdown(
        "Each test image becomes d numbers and an image again. PCA is the best that straight lines can do; the "
        "networks bend them."
    )
    st.html(card_style("keeps"))
    with st.container(key="keeps-pictures"):
        _pictures(with_pca(pair, options))
    with st.container(key="keeps-curve"):
        _curve(pair[0].card.data.name)


def with_pca(pair: Sequence[ModelOption], options: Mapping[str, ModelOption]) -> list[ModelOption]:
    """The two models, after the PCA of the same data and d, if one is at hand and is not one of them."""
    first = pair[0].card
    found = [
        option
        for option in options.values()
        if option.card.model.kind == "pca"
        and option.card.data.hash == first.data.hash
        and option.card.model.latent_dim == first.model.latent_dim
    ]
    shown = {option.id: option for option in [*found[:1], *pair]}
    return list(shown.values())


def _pictures(models: Sequence[ModelOption]) -> None:
    missing = why_not_at_hand(models[0])
    if missing:
        st.caption(f"{missing} So there are no originals to hold the reconstructions against.")
        return
    seed = st.session_state.setdefault("compression-seed", 0)
    try:
        found = [through(option, seed) for option in models]
    except VaeError as error:
        st.warning(f"The images cannot be put through both models: {error}")
        return
    rows = [Strip("Test images", "", found[0].originals)]
    for option, each in zip(models, found, strict=True):
        kind, d = KIND_NAMES[option.card.model.kind], option.card.model.latent_dim
        rows.append(Strip(f"{kind}, d = {d}", f"MSE {each.mse:.4f}", each.images))
        rows.append(Strip(f"{kind} minus original", "", each.differences, signed=True))
    strips(rows, models[0].card.data.ink, key="compression-strips")
    left, right = st.columns([3, 1], vertical_alignment="center")
    left.caption(
        "Red: the reconstruction has too much there; blue: too little. The MSE is that of these images alone; the "
        "curve has the whole test set's."
    )
    if right.button("Other test images", width="stretch"):
        st.session_state["compression-seed"] = seed + 1
        st.rerun()


def through(option: ModelOption, seed: int) -> Through:
    """Some images of the model's test set, the same for the same seed, through the model. Raises VaeError."""
    return _through(option.id, option.file_hash, option, seed)


@st.cache_data(max_entries=128, show_spinner="Putting test images through the models")
def _through(_id: str, file_hash: str, _option: ModelOption, seed: int) -> Through:
    from vae import checkpoint, data  # torch: when first asked for
    from vae.analysis.reconstruction import reconstruct

    config = _option.card.config
    test = data.load(config.dataset, "test", config.image_size)
    chosen = np.random.default_rng(seed).choice(len(test), size=min(SHOWN, len(test)), replace=False)
    found = reconstruct(checkpoint.load(_option.folder), test.images[chosen])
    return Through(found.originals, found.images, found.differences, found.mse)


def _curve(dataset: str) -> None:
    try:
        results = read_compression(RESULTS)
    except CheckpointError:
        st.caption("The curve has not been measured yet, or its file is damaged: `make compression` measures it.")
        return
    if dataset not in results.datasets:
        st.caption(f"No curve was measured for {dataset}; there is one for {', '.join(results.datasets)}.")
        return
    st.plotly_chart(curve_figure(results, dataset), config={"displayModeBar": False}, key="compression-chart")
    st.caption(f"{results.note} Made by `{results.made_by}`.")


def curve_figure(results: Compression, dataset: str) -> go.Figure:
    """Test MSE per pixel against d, a line for each kind, each named at its end."""
    dark = is_dark()
    ink, grid = ("#eceff3", "#2a3038") if dark else ("#1b1f24", "#e6e6e1")
    figure = go.Figure()
    for kind, points in results.curves(dataset).items():
        color = COLORS[kind][dark]
        figure.add_scatter(
            x=[point.d for point in points],
            y=[point.mse for point in points],
            name=KIND_NAMES[kind],
            mode="lines+markers",
            line={"color": color, "width": 2.5, "dash": DASHES[kind]},
            marker={"size": 8, "color": color},
            hovertemplate=f"{KIND_NAMES[kind]}, d = %{{x}}: %{{y:.4f}}<extra></extra>",
        )
    axis = {"gridcolor": grid, "color": ink, "zeroline": False}
    ticks = sorted({point.d for point in results.points if point.dataset == dataset})
    figure.update_layout(
        height=320,
        margin={"l": 60, "r": 20, "t": 30, "b": 45},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "x": 0, "y": 1.12, "font": {"color": ink}},
        xaxis={**axis, "type": "log", "tickvals": ticks, "title": "d, numbers kept"},
        yaxis={**axis, "rangemode": "tozero", "title": "MSE per pixel, test set"},
    )
    return figure
