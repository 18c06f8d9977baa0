"""Codes decoded in the browser: each model's set of images as one mosaic."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from streamlit.components.v2 import component

from ui.explorer import describe
from ui.explorer.sources import script, style
from ui.models import ModelOption

HERE = Path(__file__).parent
DECIMALS = 6

_component = component(
    "vae_gallery",
    html='<div class="vae gallery"></div>',
    css=style(HERE / "gallery.css"),
    js=script(HERE / "mosaic.js", HERE / "gallery.js"),
    isolate_styles=True,
)


@dataclass(frozen=True)
class Mosaic:
    """What one model is to decode, and what is said beside it.

    Attributes:
        title: the card's heading.
        name: what a screen reader calls the picture: "decoded grid, AE".
        codes: z of each image (N, d), shown row by row in `columns`.
        lines: short sentences beside the picture.
        neighbours: uint8 images (M, C, H, W) to show below the first M decoded ones.
    """

    option: ModelOption
    title: str
    name: str
    codes: np.ndarray
    columns: int
    lines: tuple[str, ...] = ()
    neighbours: np.ndarray | None = None


def gallery(mosaics: Sequence[Mosaic], key: str) -> None:
    """Show one mosaic with its text at its side, or two side by side."""
    # A list: for a dict Streamlit would import pandas, to see whether it might be a data frame.
    _component(key=key, data=[_packed(mosaic) for mosaic in mosaics])


def _packed(mosaic: Mosaic) -> dict[str, Any]:
    neighbours = mosaic.neighbours
    return {
        "model": describe(mosaic.option),
        "title": mosaic.title,
        "name": mosaic.name,
        "codes": np.round(mosaic.codes.astype(np.float64), DECIMALS).ravel().tolist(),
        "columns": mosaic.columns,
        "lines": list(mosaic.lines),
        # As text: bytes inside a list would arrive as their Python spelling.
        "neighbours": None if neighbours is None else base64.b64encode(neighbours.tobytes()).decode(),
    }
