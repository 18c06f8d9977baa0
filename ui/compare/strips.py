"""Rows of images, each with a name and a remark: drawn crisp, in the theme's polarity."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from streamlit.components.v2 import component

from ui.explorer.sources import script, style

HERE = Path(__file__).parent

_component = component(
    "vae_strips",
    html='<div class="vae strips-list"></div>',
    css=style(HERE / "strips.css"),
    js=script(HERE / "strips.js"),
    isolate_styles=True,
)


@dataclass(frozen=True)
class Strip:
    """One row of images (N, C, H, W): values in [0, 1], or differences in [-1, 1] when `signed`."""

    name: str
    remark: str
    images: np.ndarray
    signed: bool = False


def strips(rows: Sequence[Strip], ink: bool, key: str) -> None:
    """Show the rows below one another, all of images of one shape. `ink`: strokes on an empty ground, as in a card."""
    shape = list(rows[0].images.shape[1:])
    # A list: for a dict Streamlit would import pandas, to see whether it might be a data frame.
    _component(key=key, data=[shape, ink, [[row.name, row.remark, row.signed, _packed(row)] for row in rows]])


def _packed(row: Strip) -> str:
    """A byte for each value, as text: bytes inside a list would arrive as their Python spelling."""
    shares = (row.images + 1) / 2 if row.signed else row.images
    return base64.b64encode(np.round(255 * np.clip(shares, 0, 1)).astype(np.uint8).tobytes()).decode()
