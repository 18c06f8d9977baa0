"""The form of a run, made from the config's own types: their bounds, help, defaults and errors."""

import shlex
from collections.abc import Mapping
from typing import Any, get_args

import streamlit as st

from vae.cli_options import option_name
from vae.config import RunConfig, flat_fields, from_flat, to_flat
from vae.errors import ConfigError

SMALL = {"dataset": "digits", "hidden": "256,128", "epochs": 100, "batch_size": 64, "learning_rate": 2e-3}
PRESETS: dict[str, dict[str, Any]] = {
    "Digits, in a minute": SMALL,
    "The classic 2-D map": {"dataset": "mnist", "hidden": "512,256", "epochs": 20, "learning_rate": 2e-3},
    "20-D sliders": {"dataset": "mnist", "latent_dim": 20, "hidden": "512,512", "epochs": 20, "learning_rate": 2e-3},
    "beta = 0": SMALL | {"beta": 0.0},
    "A plain autoencoder": SMALL | {"kind": "ae"},
    "My own images": {"dataset": "folder:", "network": "conv", "hidden": "256", "latent_dim": 8, "epochs": 30},
}
FIRST = "Digits, in a minute"
MAIN = ("dataset", "kind", "latent_dim", "network", "hidden", "beta", "epochs", "learning_rate")
LABELS = {"kind": "Model", "latent_dim": "Latent dimensions d", "hidden": "Widths", "dataset": "Data set"}
ONLY_FOR = {"beta": "vae", "warmup_epochs": "vae", "likelihood": "vae", "prior": "vae", "sigma": "vae", "loss": "ae"}
UNSET = "as the kind implies"


def config_form(datasets: list[str], limits: Mapping[str, float]) -> RunConfig | None:
    """Presets and fields. Returns the config they make; None after one sentence that says what is wrong."""
    preset = st.pills("Start from", list(PRESETS), default=FIRST, required=True, key="train-preset")
    start = _defaults() | PRESETS[preset or FIRST] | st.session_state.get("train-cloned", {})
    kind = st.session_state.get(f"train-kind-{preset}", start["kind"])
    fields = [name for name in flat_fields() if ONLY_FOR.get(name, kind) == kind]
    values: dict[str, Any] = {}
    columns = st.columns(4)
    for place, name in enumerate(name for name in MAIN if name in fields):
        with columns[place % 4]:
            values[name] = _field(name, start[name], preset, datasets, limits)
    with st.expander("Everything else"):
        columns = st.columns(4)
        for place, name in enumerate(name for name in fields if name not in MAIN):
            with columns[place % 4]:
                values[name] = _field(name, start[name], preset, datasets, limits)
    try:
        config = from_flat({name: value for name, value in values.items() if value is not None})
    except ConfigError as error:
        st.error(f"This cannot be trained: {error}.")
        return None
    st.code(command_line(config), language="bash", wrap_lines=True)
    return config


def command_line(config: RunConfig, out: str = "runs/my-run") -> str:
    """What trains the same from a terminal: only what differs from the defaults."""
    defaults, given = to_flat(RunConfig()), to_flat(config)
    options = []
    for name, value in given.items():
        if value is not None and (value != defaults[name] or name == "dataset"):
            text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
            options += [option_name(name), shlex.quote(text)]
    return f"python -m vae train {' '.join(options)} --out {shlex.quote(out)}"


def _defaults() -> dict[str, Any]:
    return to_flat(RunConfig())


def _field(name: str, start: Any, preset: str | None, datasets: list[str], limits: Mapping[str, float]) -> Any:
    """One widget for one setting, of the kind that its type asks for."""
    field = flat_fields()[name][0]
    label = LABELS.get(name, name.replace("_", " ").capitalize())
    common = {"label": label, "help": field.description, "key": f"train-{name}-{preset}"}
    if name == "dataset":
        known = datasets if start in datasets else [start, *datasets]
        return st.selectbox(**common, options=known, index=known.index(start), accept_new_options=True)
    choices, may_be_unset = _choices(field.annotation)
    if choices:
        options = ([None] if may_be_unset else []) + list(choices)
        index = options.index(start) if start in options else 0
        return st.selectbox(**common, options=options, index=index, format_func=lambda choice: choice or UNSET)
    if name == "hidden":
        text = start if isinstance(start, str) else ",".join(map(str, start))
        return st.text_input(**common, value=text)
    low, high = _bounds(field)
    if name in limits:
        high = min(high, limits[name]) if high is not None else limits[name]
    if isinstance(start, int) and not isinstance(start, bool):
        return st.number_input(**common, value=start, min_value=_whole(low), max_value=_whole(high), step=1)
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
