"""The box: mark one on a latent map, and see what everything in it decodes to, in both models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from ui.compare.box_map import HEIGHT, box_figure
from ui.compare.frame import card_style
from ui.compare.gallery import Mosaic, gallery
from ui.compare.names import names_of
from ui.explore_notes import signed
from ui.explorer import WIDEST
from ui.models import ModelOption
from vae.analysis.places import Box, Places, places, widest_dimensions
from vae.codes import Codes, load_codes
from vae.errors import CheckpointError

SIDES = ("left", "right")
LEAST, MOST, FIRST = 8, 20, 12  # images along a side of the grid
PLACES = {"cluster": "A cluster", "seam": "A seam between classes", "blank": "A blank corner"}
QUESTIONS = {
    "cluster": "One class alone: what changes across the box, and what stays?",
    "seam": "Two classes meet here: is there a clean edge, a melting, or a heap of broken images between them?",
    "blank": "No test image has its code here: what does each decoder draw, and does it look like anything real?",
    "own": "Your own box: do all the images in it look real, and do they change step by step?",
}
NO_AREA = "This box has no area: drag from one corner to the opposite one."
TOO_FAR = "This box lies too far out to be decoded: draw it on the map."
PLACE_KEY = "compare-box-place"  # (name, how many times a button was pressed)


@dataclass(frozen=True)
class Side:
    """One model with its map: two dimensions of its codes, and the places found there."""

    option: ModelOption
    name: str
    codes: Codes
    axes: tuple[int, int]
    points: np.ndarray  # (N, 2)
    places: Places


def box_section(left: ModelOption, right: ModelOption) -> None:
    """The whole section, for two models of the same data."""
    try:
        sides = [
            _side(option.id, option.file_hash, option, name)
            for option, name in zip((left, right), names_of(left, right), strict=True)
        ]
    except CheckpointError as error:
        st.info(f"The maps cannot be drawn. {error}")
        return
    _box(sides)


@st.fragment
def _box(sides: list[Side]) -> None:
    st.html(card_style("compare-box-map"))
    st.markdown("Draw a box on a map, over dots or over nothing, and see what everything in it decodes to.")
    count = _controls(sides)
    place, turn = st.session_state.get(PLACE_KEY, ("cluster", 0))
    question = st.empty()
    question.caption(QUESTIONS[place])  # at once: the maps below must not move when it comes
    for position, side in zip(SIDES, sides, strict=True):
        map_column, grid_column = st.columns(2, gap="medium")
        given = getattr(side.places, place)
        with map_column:
            drawn = _map(side, position, given, turn)
        with grid_column:
            _grid(side, position, drawn or given, count)
        if drawn:
            question.caption(QUESTIONS["own"])


def _controls(sides: list[Side]) -> int:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="compare-box-controls"):
        for name, text in PLACES.items():
            known = all(getattr(side.places, name) for side in sides)
            st.button(
                text,
                key=f"compare-box-{name}",
                on_click=_go_to,
                args=(name,),
                disabled=not known,
                help=None if known else "These data have no classes that could meet.",
            )
        return st.slider("Images along a side", LEAST, MOST, FIRST, key="compare-box-count", width=240)


def _go_to(name: str) -> None:
    _, turn = st.session_state.get(PLACE_KEY, (name, 0))
    st.session_state[PLACE_KEY] = (name, turn + 1)


def _map(side: Side, position: str, place: Box | None, turn: int) -> Box | None:
    """The map, with a place marked on it. Returns the box that the reader has drawn since, if any."""
    prior = side.option.card.model.kind == "vae"
    with st.container(border=True, key=f"compare-box-map-{position}"):
        st.markdown(f"**Latent map, {side.name}** :gray[on its own scale]")
        selected = st.plotly_chart(
            box_figure(side.points, side.codes.labels, side.axes, prior, place, turn),
            key=f"compare-box-{position}-{side.option.id}",
            on_select="rerun",
            selection_mode="box",
            config={"displayModeBar": False},
            height=HEIGHT,
            alt=f"latent map to draw a box on, {side.name}",
        )
    return drawn_box(selected)


def drawn_box(state: Any) -> Box | None:
    """The box that was drawn last, from what Plotly reports; its corners may come in any order."""
    selection = state.get("selection") if isinstance(state, Mapping) else None
    boxes = selection.get("box") if isinstance(selection, Mapping) else None
    if not boxes:
        return None
    x, y = boxes[-1].get("x"), boxes[-1].get("y")
    if not all(_is_pair(pair) for pair in (x, y)):
        return None
    return Box.between(x, y)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(type(end) in (int, float) for end in value)


def _grid(side: Side, position: str, box: Box | None, count: int) -> None:
    problem = _problem(box)
    if problem or box is None:
        st.info(problem)
        return
    held = int(box.holds(side.points).sum())
    across, up = (f"z{axis + 1}" for axis in side.axes)
    lines = (
        f"{across} from {signed(box.left)} to {signed(box.right)}",
        f"{up} from {signed(box.bottom)} to {signed(box.top)}",
        f"{held:,} of {len(side.points):,} test images lie in it."
        if held
        else "No test image lies in it: little or nothing taught the decoder what to draw here.",
    )
    gallery(
        [
            Mosaic(
                side.option,
                f"What the box decodes to, {side.name}",
                f"decoded grid, {side.name}",
                grid_codes(box, count, side.axes, side.option.card.model.latent_dim),
                count,
                lines,
            )
        ],
        key=f"compare-box-grid-{position}",
    )
    if side.option.card.model.latent_dim > 2:
        st.caption(f"The box spans {across} and {up}, where the codes spread most; the other dimensions are held at 0.")


def grid_codes(box: Box, count: int, axes: tuple[int, int], latent_dim: int) -> np.ndarray:
    """The box's lattice of count x count points in latent space, (count * count, latent_dim): 0 beside `axes`."""
    codes = np.zeros((count * count, latent_dim))
    codes[:, axes] = box.lattice(count)
    return codes


def _problem(box: Box | None) -> str | None:
    if box is None:
        return "There is no box yet: drag one on the map."
    if not np.isfinite(box.area) or max(map(abs, (box.left, box.right, box.bottom, box.top))) > WIDEST:
        return TOO_FAR
    return NO_AREA if box.area <= 0 else None


@st.cache_data(max_entries=32, show_spinner=False)
def _side(model: str, file_hash: str, _option: ModelOption, name: str) -> Side:
    codes = load_codes(_option.folder)
    axes = widest_dimensions(codes.mu)
    points = codes.mu[:, axes]
    return Side(_option, name, codes, axes, points, places(points, codes.labels))
