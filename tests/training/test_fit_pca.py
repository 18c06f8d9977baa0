"""Fitting a PCA into a folder: a run like any other, but of one step."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn import decomposition
from small_runs import events_of, names_of, tensors_of

import vae
from vae.analysis.codes import encode_set
from vae.analysis.evaluate import evaluate
from vae.codes import load_codes
from vae.config import RunConfig, from_flat
from vae.data import load
from vae.errors import CheckpointError, ConfigError
from vae.models import PCA
from vae.training.events import EpochDone

TRAIN, TEST = load("digits", "train"), load("digits", "test")


def pca(**values: object) -> RunConfig:
    return from_flat({"dataset": "digits", "kind": "pca", "latent_dim": 3} | values)


@pytest.mark.parametrize("held_out", [0, 400])
def test_a_run_is_the_fit_of_scikit_learn(tmp_path: Path, held_out: int) -> None:
    events_of(pca(held_out=held_out), tmp_path / "run")
    model = vae.load(tmp_path / "run")
    assert isinstance(model, PCA)
    fit_on, flat = (s.reshape(len(s), -1) / 255 for s in (TRAIN.images[: len(TRAIN) - held_out], TEST.images))
    reference = decomposition.PCA(3, svd_solver="full").fit(fit_on)
    codes = reference.transform(flat)
    np.testing.assert_allclose(load_codes(tmp_path / "run").mu, codes, atol=1e-5)
    decoded = model.decode(torch.from_numpy(codes).float()).flatten(1).numpy()
    np.testing.assert_allclose(decoded, reference.inverse_transform(codes), atol=1e-5)
    assert model.card is not None
    assert model.card.metrics is not None
    clamped = reference.inverse_transform(codes).clip(0, 1)
    assert model.card.metrics.mse == pytest.approx(np.square(clamped - flat).mean(), rel=1e-5)
    assert model.card.data.train_images == len(fit_on)
    assert model.card.training.epochs == 1


def test_it_is_measured_like_an_autoencoder(tmp_path: Path) -> None:
    events_of(pca(), tmp_path / "run")
    model = vae.load(tmp_path / "run")
    figures = evaluate(model, TEST, "run")
    assert model.card is not None
    assert model.card.metrics == figures
    assert figures.elbo is figures.reconstruction is figures.kl is figures.kl_per_dimension is None
    assert figures.active_units is None
    assert figures.knn_accuracy is not None
    assert encode_set(model, TEST).sigma is None


def test_its_events_are_those_of_one_epoch(tmp_path: Path) -> None:
    events = events_of(pca(epochs=7), tmp_path / "run")
    assert names_of(events) == ["Started", "EpochDone", "Saved", "Saved", "Done"]
    [told] = [event for event in events if isinstance(event, EpochDone)]
    model, x = vae.load(tmp_path / "run"), torch.tensor(TEST.images) / 255
    assert isinstance(model, PCA)
    assert -told.test.elbo == pytest.approx(model.loss(x).mean().item(), rel=1e-5)
    assert told.test.kl == 0


def test_the_same_run_again_is_the_same(tmp_path: Path) -> None:
    for folder in ("one", "same"):
        events_of(pca(storage="float16"), tmp_path / folder)
    assert tensors_of(tmp_path / "one") == tensors_of(tmp_path / "same")


def test_a_finished_one_resumed_has_nothing_to_do(tmp_path: Path) -> None:
    events_of(pca(), tmp_path / "run")
    before = tensors_of(tmp_path / "run")
    assert names_of(events_of(pca(), tmp_path / "run", resume=True)) == ["Started", "Saved", "Done"]
    assert tensors_of(tmp_path / "run") == before
    with pytest.raises(ConfigError, match="keeps its own settings"):
        events_of(pca(latent_dim=2), tmp_path / "run", resume=True)
    with pytest.raises(CheckpointError, match="is not empty"):
        events_of(pca(), tmp_path / "run")


def test_fewer_images_than_components_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="latent_dim = 20: there are no more principal components than images, 17"):
        events_of(pca(latent_dim=20, held_out=len(TRAIN) - 17), tmp_path / "run")
    assert not (tmp_path / "run").exists()
