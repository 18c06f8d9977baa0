"""Frey Face and Olivetti: read from any of their files, never unpickled, and refused when altered."""

import hashlib
import os
import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.io
import sklearn.datasets
from faults import assert_helpful

from vae.data import faces, load
from vae.errors import DataError

pytestmark = pytest.mark.usefixtures("no_network")

RNG = np.random.default_rng(0)
FRAMES = RNG.integers(256, size=faces.FREYFACE_SHAPE, dtype=np.uint8)
PEOPLE = np.repeat(np.arange(40, dtype=np.uint8), 10)
PORTRAITS = RNG.integers(243, size=faces.OLIVETTI_SHAPE, dtype=np.uint8)


def freyface_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes the random FRAMES for the originals."""
    parts = {"test": FRAMES[::10], "train": np.delete(FRAMES, np.s_[::10], axis=0)}
    monkeypatch.setattr(faces, "FREYFACE_HASHES", {split: sha256(part) for split, part in parts.items()})


def sha256(images: np.ndarray, labels: np.ndarray | None = None) -> str:
    """What ImageSet.hash promises, for grey images (N, H, W)."""
    shape = repr((len(images), 1, *images.shape[1:])).encode()
    return hashlib.sha256(shape + images.tobytes() + (b"" if labels is None else labels.tobytes())).hexdigest()


@pytest.mark.parametrize("place", ["FreyFace/freyface.npz", "FreyFace/frey_rawface.mat", "frey_rawface.mat"])
def test_freyface_is_read_from_any_of_its_files(folder: Path, monkeypatch: pytest.MonkeyPatch, place: str):
    freyface_stand_in(monkeypatch)
    (folder / "FreyFace").mkdir()
    if place.endswith(".mat"):
        scipy.io.savemat(folder / place, {"ff": FRAMES.reshape(1965, 560).T})
    else:
        np.savez(folder / place, images=FRAMES)
    assert (load("freyface", "test").images[:, 0] == FRAMES[::10]).all()
    assert (load("freyface", "train").images[:9, 0] == FRAMES[1:10]).all()
    assert load("freyface").labels is None


class Trap:
    """Unpickled, it would make a file named `sprung`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return (Path.touch, (self.folder / "sprung",))


def objects(folder: Path) -> dict[str, np.ndarray]:
    return {"images": np.array([Trap(folder)], dtype=object)}


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        (lambda _: {"faces": FRAMES}, "images"),
        (lambda _: {"images": FRAMES[:100]}, "(100, 28, 20)"),
        (lambda _: {"images": FRAMES.astype(np.float32)}, "float32"),
        (lambda _: {"images": FRAMES ^ (np.arange(1965) == 1964)[:, None, None]}, "altered"),
        (objects, "damaged"),
    ],
    ids=["no such array", "too few", "dtype", "altered", "objects"],
)
def test_wrong_freyface_content_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch, arrays, said: str):
    freyface_stand_in(monkeypatch)
    path = folder / "FreyFace" / "freyface.npz"
    path.parent.mkdir()
    np.savez(path, **arrays(folder))
    with pytest.raises(DataError) as fault:
        load("freyface")
    assert_helpful(fault, path, said, "Put an original in its place")
    assert not (folder / "sprung").exists()


@pytest.mark.parametrize("file_name", ["freyface.npz", "frey_rawface.mat"])
@pytest.mark.parametrize("kind", ["truncated", "empty", "text", "pickle"])
def test_a_damaged_freyface_file_is_named(folder: Path, file_name: str, kind: str):
    path = folder / "FreyFace" / file_name
    path.parent.mkdir()
    if path.suffix == ".mat":
        scipy.io.savemat(path, {"ff": FRAMES.reshape(1965, 560).T}, do_compression=True)
    else:
        np.savez_compressed(path, images=FRAMES)
    whole = path.read_bytes()
    damaged = {
        "truncated": whole[: len(whole) // 2],
        "empty": b"",
        "text": b"hello " * 100,
        "pickle": pickle.dumps(Trap(folder)),
    }
    path.write_bytes(damaged[kind])
    with pytest.raises(DataError) as fault:
        load("freyface")
    assert_helpful(fault, path, "Put an original in its place")
    assert not (folder / "sprung").exists()


def test_missing_freyface_says_where_to_put_it(folder: Path):
    with pytest.raises(DataError) as fault:
        load("freyface")
    assert_helpful(fault, folder / "FreyFace", "freyface.npz", "frey_rawface.mat")


def olivetti_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes the random PORTRAITS for the originals."""
    is_test = np.tile(np.arange(10) >= 8, 40)
    parts = {"train": ~is_test, "test": is_test}
    hashes = {split: sha256(PORTRAITS[chosen], PEOPLE[chosen].astype("<i8")) for split, chosen in parts.items()}
    monkeypatch.setattr(faces, "OLIVETTI_HASHES", hashes)


def test_olivetti_is_fetched_once_and_kept_without_a_pickle(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    olivetti_stand_in(monkeypatch)
    fetches = []

    def fetch(data_home: str, **_: object) -> SimpleNamespace:
        fetches.append(data_home)
        print("downloading")
        (Path(data_home) / "olivetti_py3.pkz").touch()
        return SimpleNamespace(images=PORTRAITS.astype(np.float32) / 242, target=PEOPLE.astype(np.int64))

    monkeypatch.setattr(sklearn.datasets, "fetch_olivetti_faces", fetch)
    test, train = load("olivetti", "test"), load("olivetti", "train")
    assert test.labels is not None
    assert test.labels.tolist() == np.repeat(np.arange(40), 2).tolist()
    assert (test.images[:2, 0] == PORTRAITS[8:10]).all()
    assert (train.images[8:16, 0] == PORTRAITS[10:18]).all()
    assert len(fetches) == 1
    assert os.listdir(folder / "Olivetti") == ["olivetti.npz"]
    assert capfd.readouterr() == ("", "")


def test_olivetti_without_a_network_says_what_to_do(
    folder: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
):
    with pytest.raises(DataError) as fault:
        load("olivetti")
    assert_helpful(fault, "no network", "olivetti.npz", folder / "Olivetti")
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


@pytest.mark.parametrize(("altered", "bits"), [("images", 1), ("subject", 1), ("subject", 200)])
def test_altered_olivetti_is_noticed(folder: Path, monkeypatch: pytest.MonkeyPatch, altered: str, bits: int):
    olivetti_stand_in(monkeypatch)
    arrays = {"images": PORTRAITS.copy(), "subject": PEOPLE.copy()}
    arrays[altered][0] ^= bits
    path = folder / "Olivetti" / "olivetti.npz"
    path.parent.mkdir()
    np.savez(path, **arrays)
    with pytest.raises(DataError) as fault:
        load("olivetti")
    assert_helpful(fault, path, "altered", "Delete it and load again")
