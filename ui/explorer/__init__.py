"""The explorer: a component that decodes in the browser, under the finger. Python hears z on release."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamlit.components.v2 import component

from ui.explorer.sources import script, style
from ui.models import ModelOption
from ui.routes import payload_url
from ui.theme import CLASSES
from vae.training.film_view import kl_at, version_of_frame

WIDEST = 1e4  # no model at hand has codes that far out


@dataclass(frozen=True)
class Released:
    """Where the reader let go."""

    model: str
    z: tuple[float, ...]


HERE = Path(__file__).parent
VIEWS = ("layout.js", "sliders.js", "traversals.js", "tour.js", "explorer.js")

_component = component(
    "vae_explorer",
    html='<div class="vae explorer"></div>',
    css=style(HERE / "explorer.css"),
    js=script(*(HERE / name for name in VIEWS)),
    isolate_styles=True,
)


def explorer(option: ModelOption, epoch: int | None, z: Sequence[float] | None, key: str) -> Released | None:
    """Show the explorer on a model, or on what its film kept of an `epoch`, opening at `z` when given.

    Returns where the reader last let go, if anywhere.
    """
    model = describe(option) | ({} if epoch is None else describe_epoch(option, epoch))
    # A list: for a dict Streamlit would import pandas, to see whether it might be a data frame.
    data = [model, list(z) if z is not None else None, list(CLASSES)]
    result = _component(key=key, data=data, on_released_change=lambda: None)
    return released(getattr(result, "released", None), option)


def describe(option: ModelOption) -> dict[str, Any]:
    """What the browser must know of a model beside its weights and codes."""
    card, metrics = option.card, option.card.metrics
    return {
        "id": option.id,
        "epoch": None,  # the last one
        "kind": card.model.kind,
        "beta": card.config.training.beta,
        "shape": list(card.data.shape),
        "latentDim": card.model.latent_dim,
        "classNames": list(card.data.class_names),
        "ink": card.data.ink,
        "kl": list(metrics.kl_per_dimension) if metrics and metrics.kl_per_dimension else None,
        "factors": metrics.factors if metrics else None,
        "decoderUrl": payload_url(option, "decoder"),
        "latentsUrl": payload_url(option, "latents"),
    }


def describe_epoch(option: ModelOption, epoch: int) -> dict[str, Any]:
    """What is another after an epoch that is in the film of the run."""
    film = f"/api/runs/{option.id}/film/{epoch:04d}"
    version = version_of_frame(option.folder, epoch)
    return {
        "epoch": epoch,
        "kl": kl_at(option.folder, epoch),
        "factors": None,
        "decoderUrl": f"{film}.safetensors?v={version}",
        "latentsUrl": f"{film}/latents?v={version}",
    }


def released(value: Any, option: ModelOption) -> Released | None:
    """What the browser sent, once it is what a browser should send; None for anything else, or for another model."""
    if not isinstance(value, dict) or value.get("model") != option.id:
        return None
    z = value.get("z")
    if not isinstance(z, list) or len(z) != option.card.model.latent_dim:
        return None
    if not all(type(number) in (int, float) and abs(number) <= WIDEST for number in z):
        return None
    return Released(option.id, tuple(float(number) for number in z))
