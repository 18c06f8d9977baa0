"""A run on a folder of pictures: streamed or held in memory, by one process or two, it is the same run."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from small_runs import epochs_of, events_of, tensors_of

from vae.config import RunConfig, from_flat
from vae.data import load
from vae.errors import CheckpointError, ConfigError
from vae.training import run_data
from vae.training.run_data import RunData

COUNT = 300


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Digits as PNG files, a folder a class."""
    root = tmp_path_factory.mktemp("pictures")
    digits = load("digits", "train").head(COUNT)
    assert digits.labels is not None
    for number, (image, label) in enumerate(zip(digits.images, digits.labels, strict=True)):
        (root / str(label)).mkdir(exist_ok=True)
        Image.fromarray(image[0]).save(root / str(label) / f"{number}.png")
    return root


def config_of(pictures: Path, **values: Any) -> RunConfig:
    small = {"dataset": f"folder:{pictures}", "hidden": (12,), "epochs": 3, "batch_size": 64, "image_size": 8}
    return from_flat(small | values)


@pytest.mark.parametrize("held_out", [0, 50])
def test_streamed_or_held_the_weights_are_the_same_to_the_last_bit(
    pictures: Path, tmp_path: Path, held_out: int
) -> None:
    config = config_of(pictures, held_out=held_out)
    held = events_of(config, tmp_path / "held")
    streamed = events_of(config, tmp_path / "streamed", workers=2)
    assert epochs_of(streamed) == epochs_of(held)
    assert tensors_of(tmp_path / "streamed") == tensors_of(tmp_path / "held")


def test_what_exceeds_the_memory_is_streamed(pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(pictures)
    assert isinstance(RunData.of(config).train, run_data.ImageSet)
    monkeypatch.setattr(run_data, "fits_in_memory", lambda *_: False)
    data = RunData.of(config)
    assert isinstance(data.train, run_data.ImageStream)
    assert len(data.fit_on) + len(data.test) == COUNT
    # Components are fitted to all images at once.
    assert isinstance(RunData.of(config_of(pictures, kind="pca")).train, run_data.ImageSet)


def test_a_run_goes_on_in_either_way(pictures: Path, tmp_path: Path) -> None:
    events_of(config_of(pictures, epochs=4), tmp_path / "held")
    for workers, epochs in ((0, 1), (2, 2), (0, 3), (1, 4)):
        events_of(config_of(pictures, epochs=epochs), tmp_path / "mixed", resume=epochs > 1, workers=workers)
    assert tensors_of(tmp_path / "mixed") == tensors_of(tmp_path / "held")


@pytest.mark.parametrize("workers", [0, 2])
def test_other_pictures_are_other_data(pictures: Path, tmp_path: Path, workers: int) -> None:
    config = config_of(pictures, epochs=1)
    events_of(config, tmp_path / "run")
    more = pictures / "3" / "another.png"
    Image.fromarray(np.full((8, 8), 77, np.uint8)).save(more)
    try:
        with pytest.raises(CheckpointError, match="other data"):
            events_of(config_of(pictures, epochs=2), tmp_path / "run", resume=True, workers=workers)
    finally:
        more.unlink()


def test_to_hold_out_all_is_refused(pictures: Path, tmp_path: Path) -> None:
    for workers in (0, 2):
        with pytest.raises(ConfigError, match="held_out = 9999 leaves nothing"):
            events_of(config_of(pictures, held_out=9999), tmp_path / "run", workers=workers)
    assert not (tmp_path / "run").exists()
