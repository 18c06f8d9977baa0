"""Every set loads as the original or not at all, and each fault is one message that names the file and a remedy."""

import gzip
import hashlib
import os
import pickle
import socket
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import scipy.io
import sklearn.datasets

from vae.data import DataSetInfo, ImageSet, available, data_dir, faces, load, names
from vae.data.mnist import FASHION_MNIST, KMNIST, MNIST, MnistFamily
from vae.errors import DataError

EXPECTED = {  # images in train and test, (C, H, W), classes
    "digits": (1_437, 360, (1, 8, 8), 10),
    "shapes": (20_000, 4_000, (1, 32, 32), 3),
    "mnist": (60_000, 10_000, (1, 28, 28), 10),
    "fashion-mnist": (60_000, 10_000, (1, 28, 28), 10),
    "kmnist": (60_000, 10_000, (1, 28, 28), 10),
    "olivetti": (320, 80, (1, 64, 64), 40),
    "freyface": (1_768, 197, (1, 28, 20), 0),
}
IMAGE_FILE, LABEL_FILE = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
RNG = np.random.default_rng(0)
DIGITS = RNG.integers(256, size=(12, 28, 28), dtype=np.uint8)
DIGIT_LABELS = RNG.integers(10, size=12, dtype=np.uint8)
FRAMES = RNG.integers(256, size=faces.FREYFACE_SHAPE, dtype=np.uint8)
PEOPLE = np.repeat(np.arange(40, dtype=np.uint8), 10)
PORTRAITS = RNG.integers(243, size=faces.OLIVETTI_SHAPE, dtype=np.uint8)
PRESENT = [info.name for info in available() if info.present]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise URLError("no\nnetwork.")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder."""
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path))
    return tmp_path


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">HBB{array.ndim}i", 0, 8, array.ndim, *array.shape)
    return gzip.compress(header + array.tobytes(), mtime=0)


FILES = {IMAGE_FILE: idx(DIGITS), LABEL_FILE: idx(DIGIT_LABELS)}


@pytest.fixture
def tiny_mnist(folder: Path) -> MnistFamily:
    """A set of twelve images whose true MD5s are known, whole and in its place."""
    family = replace(MNIST, md5={name: hashlib.md5(content).hexdigest() for name, content in FILES.items()})
    family.folder.mkdir(parents=True)
    for name, content in FILES.items():
        (family.folder / name).write_bytes(content)
    return family


def load_test(family: MnistFamily) -> ImageSet:
    return family.load("mnist", "test", "none", "nobody")


def assert_helpful(fault: pytest.ExceptionInfo[DataError], *named: object) -> None:
    message = str(fault.value)
    assert "\n" not in message
    assert "Traceback" not in message
    assert message.endswith(".")
    for part in named:
        assert str(part) in message


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


# MNIST and its like


def test_mnist_files_are_read_as_torchvision_reads_them(tiny_mnist: MnistFamily, tmp_path: Path):
    from torchvision.datasets.mnist import read_image_file, read_label_file

    images = load_test(tiny_mnist)
    for name in FILES:
        (tmp_path / name).with_suffix("").write_bytes(gzip.decompress(FILES[name]))
    assert (images.images[:, 0] == read_image_file(str((tmp_path / IMAGE_FILE).with_suffix(""))).numpy()).all()
    assert (images.labels == read_label_file(str((tmp_path / LABEL_FILE).with_suffix(""))).numpy()).all()


@pytest.mark.parametrize("family", [MNIST, FASHION_MNIST, KMNIST])
def test_files_and_checksums_are_those_torchvision_knows(family: MnistFamily):
    from torchvision import datasets

    known = getattr(datasets, family.torchvision_class)
    assert family.md5 == dict(known.resources)
    assert [name.split(" ")[0] for name in known.classes] == [name.split(" ")[0] for name in family.class_names]


@pytest.mark.parametrize("damaged", [IMAGE_FILE, LABEL_FILE])
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
        lambda content: content + b"\0",
        lambda content: b"<html>not found</html>",
    ],
    ids=["truncated", "empty", "one bit", "longer", "a web page"],
)
def test_a_damaged_mnist_file_is_named_and_left_alone(tiny_mnist: MnistFamily, damaged: str, damage):
    path = tiny_mnist.folder / damaged
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError) as fault:
        load_test(tiny_mnist)
    assert_helpful(fault, path, "truncated or altered", tiny_mnist.md5[damaged], "Delete it and load again")
    assert path.exists()


def test_unpacked_files_beside_the_originals_are_not_trusted(tiny_mnist: MnistFamily):
    (tiny_mnist.folder / IMAGE_FILE).with_suffix("").write_bytes(b"altered")
    assert (load_test(tiny_mnist).images[:, 0] == DIGITS).all()


def test_a_missing_file_without_a_network_is_one_message_and_no_noise(
    tiny_mnist: MnistFamily, capfd: pytest.CaptureFixture[str]
):
    path = tiny_mnist.folder / LABEL_FILE
    path.unlink()
    with pytest.raises(DataError) as fault:
        load_test(tiny_mnist)
    assert_helpful(fault, LABEL_FILE, tiny_mnist.folder, "no network", "put")
    assert capfd.readouterr() == ("", "")
    assert [entry.name for entry in tiny_mnist.folder.iterdir()] == [IMAGE_FILE]


def test_a_missing_file_is_downloaded_checked_and_kept(
    tiny_mnist: MnistFamily, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    for name in FILES:
        (tiny_mnist.folder / name).unlink()
    asked = []

    def download(url: str, root: str, filename: str, md5: str) -> None:
        asked.append(url)
        print("100%")
        if len(asked) == 1:
            raise URLError("this mirror is asleep")
        assert md5 == tiny_mnist.md5[filename]
        (Path(root) / filename).write_bytes(FILES[filename])

    monkeypatch.setattr("torchvision.datasets.utils.download_url", download)
    assert (load_test(tiny_mnist).images[:, 0] == DIGITS).all()
    assert [url.rsplit("/", 1)[1] for url in asked] == [IMAGE_FILE, IMAGE_FILE, LABEL_FILE]
    assert load_test(tiny_mnist).hash
    assert len(asked) == 3
    assert sorted(entry.name for entry in tiny_mnist.folder.iterdir()) == sorted(FILES)
    assert capfd.readouterr() == ("", "")


def test_an_interrupted_download_leaves_no_half_a_file(tiny_mnist: MnistFamily, monkeypatch: pytest.MonkeyPatch):
    (tiny_mnist.folder / IMAGE_FILE).unlink()

    def interrupted(url: str, root: str, filename: str, md5: str) -> None:
        (Path(root) / filename).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("torchvision.datasets.utils.download_url", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load_test(tiny_mnist)
    assert [entry.name for entry in tiny_mnist.folder.iterdir()] == [LABEL_FILE]


def test_a_folder_in_place_of_a_file_is_named(tiny_mnist: MnistFamily):
    path = tiny_mnist.folder / IMAGE_FILE
    path.unlink()
    path.mkdir()
    with pytest.raises(DataError) as fault:
        load_test(tiny_mnist)
    assert_helpful(fault, path, "cannot be read", "VAE_DATA_DIR")


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


# Faces


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
