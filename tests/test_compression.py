"""The results of `make compression`: read strictly, and those that ship are what the cards say."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkpoints.compression import is_trained, larger
from vae.card import read_card
from vae.compression import Compression, read_compression
from vae.config import RunConfig, from_flat
from vae.errors import CheckpointError

CHECKPOINTS = Path(__file__).resolve().parent.parent / "checkpoints"
SHIPPED = CHECKPOINTS / "compression.json"
POINT: dict[str, Any] = {
    "dataset": "digits",
    "kind": "ae",
    "d": 2,
    "mse": 0.03,
    "epochs": 5,
    "command": "python -m vae train",
    "checkpoint": None,
    "data_hash": "a",
    "finished": "2026-01-01T00:00:00Z",
}


def results(*points: dict[str, Any], **more: Any) -> str:
    made = [POINT | point for point in points]
    return json.dumps({"schema_version": 1, "made_by": "make", "note": "", "points": made} | more)


def config_of(command: str) -> RunConfig:
    words = shlex.split(command)
    assert words[:4] == ["python", "-m", "vae", "train"]
    options = dict(zip(words[4::2], words[5::2], strict=True))
    names = {option: option.removeprefix("--").replace("-", "_") for option in options}
    return from_flat({names[option].replace("model", "kind"): value for option, value in options.items()})


# --- what ships


def test_the_points_at_two_dimensions_are_those_of_the_shipped_cards() -> None:
    points = [point for point in read_compression(SHIPPED).points if point.checkpoint]
    assert {point.d for point in points} == {2}
    for point in points:
        card = read_card(CHECKPOINTS / str(point.checkpoint))
        assert card.metrics is not None
        assert (point.dataset, point.kind, point.d) == (card.data.name, card.model.kind, card.model.latent_dim)
        assert (point.mse, point.epochs, point.data_hash) == (card.metrics.mse, card.training.epochs, card.data.hash)
        assert point.finished == card.training.finished
        assert config_of(point.command) == card.config


def test_every_data_set_has_all_points_with_the_network_of_its_shipped_models() -> None:
    shipped = read_compression(SHIPPED)
    assert shipped.datasets == ("mnist", "fashion-mnist", "digits")
    for dataset in shipped.datasets:
        curves = shipped.curves(dataset)
        assert list(curves) == ["pca", "ae", "vae"]
        networks = set()
        for kind, points in curves.items():
            assert [point.d for point in points] == [2, 10, 20]
            for point in points:
                config = config_of(point.command)
                assert (config.dataset, config.model.kind, config.model.latent_dim) == (dataset, kind, point.d)
                if kind != "pca":
                    networks.add((config.model.network, config.model.hidden, config.model.activation))
                    assert config.training.epochs == point.epochs
                if kind == "vae":
                    assert (config.training.beta, config.model.likelihood) == (1.0, "bernoulli")
        assert len(networks) == 1


def test_more_numbers_keep_more_of_an_image_and_in_two_pca_keeps_the_least() -> None:
    """But for a VAE beyond ten: dimensions that do not pay for their KL stay silent."""
    shipped = read_compression(SHIPPED)
    for dataset in shipped.datasets:
        curves = {kind: [point.mse for point in points] for kind, points in shipped.curves(dataset).items()}
        assert all(mse[0] > max(mse[1:]) for mse in curves.values())
        assert all(curves[kind][1] > curves[kind][2] for kind in ("pca", "ae"))
        assert curves["pca"][0] > max(curves["ae"][0], curves["vae"][0])
        assert all(
            ae < pca for ae, pca in zip(curves["ae"], curves["pca"], strict=True)
        )  # a network can do what a line does


# --- reading


@given(st.permutations([(kind, d) for kind in ("vae", "pca") for d in (2, 10, 20)]))
def test_a_curve_rises_in_d_whatever_the_order(places: list[tuple[str, int]]) -> None:
    read = Compression.model_validate_json(results(*({"kind": kind, "d": d} for kind, d in places)))
    curves = read.curves("digits")
    assert list(curves) == list(dict.fromkeys(kind for kind, _ in places))
    assert all([point.d for point in points] == [2, 10, 20] for points in curves.values())
    assert read.curves("mnist") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no results this version reads"),
        ("[]", "holds no results this version reads"),
        (results(), "points"),
        (results({"mse": -0.1}), "mse = -0.1"),
        (results({"d": 2.5}), "d = 2.5"),
        (results({"kind": "gan"}), "kind = 'gan'"),
        (results({"rate": 1}), "rate: not a field"),
        (results({"finished": "yesterday"}), "finished = 'yesterday'"),
        (results({}, schema_version=2), "schema_version = 2"),
        (results({}, {"mse": 0.5}), "two points for digits ae 2"),
        (results({}, {"d": 10, "data_hash": "b"}), "measured on different data"),
        (" " * 1_000_001, "more than 1,000,000 bytes"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(CheckpointError) as refused:
        read_compression(path)
    message = str(refused.value)
    assert message.startswith(str(path))
    assert said in message
    assert len(message.splitlines()) == 1


def test_a_file_that_is_not_there_says_what_writes_it(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"No such file or directory\. `make compression` writes it"):
        read_compression(tmp_path / "results.json")


# --- what is missing


def test_only_a_model_of_these_very_settings_counts_as_trained(tmp_path: Path) -> None:
    recipe: dict[str, object] = {"activation": "silu", "schedule": "cosine", "storage": "float32", "dataset": "digits"}
    pca = recipe | {"model": "pca"}
    assert is_trained(CHECKPOINTS / "digits-pca-2d", pca)
    assert not is_trained(CHECKPOINTS / "digits-pca-2d", larger(pca, 10, None))
    assert not is_trained(tmp_path, pca)
    assert larger(pca, 10, 12) == pca | {"latent-dim": 10}
    assert larger(recipe, 20, 12) == recipe | {"latent-dim": 20, "epochs": 12}
