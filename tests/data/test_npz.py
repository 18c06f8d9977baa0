"""Files of arrays as sets: every layout and number format that is taken, and those that are refused."""

import pickle
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae.data import load, sizes_of_own
from vae.errors import DataError

RNG = np.random.default_rng(3)
PIXELS = RNG.integers(256, size=(25, 9, 11, 3), dtype=np.uint8)
GREY = PIXELS[..., 0]
LABELS = np.arange(25) % 3


def saved(folder: Path, **arrays: Any) -> str:
    np.savez(folder / "a.npz", **arrays)
    return f"npz:{folder / 'a.npz'}"


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (GREY, GREY[:, None]),
        (GREY[..., None], GREY[:, None]),
        (GREY[:, None], GREY[:, None]),
        (PIXELS, PIXELS.transpose(0, 3, 1, 2)),
        (PIXELS.transpose(0, 3, 1, 2), PIXELS.transpose(0, 3, 1, 2)),
    ],
    ids=["NHW", "NHW1", "N1HW", "NHW3", "N3HW"],
)
@pytest.mark.parametrize("form", ["uint8", "0..1", "0..255", "int64", "compressed"])
def test_layouts_and_numbers_come_to_the_same(
    tmp_path: Path, stored: np.ndarray, expected: np.ndarray, form: str
) -> None:
    kinds = {"0..1": stored / np.float32(255), "0..255": stored.astype(np.float64), "int64": stored.astype(np.int64)}
    name = saved(tmp_path, images=kinds.get(form, stored))
    if form == "compressed":
        np.savez_compressed(tmp_path / "a.npz", images=stored)
    train, test = load(name, "train"), load(name, "test")
    assert np.array_equal(test.images, expected[::10])
    assert np.array_equal(train.images, np.delete(expected, slice(None, None, 10), axis=0))
    assert sizes_of_own(name, None) == (len(train), len(test), train.shape)
    assert (train.name, train.labels) == ("npz:a.npz", None)


def test_labels_with_and_without_names(tmp_path: Path) -> None:
    named = load(saved(tmp_path, images=GREY, labels=LABELS.astype(np.uint8), class_names=["a", "b", "c"]), "test")
    assert (named.class_names, named.labels is not None and named.labels.tolist()) == (("a", "b", "c"), [0, 1, 2])
    numbers = load(saved(tmp_path, images=GREY, labels=LABELS * 5 - 5))
    assert numbers.class_names == ("-5", "0", "5")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"pixels": GREY}, "holds no array named 'images'; it has pixels"),
        ({"images": GREY[0]}, "images have the shape (9, 11)"),
        ({"images": PIXELS[..., :2]}, "images have the shape (25, 9, 11, 2)"),
        ({"images": GREY - 1000.0}, "images run from -1000 to"),
        ({"images": GREY * np.nan}, "images run from nan"),
        ({"images": GREY.astype(complex)}, "images are of type complex128"),
        ({"images": GREY.astype(str)}, "images are of type <U"),
        ({"images": GREY[:1]}, "holds 1 images"),
        ({"images": GREY[:0]}, "holds 0 images"),
        ({"images": GREY, "labels": LABELS[1:]}, "labels must be integers of shape (25,)"),
        ({"images": GREY, "labels": LABELS / 2}, "labels must be integers"),
        ({"images": GREY, "labels": LABELS, "class_names": ["a"]}, "labels run from 0 to 2, but there are 1"),
    ],
)
def test_what_is_no_set_is_told(tmp_path: Path, arrays: dict[str, Any], said: str) -> None:
    name = saved(tmp_path, **arrays)
    with pytest.raises(DataError) as fault:
        load(name)
    assert said in str(fault.value)


class Trap:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("trapped"),))


def test_nothing_is_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = saved(tmp_path, images=np.array([Trap()] * 3, dtype=object))
    with pytest.raises(DataError, match="'images' cannot be read"):
        load(name)
    (tmp_path / "a.npz").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(DataError, match=r"cannot be read as an \.npz file"):
        load(name)
    assert not (tmp_path / "trapped").exists()


@given(st.data())
def test_damage_is_told_or_does_no_harm(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    name = saved(folder, images=GREY, labels=LABELS)
    content = bytearray((folder / "a.npz").read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=5)):
        content[place] ^= data.draw(st.integers(1, 255))
    (folder / "a.npz").write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with suppress(DataError):  # and nothing else
        sizes_of_own(name, None)
    with suppress(DataError):
        assert load(name).images.dtype == np.uint8


def test_other_files_are_told_apart(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", GREY)
    with pytest.raises(DataError, match="single array without a name"):
        load(f"npz:{tmp_path / 'a.npy'}")
    with pytest.raises(DataError, match="There is no file"):
        load(f"npz:{tmp_path / 'nothing.npz'}")
    with pytest.raises(DataError, match="cannot be read"):
        load(f"npz:{tmp_path}")
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("images.npy", b"no array")
    with pytest.raises(DataError, match="'images' cannot be read"):
        load(f"npz:{tmp_path / 'b.npz'}")
