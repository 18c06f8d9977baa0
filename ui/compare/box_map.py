"""The map a box is drawn on: a Plotly figure of the codes, of which only the box can be selected."""

from typing import Any

import numpy as np
import pandas  # noqa: F401  (whole: Plotly looks at what is there, and another session may be half-way in)
import plotly.graph_objects as go

from ui.theme import CLASSES, is_dark, quantity_colors
from vae.analysis.places import Box, bounds, class_places

HEIGHT = 430  # pixels
MARGIN = {"l": 34, "r": 6, "t": 4, "b": 26}
AROUND = 0.06  # of the map's width is left free at each side
POINT_OPACITY = 0.6
RINGS = (1, 2, 3)  # standard deviations of the prior

# Plotly sends every point that a selection catches back to Python, and again at each later rerun. It looks only at the
# traces of the axes that the box is drawn on. So the points lie on one pair of axes, and the box on another on top.
POINT_AXES = {"xaxis": "x", "yaxis": "y"}
BOX_AXES = {"xaxis": "x2", "yaxis": "y2"}


def box_figure(
    points: np.ndarray, labels: np.ndarray | None, axes: tuple[int, int], prior: bool, box: Box | None, turn: int
) -> go.Figure:
    """Codes (N, 2) in the colours of their classes, and a box to begin with.

    A new `turn` makes the map forget the box that a reader has drawn. `axes` are the dimensions shown, counted from 0;
    `prior` draws the rings of N(0, I).
    """
    figure = go.Figure(data=_points(points, labels))
    figure.add_scatter(x=[None], y=[None], mode="markers", **BOX_AXES)
    across, up = _ranges(bounds(points), prior)
    style = {"fixedrange": True, "zeroline": False, "nticks": 8, "automargin": axes != (0, 1)}
    grid = {**style, "showgrid": True, "gridcolor": "#20252c" if is_dark() else "#f1f1ed"}
    titles = ["", ""] if axes == (0, 1) else [{"text": f"z{axis + 1}", "standoff": 4} for axis in axes]
    unseen = {**style, "visible": False, "domain": [0, 1]}
    figure.update_layout(
        xaxis={**grid, "range": across, "title": titles[0]},
        yaxis={**grid, "range": up, "scaleanchor": "x", "title": titles[1]},
        xaxis2={**unseen, "range": across, "anchor": "y2"},
        yaxis2={**unseen, "range": up, "anchor": "x2", "scaleanchor": "x2"},
        **_frame(turn),
        shapes=_rings() if prior else [],
        annotations=_class_numbers(points, labels),
        selections=[_selection(box)] if box else [],
    )
    return figure


def _frame(turn: int) -> dict[str, Any]:
    z = quantity_colors()["z"]
    return {
        "height": HEIGHT,
        "margin": MARGIN,
        "showlegend": False,
        "dragmode": "select",
        "hovermode": False,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "newselection": {"line": {"color": z, "width": 2.5, "dash": "solid"}},
        "activeselection": {"fillcolor": z, "opacity": 0.08},
        "meta": turn,
    }


def _points(points: np.ndarray, labels: np.ndarray | None) -> list[go.Scattergl]:
    size = 3 if len(points) > 4000 else 4 if len(points) > 1000 else 5
    groups = [(quantity_colors()["mu"], points)]
    if labels is not None:
        groups = [(CLASSES[label % len(CLASSES)], points[labels == label]) for label in np.unique(labels).tolist()]
    marker = {"size": size, "opacity": POINT_OPACITY}
    return [
        go.Scattergl(
            x=group[:, 0], y=group[:, 1], mode="markers", marker={**marker, "color": color}, hoverinfo="skip",
            **POINT_AXES,
        )
        for color, group in groups
    ]  # fmt: skip


def _ranges(box: Box, prior: bool) -> tuple[list[float], list[float]]:
    """What the map shows at least; as a circle stays a circle, it shows more along the longer side of the frame."""
    reach = RINGS[-1] if prior else 0
    sides = ((box.left, box.right), (box.bottom, box.top))
    low = [min(side[0], -reach) if prior else side[0] for side in sides]
    high = [max(side[1], reach) if prior else side[1] for side in sides]
    free = AROUND * max(high[0] - low[0], high[1] - low[1])
    return [low[0] - free, high[0] + free], [low[1] - free, high[1] + free]


def _rings() -> list[dict[str, Any]]:
    line = {"color": "#79828e" if is_dark() else "#8a919a", "width": 1, "dash": "4px,4px"}
    return [{"type": "circle", "x0": -r, "x1": r, "y0": -r, "y1": r, "line": line} for r in RINGS]


def _class_numbers(points: np.ndarray, labels: np.ndarray | None) -> list[dict[str, Any]]:
    """Each class's number where it lies densest: colour alone does not tell ten classes apart."""
    if labels is None:
        return []
    ink, paper = ("#eceff3", "#181c22") if is_dark() else ("#1b1f24", "#ffffff")
    halo = ", ".join(f"{x}px {y}px 1px {paper}" for x, y in ((-1, -1), (-1, 1), (1, -1), (1, 1), (0, 2), (0, -2)))
    style = {"showarrow": False, "font": {"size": 13, "color": ink, "shadow": halo}}
    return [
        {**style, "x": x, "y": y, "text": f"<b>{label}</b>"} for label, (x, y) in class_places(points, labels).items()
    ]


def _selection(box: Box) -> dict[str, Any]:
    line = {"color": quantity_colors()["z"], "width": 2.5, "dash": "solid"}
    corners = {"x0": box.left, "x1": box.right, "y0": box.bottom, "y1": box.top}
    return {"type": "rect", "xref": "x2", "yref": "y2", "line": line, **corners}
