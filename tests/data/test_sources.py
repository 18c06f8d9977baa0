"""Every set loads as the original or not at all; what is here, what it is called, and where it lies."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.datasets
from faults import assert_helpful

from vae.data import DataSetInfo, available, data_dir, faces, load, names
from vae.data.mnist import MNIST
from vae.errors import DataError

pytestmark = pytest.mark.usefixtures("no_network")

EXPECTED = {  # images in train and test, (C, H, W), classes
    "digits": (1_437, 360, (1, 8, 8), 10),
    "shapes": (20_000, 4_000, (1, 32, 32), 3),
    "mnist": (60_000, 10_000, (1, 28, 28), 10),
    "fashion-mnist": (60_000, 10_000, (1, 28, 28), 10),
    "kmnist": (60_000, 10_000, (1, 28, 28), 10),
    "olivetti": (320, 80, (1, 64, 64), 40),
    "freyface": (1_768, 197, (1, 28, 20), 0),
}
PRESENT = [info.name for info in available() if info.present]


# What is there


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("name", PRESENT)
def test_every_set_that_is_here_is_what_it_is_known_to_be(name: str, split: str):
    train, test, shape, classes = EXPECTED[name]
    images = load(name, split)
    assert (images.name, images.split, images.shape) == (name, split, shape)
    assert len(images) == {"train": train, "test": test}[split]
    assert len(images.class_names) == classes
    assert images.licence
    assert images.credit
    labels = [] if images.labels is None else images.labels
    assert set(labels) == set(range(classes))
    if name == "mnist" and split == "test":  # class counts, published with the set
        assert np.bincount(labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@pytest.mark.parametrize("name", [name for name in PRESENT if name in {"digits", "olivetti", "freyface"}])
def test_the_splits_made_here_share_no_image(name: str):
    assert not set(map(bytes, load(name, "train").images)) & set(map(bytes, load(name, "test").images))


def test_digits_are_scikit_learns_with_every_fifth_in_the_test_set():
    bunch: Any = sklearn.datasets.load_digits()
    train, test = load("digits"), load("digits", "test")
    assert test.images[:, 0] / 255 * 16 == pytest.approx(bunch.images[::5], abs=0.04)
    assert test.labels is not None
    assert test.labels.tolist() == bunch.target[::5].tolist()
    assert train.labels is not None
    assert train.labels[:4].tolist() == bunch.target[1:5].tolist()
    assert train.images.max() == 255


def test_digits_are_read_without_importing_scikit_learn(folder: Path):
    code = "import sys; from vae.data import load; load('digits'); print('sklearn' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_without_its_file_of_digits_scikit_learn_is_to_be_installed_anew(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("vae.data.digits.find_spec", lambda name: None)
    with pytest.raises(DataError, match="install scikit-learn anew"):
        load("digits")


def test_names_and_available_agree_and_embedded_sets_are_always_present(folder: Path):
    rows = [row for row in available() if not row.is_form]
    assert [row.name for row in available() if row.is_form] == ["folder:PATH", "npz:PATH"]
    assert tuple(row.name for row in rows) == names() == tuple(EXPECTED)
    assert all(isinstance(row, DataSetInfo) and row.title and row.licence and row.credit for row in rows)
    assert [row.name for row in rows if row.embedded] == [row.name for row in rows if row.present]
    assert all(row.location.startswith(str(folder)) for row in rows if not row.embedded)


def test_available_sees_files_that_arrive(folder: Path):
    for name in MNIST.md5:
        assert not next(row for row in available() if row.name == "mnist").present
        MNIST.folder.mkdir(parents=True, exist_ok=True)
        (MNIST.folder / name).touch()
    (folder / "frey_rawface.mat").touch()
    rows = {row.name: row for row in available()}
    assert rows["mnist"].present
    assert rows["freyface"].present
    assert rows["freyface"].location == str(folder / "frey_rawface.mat")


def test_data_dir_is_the_variable_or_lies_beside_the_package(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VAE_DATA_DIR", "~/pictures")
    assert data_dir() == Path.home() / "pictures"
    for unset in (lambda: monkeypatch.setenv("VAE_DATA_DIR", ""), lambda: monkeypatch.delenv("VAE_DATA_DIR")):
        unset()
        assert data_dir() == Path(faces.__file__).parents[2] / "data"


@pytest.mark.parametrize("wrong", [("cifar", "train"), ("mnist", "validation")])
def test_unknown_name_or_split_names_the_known_ones(wrong: tuple[str, str]):
    with pytest.raises(DataError) as fault:
        load(*wrong)
    unknown, known = ("cifar", names()) if wrong[0] == "cifar" else ("validation", ("train", "test"))
    assert_helpful(fault, unknown, *known)


def test_importing_the_room_imports_no_heavy_library():
    program = (
        "import sys, vae.data; print([m for m in ('torch', 'torchvision', 'sklearn', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["mnist", "olivetti", "freyface"])
def test_a_data_folder_that_is_a_file_is_named(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch):
    not_a_folder = folder / "notes.txt"
    not_a_folder.touch()
    monkeypatch.setenv("VAE_DATA_DIR", str(not_a_folder))
    with pytest.raises(DataError) as fault:
        load(name)
    assert_helpful(fault, not_a_folder, "VAE_DATA_DIR")


@pytest.mark.parametrize("name", ["mnist", "olivetti"])
def test_a_folder_that_cannot_be_written_to_is_named(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)  # as root, no folder's own permissions would refuse
    with pytest.raises(DataError) as fault:
        load(name)
    assert_helpful(fault, folder, "cannot be written to (Permission denied)", "VAE_DATA_DIR")
