"""A run on pictures that a visitor brought: the same command, the same card, and it resumes from anywhere."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_runs import events_of, names_of, stopped_run, tensors_of

from vae.card import read_card
from vae.cli_evaluate import measure
from vae.config import from_flat
from vae.data import load
from vae.errors import CheckpointError, DataError
from vae.jobs import JobSettings
from vae.jobs.forecast import forecast
from vae.jobs.uploads import Upload, bring, delete_upload

VISITOR = "c" * 32


@pytest.fixture
def upload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Upload:
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path / "data"))
    rng = np.random.default_rng(5)
    files = []
    for number in range(60):
        file = io.BytesIO()
        Image.fromarray(rng.integers(256, size=(20, 24, 3), dtype=np.uint8)).save(file, "PNG")
        files.append((f"{number}.png", io.BytesIO(file.getvalue())))
    return bring("My pets", files, VISITOR, JobSettings())[0]


def settings(dataset: str, **values: object) -> dict[str, object]:
    given = {"dataset": dataset, "image_size": 16, "hidden": (12,), "epochs": 3, "batch_size": 9}
    return given | values


def test_a_run_on_an_upload_gives_a_card_that_shows_no_path(upload: Upload, tmp_path: Path) -> None:
    config = from_flat(settings(upload.dataset, network="conv"))
    assert names_of(events_of(config, tmp_path / "run"))[-1] == "Done"
    card = read_card(tmp_path / "run")
    train, test = load(upload.dataset, "train", 16), load(upload.dataset, "test", 16)
    assert card.data.name == "folder:My pets"
    assert (card.data.shape, card.data.train_images, card.data.test_images) == ((3, 16, 16), len(train), len(test))
    assert (card.data.hash, card.data.licence) == (train.hash, "your own")
    assert str(tmp_path) not in card.data.model_dump_json()
    assert card.metrics is not None
    assert str(tmp_path) not in card.metrics.model_dump_json()
    again = measure(tmp_path / "run", None, "test", False, None, False, None)  # finds its images by the card
    assert (again.elbo, again.images) == (pytest.approx(card.metrics.elbo), len(test))
    assert forecast(config).parameters == card.parameters


def test_a_run_resumes_from_another_working_directory(
    upload: Upload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(upload.folder.parent)
    config = from_flat(settings(f"folder:{upload.name}"))
    events_of(config, tmp_path / "whole")
    stopped_run(config, tmp_path / "run", epoch=1, batch=8)
    monkeypatch.chdir("/")
    kept = from_flat(settings(upload.dataset))
    assert names_of(events_of(kept, tmp_path / "run", resume=True))[-1] == "Done"
    assert tensors_of(tmp_path / "run") == tensors_of(tmp_path / "whole")


def test_a_run_whose_pictures_changed_or_went_is_not_resumed(upload: Upload, tmp_path: Path) -> None:
    config = from_flat(settings(upload.dataset))
    stopped_run(config, tmp_path / "run", epoch=1, batch=8)
    next(upload.folder.glob("*.png")).unlink()
    with pytest.raises(CheckpointError, match="was trained on other data"):
        events_of(config, tmp_path / "run", resume=True)
    delete_upload(upload, tmp_path / "runs")
    with pytest.raises(DataError, match="There is no folder"):
        events_of(config, tmp_path / "run", resume=True)
