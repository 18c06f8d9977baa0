"""Two face sets, each one small file: Frey Face (one face in motion) and Olivetti (forty people)."""

import contextlib
import io
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae.data.folder import data_dir, one_line, read_bytes, writing_to
from vae.data.image_set import ImageSet
from vae.errors import DataError

FREYFACE_SHAPE = (1965, 28, 20)
OLIVETTI_SHAPE = (400, 64, 64)
_REPLACE = "Put an original in its place."
_RELOAD = "Delete it and load again."
_OLIVETTI_MAX = 242  # the brightest grey value of the set; scikit-learn divides by it

# ImageSet.hash of each split, measured on the originals: an altered file of the right size is noticed.
FREYFACE_HASHES = {
    "train": "741ce0e67010befaa8b965399af9164eedfb7f031c891a83d460d7a17901d6f9",
    "test": "05510ab157af3ef94ce6a0f879aba0a6a6cc0de35c7763a741a21b24be420c8e",
}
OLIVETTI_HASHES = {
    "train": "eda2371725bf16be8a91b9a3950309dbf1d548bc1e990879025a30c1af5947e1",
    "test": "77905ef24f1c13d3e9fc96a7d9825b614ea619c928a2ffa066d7e523fa9b3894",
}


def freyface_files() -> tuple[Path, ...]:
    """The places where Frey Face is looked for, in that order."""
    folder = data_dir() / "FreyFace"
    return folder / "freyface.npz", folder / "frey_rawface.mat", data_dir() / "frey_rawface.mat"


def load_freyface(name: str, split: str, licence: str, credit: str) -> ImageSet:
    """1,965 video frames of one face, 28 x 20 pixels, unlabelled; every tenth is kept for the test set (197).

    A frame resembles its neighbours, which train: figures on the test set are optimistic, and tell how well a model
    fills in between frames, not how it would do on a new recording.

    Raises:
        DataError: there is no file, it cannot be read, or it does not hold the original images.
    """
    path, frames = _freyface_frames()
    is_test = np.arange(len(frames)) % 10 == 0
    chosen = is_test if split == "test" else ~is_test
    faces = ImageSet(frames[chosen, np.newaxis], None, (), name, split, licence, credit)
    return _confirmed(faces, FREYFACE_HASHES[split], path, _REPLACE)


def _freyface_frames() -> tuple[Path, NDArray[np.uint8]]:
    for path in freyface_files():
        content = read_bytes(path)
        if content is None:
            continue
        if path.suffix == ".mat":
            columns = _arrays(path, content, ff=((28 * 20, 1965), np.uint8))["ff"]
            return path, columns.T.reshape(FREYFACE_SHAPE)
        return path, _arrays(path, content, images=(FREYFACE_SHAPE, np.uint8))["images"]
    raise DataError(
        f"Frey Face is not here, and cannot be downloaded. Put freyface.npz (images, uint8 {FREYFACE_SHAPE}) or the "
        f"original frey_rawface.mat into {data_dir() / 'FreyFace'}."
    )


def olivetti_file() -> Path:
    return data_dir() / "Olivetti" / "olivetti.npz"


def load_olivetti(name: str, split: str, licence: str, credit: str) -> ImageSet:
    """400 faces, 64 x 64 pixels, ten of each of 40 people; the last two of each are kept for the test set (80).

    Raises:
        DataError: the file is missing and cannot be downloaded, cannot be read, or does not hold the originals.
    """
    path = olivetti_file()
    content = read_bytes(path)
    if content is None:
        _download_olivetti(path)
        content = read_bytes(path) or b""
    arrays = _arrays(path, content, images=(OLIVETTI_SHAPE, np.uint8), subject=((400,), None))
    people = np.repeat(np.arange(40), 10)
    if not np.array_equal(arrays["subject"], people):
        raise _altered(path, _RELOAD)
    is_test = np.arange(len(people)) % 10 >= 8
    chosen = is_test if split == "test" else ~is_test
    class_names = tuple(f"person {person}" for person in range(40))
    faces = ImageSet(arrays["images"][chosen, np.newaxis], people[chosen], class_names, name, split, licence, credit)
    return _confirmed(faces, OLIVETTI_HASHES[split], path, _RELOAD)


def _download_olivetti(path: Path) -> None:
    """Fetch the set through scikit-learn and keep it as an npz.

    Scikit-learn's own copy is a pickle, which could run code when it is read: it goes with the scratch folder.
    """
    from sklearn.datasets import fetch_olivetti_faces

    with writing_to(path.parent), tempfile.TemporaryDirectory(dir=path.parent, prefix=".download-") as scratch:
        try:
            with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
                fetched: Any = fetch_olivetti_faces(data_home=scratch, n_retries=1, delay=0.1)
        except Exception as fault:  # the network, TLS, HTTP and scikit-learn each raise kinds of their own
            raise DataError(
                f"The Olivetti faces could not be downloaded ({one_line(fault)}). Connect to the network and load "
                f"again, or put olivetti.npz (images, uint8 {OLIVETTI_SHAPE}; subject, integers (400,)) "
                f"into {path.parent}."
            ) from fault
        images = np.rint(fetched.images * _OLIVETTI_MAX).astype(np.uint8)
        whole = Path(scratch) / path.name
        np.savez_compressed(whole, images=images, subject=fetched.target.astype(np.uint8))
        os.replace(whole, path)


def _arrays(path: Path, content: bytes, **expected: tuple[tuple[int, ...], type | None]) -> dict[str, NDArray[Any]]:
    """The named arrays of an .npz or .mat file, each of the shape and dtype expected (None: any integer)."""
    try:
        if path.suffix == ".mat":
            from scipy.io import loadmat

            found: Any = loadmat(io.BytesIO(content), variable_names=list(expected))
        else:
            found = np.load(io.BytesIO(content), allow_pickle=False)
        arrays = {key: np.asarray(found[key]) for key in expected}
    except KeyError as fault:
        raise DataError(f"{path} holds no array named {fault.args[0]!r}. {_REPLACE}") from fault
    except Exception as fault:  # numpy, scipy, zip and zlib raise a dozen kinds for a damaged file
        raise DataError(f"{path} is damaged and cannot be read ({one_line(fault)}). {_REPLACE}") from fault
    for key, (shape, dtype) in expected.items():
        array = arrays[key]
        fits = np.issubdtype(array.dtype, np.integer) if dtype is None else array.dtype == dtype
        if array.shape != shape or not fits:
            raise DataError(
                f"{path}: {key!r} must be {'integers' if dtype is None else np.dtype(dtype)} of shape {shape}, got "
                f"{array.dtype} of shape {array.shape}. {_REPLACE}"
            )
    return arrays


def _confirmed(faces: ImageSet, expected_hash: str, path: Path, remedy: str) -> ImageSet:
    if faces.hash != expected_hash:
        raise _altered(path, remedy)
    return faces


def _altered(path: Path, remedy: str) -> DataError:
    return DataError(f"{path} does not hold the original images: pixels or labels were altered. {remedy}")
