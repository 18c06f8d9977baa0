"""The form of a run, made from the config's own types: their bounds, help, defaults and errors."""

import shlex
from collections.abc import Mapping
from typing import Any, get_args, get_origin

import streamlit as st

from ui.train.freezing import OFFERED_IMAGES
from ui.train.own_images import own_images
from ui.visitor import named
from vae.cli_options import option_name
from vae.config import FOLDER, RunConfig, flat_fields, from_flat, to_flat
from vae.data import plain_name
from vae.errors import ConfigError
from vae.jobs import JobSettings
from vae.jobs.uploads import uploads_of

# Chosen on 287 training images held out, over two seeds: better than digits-vae-2d's own settings, in the same time.
SMALL = {
    "dataset": "digits",
    "hidden": "256,128",
    "activation": "silu",
    "epochs": 200,
    "batch_size": 64,
    "learning_rate": 3e-3,
    "schedule": "cosine",
}
OWN = "My own images"
PRESETS: dict[str, dict[str, Any]] = {
    "Digits, in a minute": SMALL,
    "The classic 2-D map": {"dataset": "mnist", "hidden": "512,256", "epochs": 20, "learning_rate": 2e-3},
    "20-D sliders": {"dataset": "mnist", "latent_dim": 20, "hidden": "512,512", "epochs": 20, "learning_rate": 2e-3},
    "beta = 0": SMALL | {"beta": 0.0},
    "A plain autoencoder": SMALL | {"kind": "ae"},
    # A constant schedule, as it is to be carried on.
    "Encoder only, decoder only": SMALL | {"schedule": "constant", "exact_gap_images": OFFERED_IMAGES},
    # Few pictures make few steps an epoch: small images, small batches, and layers that are quick.
    OWN: {"dataset": FOLDER, "image_size": 32, "epochs": 100, "batch_size": 32, "learning_rate": 1e-3},
}
FIRST = "Digits, in a minute"
MAIN = ("dataset", "image_size", "kind", "latent_dim", "network", "hidden", "beta", "epochs", "learning_rate")
LABELS = {
    "kind": "Model",
    "latent_dim": "Latent dimensions d",
    "hidden": "Widths",
    "dataset": "Data set",
    "image_size": "Image size",
}
FOR_A_VAE = ("beta", "warmup_epochs", "likelihood", "prior", "sigma", "exact_gap_images")
ONLY_FOR = dict.fromkeys(FOR_A_VAE, ("vae",)) | {"loss": ("ae",), "trains": ("vae", "ae")}
UNSET = "as the kind implies"


def config_form(datasets: Mapping[str, str], owner: str | None, settings: JobSettings) -> RunConfig | None:
    """Presets and fields. Returns the config they make; None after one sentence that says what is wrong."""
    limits = {"epochs": settings.most_epochs}
    preset = st.pills("Start from", list(PRESETS), default=FIRST, required=True, key="train-preset")
    start = to_flat(RunConfig()) | PRESETS[preset or FIRST] | st.session_state.get("train-cloned", {})
    kind = st.session_state.get(f"train-kind-{preset}", start["kind"])
    if preset == OWN and not _own_images_chosen(start, owner, settings):
        return None
    datasets = {upload.dataset: f"{upload.name} (yours)" for upload in uploads_of(named(owner))} | dict(datasets)
    of_a_folder = str(st.session_state.get(f"train-dataset-{preset}", start["dataset"])).startswith(FOLDER)
    fields = [name for name in flat_fields() if kind in ONLY_FOR.get(name, (kind,))]
    fields = [name for name in fields if of_a_folder or name != "image_size"]
    values: dict[str, Any] = {}

    def lay_out(names: list[str]) -> None:
        for first in range(0, len(names), 4):  # row by row, so that they keep their order where a row is one field wide
            columns = iter(st.columns(4))
            for name in names[first : first + 4]:
                with next(columns):
                    values[name] = _field(name, start[name], preset, datasets, limits)

    lay_out([name for name in MAIN if name in fields])
    with st.expander("Everything else"):
        lay_out([name for name in fields if name not in MAIN])
    try:
        config = from_flat({name: value for name, value in values.items() if value is not None})
    except ConfigError as error:
        st.error(f"This cannot be trained: {error}.")
        return None
    # A visitor's own machine has the pictures elsewhere, and need not know where this one does.
    shown = config if settings.any_folder else config.model_copy(update={"dataset": plain_name(config.dataset)})
    st.code(command_line(shown), language="bash", wrap_lines=True)
    return config


def _own_images_chosen(start: dict[str, Any], owner: str | None, settings: JobSettings) -> bool:
    """What brings pictures. Whether there is a set to train on; it becomes the one to start from."""
    key = f"train-dataset-{OWN}"
    size = st.session_state.get(f"train-image_size-{OWN}")
    if brought := own_images(named(owner), settings, st.session_state.get(key), size):
        st.session_state[key] = brought
    uploads = uploads_of(named(owner))
    if uploads:
        start["dataset"] = uploads[0].dataset
    elif not settings.any_folder:
        st.caption("Bring some pictures, and the rest of the form appears here.")
        return False
    return True


def command_line(config: RunConfig, out: str = "runs/my-run") -> str:
    """What trains the same from a terminal: only what differs from the defaults."""
    defaults, given = to_flat(RunConfig()), to_flat(config)
    options = []
    for name, value in given.items():
        if value is not None and (value != defaults[name] or name == "dataset"):
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            options += [option_name(name), shlex.quote(text)]
    return f"python -m vae train {' '.join(options)} --out {shlex.quote(out)}"


def _field(name: str, start: Any, preset: str | None, datasets: Mapping[str, str], limits: Mapping[str, float]) -> Any:
    """One widget for one setting, of the kind that its type asks for."""
    field = flat_fields()[name][0]
    label = LABELS.get(name, name.replace("_", " ").capitalize())
    common = {"label": label, "help": field.description, "key": f"train-{name}-{preset}"}
    if name == "dataset":
        known = list(datasets) if start in datasets else [start, *datasets]
        return st.selectbox(
            **common,
            options=known,
            index=known.index(start),
            format_func=lambda option: datasets.get(option, option),
            accept_new_options=True,
        )
    choices, may_be_unset = _choices(field.annotation)
    if choices:
        options = ([None] if may_be_unset else []) + list(choices)
        index = options.index(start) if start in options else 0
        return st.selectbox(**common, options=options, index=index, format_func=lambda choice: choice or UNSET)
    if get_origin(field.annotation) is tuple:
        text = start if isinstance(start, str) else ",".join(map(str, start))
        return st.text_input(**common, value=text)
    low, high = _bounds(field)
    if name in limits:
        high = min(high, limits[name]) if high is not None else limits[name]
    if int in (field.annotation, *get_args(field.annotation)):
        return st.number_input(
            **common, value=start, min_value=_whole(low), max_value=_whole(high), step=1, placeholder="by itself"
        )
    return st.number_input(**common, value=start, min_value=low, max_value=high, step=None, format="%g")


def _choices(annotation: Any) -> tuple[tuple[str, ...], bool]:
    """The options of a Literal, and whether the setting may be left out."""
    parts = get_args(annotation)
    if parts and all(isinstance(part, str) for part in parts):
        return parts, False
    inner = [part for part in parts if part is not type(None)]
    if len(inner) == 1 and type(None) in parts:
        found, _ = _choices(inner[0])
        return found, bool(found)
    return (), False


def _bounds(field: Any) -> tuple[float | None, float | None]:
    found: dict[str, float] = {}
    for part in field.metadata:
        for name in ("ge", "gt", "le", "lt"):
            if (value := getattr(part, name, None)) is not None:
                found[name[0]] = float(value)
    return found.get("g"), found.get("l")


def _whole(bound: float | None) -> int | None:
    return None if bound is None else int(bound)
