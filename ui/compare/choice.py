"""Which two models are compared: two of one data set, kept in the page's address."""

from collections.abc import Mapping, Sequence

import streamlit as st

from ui.models import ModelOption
from vae.config import Kind
from vae.library import same_images

LEFT_KINDS: tuple[Kind, ...] = ("ae", "pca", "vae")  # what stands left at first: what a VAE is compared with
RIGHT_KINDS: tuple[Kind, ...] = ("vae", "ae", "pca")


def fitting(option: ModelOption, options: Mapping[str, ModelOption]) -> list[str]:
    """The ids of the other models that can stand beside this one."""
    return [name for name, other in options.items() if name != option.id and same_images(option.card, other.card)]


def data_groups(options: Mapping[str, ModelOption]) -> dict[str, list[str]]:
    """The ids of models that fit together, by the name of their data; those with no fellow are left out."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, option in options.items():
        groups.setdefault((option.card.data.name, option.card.data.hash), []).append(name)
    named: dict[str, list[str]] = {}
    for (data, digest), names in groups.items():
        if len(names) > 1:
            # Two versions of one data set share a name; the hash then tells them apart.
            named[data if data not in named else f"{data} ({digest[:6]})"] = names
    return named


def opening_pair(names: Sequence[str], options: Mapping[str, ModelOption]) -> tuple[str, str]:
    """A plain model left, a VAE right, of equal d where there are such."""
    vaes = [name for name in names if options[name].card.model.kind == "vae"]
    right = vaes[0] if vaes else names[-1]
    others = [options[name] for name in names if name != right]
    return _closest(options[right], others, LEFT_KINDS), right


def pair_with(option: ModelOption, options: Mapping[str, ModelOption]) -> tuple[str, str] | None:
    """The model, and what tells most beside it: left of a VAE a plain model, right of a plain model a VAE.

    None when no other of the `options` was trained on its images.
    """
    others = [options[name] for name in fitting(option, options)]
    if not others:
        return None
    if option.card.model.kind == "vae":
        return _closest(option, others, LEFT_KINDS), option.id
    return option.id, _closest(option, others, RIGHT_KINDS)


def _closest(option: ModelOption, others: Sequence[ModelOption], kinds: Sequence[Kind]) -> str:
    """The id of the first of equal d, and among those of the earliest of the kinds."""
    d = option.card.model.latent_dim
    rank = {kind: place for place, kind in enumerate(kinds)}
    return min(others, key=lambda other: (other.card.model.latent_dim != d, rank[other.card.model.kind])).id


def choose_pair(options: Mapping[str, ModelOption]) -> tuple[ModelOption, ModelOption] | None:
    """Menus for the data and the two models. None, after a sentence, when there are no two that fit together."""
    groups = data_groups(options)
    if not groups:
        st.info(
            "Two models of the same data are needed here. `python -m vae train --dataset digits --model ae "
            "--out runs/my-ae` trains a plain autoencoder in a minute."
        )
        return None
    asked = _asked(options)
    group_of = {name: data for data, names in groups.items() for name in names}
    first = group_of.get(asked[0], next(iter(groups))) if asked else next(iter(groups))
    columns = st.columns([1, 2, 2])
    data = columns[0].selectbox("Data", list(groups), index=list(groups).index(first), key="compare-data")
    names = groups[data]
    left, right = asked if asked and set(asked) <= set(names) else opening_pair(names, options)
    chosen = [
        column.selectbox(
            side, names, index=names.index(start), format_func=lambda name: options[name].label, key=f"{side}-{data}"
        )
        for column, side, start in zip(columns[1:], ("Left", "Right"), (left, right), strict=True)
    ]
    st.query_params["left"], st.query_params["right"] = chosen
    return options[chosen[0]], options[chosen[1]]


def _asked(options: Mapping[str, ModelOption]) -> tuple[str, str] | None:
    """The link's two models, if they are here and fit together; otherwise a sentence says why they are not shown."""
    left, right = st.query_params.get("left"), st.query_params.get("right")
    if left is None or right is None:
        return None
    missing = [name[:80] for name in (left, right) if name not in options]
    if missing:
        st.warning(f"There is no model named {missing[0]!r} here; these are two others.")
        return None
    a, b = options[left], options[right]
    if not same_images(a.card, b.card):
        others = fitting(a, options)
        offer = (
            f"Beside {left} fit: {', '.join(others)}." if others else f"No other model here was trained on {left}'s."
        )
        st.warning(
            f"{left} was trained on {_size(a)}, {right} on {_size(b)}: no image has a place in both. {offer} "
            "These are two that do fit."
        )
        return None
    return left, right


def _size(option: ModelOption) -> str:
    channels, height, width = option.card.data.shape
    return f"{option.card.data.name} ({height}x{width}{', colour' if channels == 3 else ''})"
