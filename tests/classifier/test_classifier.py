"""The classifier: what is trained is what is stored, and what is stored is read strictly."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from vae.classifier.card import FOLDER, classifier_file, read_classifier_card
from vae.classifier.classifier import Classifier, load, load_classifier, save
from vae.classifier.train import train_classifier
from vae.data import load as load_set
from vae.errors import CheckpointError, ConfigError
from vae.library import list_cards
from vae.pixels import to_float

TRAIN, TEST = load_set("digits", "train"), load_set("digits", "test")
LEAST_ACCURACY = {"mnist": 0.98, "fashion-mnist": 0.88, "digits": 0.95}
PIXELS = to_float(torch.from_numpy(TEST.images.copy()))


@pytest.fixture(scope="module")
def trained() -> Classifier:
    return train_classifier(TRAIN, TEST, steps=60)


@pytest.fixture
def path(trained: Classifier, tmp_path: Path) -> Path:
    save(tmp_path / "digits.safetensors", trained)
    return tmp_path / "digits.safetensors"


# --- training


def test_a_classifier_learns(trained: Classifier) -> None:
    assert train_classifier(TRAIN, TEST, steps=1).card.test_accuracy < 0.5 < trained.card.test_accuracy


def test_its_accuracy_is_that_of_its_probabilities(trained: Classifier) -> None:
    probabilities = trained.probabilities(PIXELS)
    assert (probabilities.dtype, probabilities.shape) == (np.float32, (360, 10))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert trained.card.test_accuracy == pytest.approx((probabilities.argmax(axis=1) == TEST.labels).mean())
    assert (trained.card.test_images, trained.card.data_hash) == (360, TRAIN.hash)


def test_a_seed_decides_the_weights_and_the_global_generator_is_left_alone(tmp_path: Path) -> None:
    state = torch.random.get_rng_state()
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        save(tmp_path / name, train_classifier(TRAIN.head(200), TEST, steps=3, seed=seed))
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c
    assert torch.equal(torch.random.get_rng_state(), state)


def test_every_step_is_told() -> None:
    steps: list[int] = []
    train_classifier(TRAIN.head(50), TEST, steps=4, told=lambda step, loss: steps.append(step))
    assert steps == [1, 2, 3, 4]


def test_a_set_without_classes_cannot_be_learnt() -> None:
    with pytest.raises(ConfigError, match="digits has no classes to tell apart"):
        train_classifier(replace(TRAIN, labels=None, class_names=()), TEST, steps=1)


# --- its file


def test_what_is_saved_comes_back(trained: Classifier, path: Path) -> None:
    loaded = load(path)
    assert loaded.card == trained.card == read_classifier_card(path)
    np.testing.assert_array_equal(loaded.probabilities(PIXELS), trained.probabilities(PIXELS))
    assert not loaded.network.training


def test_the_file_says_what_another_runtime_must_know(path: Path) -> None:
    with safe_open(path, framework="np") as file:
        metadata = file.metadata()
        dtypes = {file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118 (no mapping)
    layers = [layer["type"] for layer in json.loads(metadata["encoder"])]
    assert layers == ["Conv2d", "ReLU", "Flatten", "Linear", "ReLU", "Linear"]
    assert dtypes == {"F16"}
    expected = {"format": "vae-network", "version": "1", "shape": "[1, 8, 8]", "latent_dim": "10", "output": "image"}
    assert expected.items() <= metadata.items()


def metadata_with(**changes: str | None) -> Callable[[Path], object]:
    def change(path: Path) -> None:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() | changes
        save_file(load_file(path), path, {key: value for key, value in metadata.items() if value is not None})

    return change


def card_with(**changes: object) -> Callable[[Path], object]:
    def change(path: Path) -> None:
        card = json.loads(read_classifier_card(path).model_dump_json()) | changes
        metadata_with(classifier=json.dumps(card, separators=(",", ":")))(path)

    return change


FAULTS: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "a pickle": lambda path: torch.save({}, path),
    "no card": metadata_with(classifier=None),
    "card that is no JSON": metadata_with(classifier="{"),
    "unknown field": card_with(surprise=1),
    "accuracy beyond 1": card_with(test_accuracy=1.5),
    "other widths": card_with(hidden=[65]),
    "other classes": card_with(class_names=["a", "b"]),
    "another activation": card_with(activation="tanh"),
    "images too small": card_with(shape=[1, 4, 4]),
    "a monster": card_with(shape=[3, 64, 64], hidden=[4096] * 6),
    "other layers": metadata_with(encoder="[]"),
    "tensor lost": lambda path: save_file({"encoder.0.bias": torch.zeros(32)}, path, {}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_sound_classifier_is_refused(path: Path, fault: str) -> None:
    FAULTS[fault](path)
    with pytest.raises(CheckpointError) as refused:
        load(path)
    assert str(path) in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_weights_that_are_not_numbers_are_refused(path: Path) -> None:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    tensors["encoder.0.bias"].fill_(torch.nan)
    save_file(tensors, path, metadata)
    with pytest.raises(CheckpointError, match="not numbers"):
        load(path)


def test_images_must_fit(trained: Classifier) -> None:
    with pytest.raises(ConfigError, match=r"classifier of digits takes images of shape \(1, 8, 8\) .* not \(1, 8, 9\)"):
        trained.probabilities(torch.zeros(2, 1, 8, 9))


# --- those that ship


@pytest.mark.parametrize("dataset", LEAST_ACCURACY)
def test_a_shipped_classifier_is_small_and_right(dataset: str) -> None:
    path = classifier_file(dataset)
    assert path is not None
    assert path.stat().st_size < 500_000
    card = read_classifier_card(path)
    assert card.dataset == dataset
    assert card.test_accuracy >= LEAST_ACCURACY[dataset]


def test_the_stated_accuracy_is_that_of_the_stored_weights() -> None:
    classifier = load_classifier("digits")
    assert classifier is not None
    right = (classifier.probabilities(PIXELS).argmax(axis=1) == TEST.labels).mean()
    assert classifier.card.test_accuracy == pytest.approx(right, abs=1.5 / len(TEST))  # one image may lie on an edge
    assert classifier.card.data_hash == TRAIN.hash


@pytest.mark.parametrize("dataset", ["freyface", "../classifiers/mnist", ""])
def test_a_set_without_a_classifier_has_none(dataset: str) -> None:
    assert load_classifier(dataset) is None


def test_classifiers_are_no_models() -> None:
    found = list_cards(FOLDER.parent)
    assert found.problems == ()
    assert FOLDER not in [entry.folder for entry in found.cards]
