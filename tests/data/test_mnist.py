"""MNIST and its like: the files, whole or refused by name, and fetched when they are missing."""

import gzip
import hashlib
import struct
from dataclasses import replace
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from faults import assert_helpful

from vae.data import ImageSet
from vae.data.mnist import FASHION_MNIST, KMNIST, MNIST, MnistFamily
from vae.errors import DataError

pytestmark = pytest.mark.usefixtures("no_network")

IMAGE_FILE, LABEL_FILE = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
RNG = np.random.default_rng(0)
DIGITS = RNG.integers(256, size=(12, 28, 28), dtype=np.uint8)
DIGIT_LABELS = RNG.integers(10, size=12, dtype=np.uint8)


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
