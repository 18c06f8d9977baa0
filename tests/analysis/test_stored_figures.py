"""Figures kept in a file: those of the shipped models are current, and no stale or damaged one is believed."""

from pathlib import Path
from shutil import copytree

import pytest

import vae
from tests.serving import ROOT
from vae.analysis.figures import LatentFigures
from vae.analysis.latent_figures import latent_figures
from vae.analysis.stored_figures import RESULTS, Measured, read, stored_figures, version_of, write
from vae.classifier.classifier import load_classifier
from vae.codes import load_codes
from vae.library import list_cards

SHIPPED = {entry.folder.name: entry for entry in list_cards(ROOT / "checkpoints").cards}


def test_every_shipped_model_was_measured_as_it_is_now() -> None:
    stored = read(RESULTS)
    assert set(stored) == set(SHIPPED)
    for name, entry in SHIPPED.items():
        assert stored[name].version == version_of(entry.folder, entry.card.data.name), f"measure {name} anew"


@pytest.mark.parametrize("name", ["digits-ae-2d", "digits-vae-2d", "digits-pca-2d"])
def test_measuring_again_gives_the_stored_figures(name: str) -> None:
    entry = SHIPPED[name]
    version = version_of(entry.folder, entry.card.data.name)
    again = latent_figures(vae.load(entry.folder), load_codes(entry.folder), load_classifier("digits"))
    stored = stored_figures(name, version)
    assert stored
    for field, value in again.model_dump().items():
        # Another machine may round a probability across 0.9 in one sample or two of 2,000.
        assert getattr(stored, field) == (pytest.approx(value, abs=5e-3) if value is not None else None), field


def test_a_changed_file_has_another_version(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    copytree(SHIPPED["digits-vae-2d"].folder, folder)
    before = version_of(folder, "digits")
    assert before == version_of(SHIPPED["digits-vae-2d"].folder, "digits")
    assert before != version_of(folder, "freyface")  # which has no classifier
    path = folder / "latents.safetensors"
    path.write_bytes(path.read_bytes() + b" ")
    assert version_of(folder, "digits") != before
    assert stored_figures("digits-vae-2d", version_of(folder, "digits")) is None


def test_results_come_back_as_they_were_written(tmp_path: Path) -> None:
    figures = LatentFigures.model_validate(dict.fromkeys(LatentFigures.model_fields) | {"mse": 0.25})
    models = {"one": Measured(version="abc", figures=figures)}
    write(tmp_path / "results.json", models, made_by="a test")
    assert read(tmp_path / "results.json") == models


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"made_by": "x", "models": {"a": {}}}', "\x00"])
def test_a_damaged_file_is_no_reason_to_fail(tmp_path: Path, text: str) -> None:
    (tmp_path / "results.json").write_text(text)
    assert read(tmp_path / "results.json") == {}
    assert read(tmp_path / "none.json") == {}
