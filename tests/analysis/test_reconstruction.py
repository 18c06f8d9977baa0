"""Images through a model and back, against scikit-learn's projection and against the card."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

import vae
from tests.serving import ROOT
from vae.analysis.reconstruction import reconstruct
from vae.data import load


def test_a_pca_gives_back_what_scikit_learn_does() -> None:
    train, test = load("digits", "train"), load("digits", "test")
    found = reconstruct(vae.load(ROOT / "checkpoints" / "digits-pca-2d"), test.images[:20])
    pca = PCA(2).fit(train.images.reshape(len(train), -1) / 255)
    projected = pca.inverse_transform(pca.transform(test.images[:20].reshape(20, -1) / 255))
    expected = np.clip(projected, 0, 1).reshape(found.images.shape)
    assert np.abs(found.images - expected).max() < 1e-4


@pytest.mark.parametrize("name", ["digits-ae-2d", "digits-vae-2d"])
def test_over_the_whole_test_set_the_error_is_the_card_s(name: str) -> None:
    model, test = vae.load(ROOT / "checkpoints" / name), load("digits", "test")
    found = reconstruct(model, test.images)
    assert model.card
    assert model.card.metrics
    assert found.mse == pytest.approx(model.card.metrics.mse, rel=1e-4)
    assert np.array_equal(found.originals, (test.images / np.float32(255)).astype(np.float32))
    assert np.allclose(found.originals + found.differences, found.images, atol=1e-6)
