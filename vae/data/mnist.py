"""MNIST and the sets that share its format: four gzip files of IDX arrays each.

Torchvision downloads them, knows their mirrors and lays them out; the compressed files are read here, in memory.
Torchvision reads the unpacked ones, which it takes on trust: a file cut short or altered after unpacking would go
unnoticed, 55 MB a set would be written, and a read-only folder would not do.
"""

import contextlib
import gzip
import hashlib
import io
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vae.data.folder import data_dir, one_line, read_bytes, writing_to
from vae.data.image_set import ImageSet
from vae.errors import DataError


@dataclass(frozen=True)
class MnistFamily:
    """One set: torchvision's class for it, its class names, and its files by split (name and MD5)."""

    torchvision_class: str
    class_names: tuple[str, ...]
    md5: dict[str, str]

    @property
    def folder(self) -> Path:
        return data_dir() / self.torchvision_class / "raw"

    def present(self) -> bool:
        """Whether every file lies in the folder (not whether it is whole: that is seen when it is loaded)."""
        return all(os.path.isfile(self.folder / file_name) for file_name in self.md5)

    def load(self, name: str, split: str, licence: str, credit: str) -> ImageSet:
        """60,000 (train) or 10,000 (test) grey images of 28 x 28 pixels; files not in the folder are downloaded.

        Raises:
            DataError: a file is missing and cannot be downloaded, cannot be read, or is not the original.
        """
        prefix = {"train": "train", "test": "t10k"}[split]
        images = self._array(f"{prefix}-images-idx3-ubyte.gz")
        labels = self._array(f"{prefix}-labels-idx1-ubyte.gz").astype(np.int64)
        return ImageSet(images[:, np.newaxis], labels, self.class_names, name, split, licence, credit)

    def _array(self, file_name: str) -> NDArray[np.uint8]:
        path = self.folder / file_name
        compressed = read_bytes(path)
        if compressed is None:
            self._download(file_name)
            compressed = read_bytes(path) or b""
        found = hashlib.md5(compressed, usedforsecurity=False).hexdigest()
        if found != self.md5[file_name]:
            raise DataError(
                f"{path} is truncated or altered ({len(compressed):,} bytes, MD5 {found}; the original has "
                f"{self.md5[file_name]}). Delete it and load again."
            )
        return _parse_idx(gzip.decompress(compressed))

    def _download(self, file_name: str) -> None:
        from torchvision import datasets
        from torchvision.datasets.utils import download_url

        faults = []
        # Into a folder of its own, then moved: an interrupted download leaves no half a file under the final name.
        with writing_to(self.folder), tempfile.TemporaryDirectory(dir=self.folder, prefix=".download-") as scratch:
            for mirror in getattr(datasets, self.torchvision_class).mirrors:
                quiet = io.StringIO()
                try:
                    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
                        download_url(mirror + file_name, scratch, file_name, self.md5[file_name])
                except Exception as fault:  # the network, TLS, HTTP and torchvision each raise kinds of their own
                    faults.append(f"{mirror}: {one_line(fault)}")
                else:
                    os.replace(Path(scratch) / file_name, self.folder / file_name)
                    return
        raise DataError(
            f"{file_name} could not be downloaded ({'; '.join(faults)}). Connect to the network and load again, or put "
            f"{file_name} into {self.folder}."
        )


def _parse_idx(data: bytes) -> NDArray[np.uint8]:
    """An IDX array of bytes: two zeros, a type code, the number of axes, each length as a big-endian int32, values."""
    axes = data[3]
    lengths = np.frombuffer(data, ">i4", count=axes, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(lengths)


MNIST = MnistFamily(
    "MNIST",
    tuple("0123456789"),
    {
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
)
FASHION_MNIST = MnistFamily(
    "FashionMNIST",
    ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    {
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
)
KMNIST = MnistFamily(
    "KMNIST",
    ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    {
        "train-images-idx3-ubyte.gz": "bdb82020997e1d708af4cf47b453dcf7",
        "train-labels-idx1-ubyte.gz": "e144d726b3acfaa3e44228e80efcd344",
        "t10k-images-idx3-ubyte.gz": "5c965bf0a639b31b8f53240b1b52f4d7",
        "t10k-labels-idx1-ubyte.gz": "7320c461ea6c1c855c0b718fb2a4b134",
    },
)
