"""Folders of pictures as sets: what counts, which class, which split, which size. Pillow reads them beside us."""

import logging
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_pictures import noise, save, save_many
from PIL import Image

from vae.data import data_dir, load, picture_folder, plain_name, sizes_of_own, survey
from vae.data.own import lasting_name, path_of
from vae.errors import ConfigError, DataError

AWKWARD = ["with space", "a,b", "~home", "grün", "日本", "quote'\"", "$HOME", "#1", "[x]", "%20", "-dash", "🙂"]


def both(root: Path, image_size: int | None = None):
    return load(f"folder:{root}", "train", image_size), load(f"folder:{root}", "test", image_size)


def test_a_sub_folder_is_a_class(tmp_path: Path) -> None:
    save_many(tmp_path, "dog", "cat/close", "cat/far", count=20)
    train, test = both(tmp_path)
    assert train.class_names == test.class_names == ("cat", "dog")
    assert (train.licence, train.credit) == ("your own", "your own images")
    assert len(train) + len(test) == 60
    found = survey(tmp_path)
    for images in (train, test):
        assert images.labels is not None
        for pixels, label, member in zip(images.images, images.labels, found.members(images.split), strict=True):
            assert np.array_equal(np.moveaxis(pixels, 0, 2), np.asarray(Image.open(tmp_path / member.name)))
            assert images.class_names[label] == member.name.split("/")[0]


def test_without_sub_folders_there_are_no_labels(tmp_path: Path) -> None:
    save_many(tmp_path)
    train, test = both(tmp_path)
    assert train.labels is None
    assert test.class_names == ()


def test_train_and_test_on_top_are_the_split(tmp_path: Path) -> None:
    save_many(tmp_path, "train/a", "train/b", count=3)
    save_many(tmp_path, "test/b", "val/c", count=2)
    train, test = both(tmp_path)
    assert (len(train), len(test)) == (6, 2)
    assert train.class_names == ("a", "b")
    assert test.labels is not None
    assert test.labels.tolist() == [1, 1]
    save_many(tmp_path / "test", count=1)  # beside the classes
    assert survey(tmp_path).ignored == 3


def test_classes_of_one_split_alone_are_none(tmp_path: Path) -> None:
    save_many(tmp_path, "train/a", "train/b", "test", count=3)
    train, test = both(tmp_path)
    assert (len(train), len(test), train.labels, test.labels) == (6, 3, None, None)


@settings(max_examples=30)
@given(
    st.lists(
        st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=40)
        .filter(lambda name: not name.startswith(".") and len(name.encode()) < 200)
        .map(lambda name: name + ".png"),
        min_size=2,
        max_size=12,
        unique=True,
    ),
    st.sampled_from(AWKWARD),
)
def test_any_name_is_read_and_the_split_stays_when_others_come(names: list[str], folder: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / folder
        for name in names:
            save(root / name)
        first = survey(root)
        assert {member.name for member in (*first.train, *first.test)} == set(names)
        assert first.train
        assert first.test
        assert len(load(f"folder:{root}")) == len(first.train)
        save_many(root, count=30)
        later = survey(root)
        held_back = {member.name for member in later.test} & set(names)
        assert held_back == {name for name in names if picture_folder._hash_of(name) % 10 == 0}
        if 0 < len(held_back) < len(names):
            assert held_back == {member.name for member in first.test}


def test_a_name_that_is_no_text_is_shown_as_one(tmp_path: Path) -> None:
    folder = os.path.join(os.fsencode(tmp_path), b"caf\xe9")
    save_many(Path(os.fsdecode(folder)), count=3)
    assert load(f"folder:{tmp_path}").class_names == ("caf?",)


def test_one_in_ten_is_kept_for_the_test_and_never_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_many(tmp_path, count=400, side=8)
    found = survey(tmp_path)
    assert 20 <= len(found.test) <= 60
    monkeypatch.setattr(picture_folder, "MOST_TEST_IMAGES", 5)
    picture_folder._survey.cache_clear()
    fewer = survey(tmp_path)
    picture_folder._survey.cache_clear()
    assert len(fewer.test) == 5
    assert set(fewer.test) < set(found.test)
    assert fewer.train == found.train


@pytest.mark.parametrize(
    ("sizes", "asked", "becomes"),
    [
        ([(30, 20)], None, (20, 30)),
        ([(64, 64)], None, (64, 64)),
        ([(65, 20)], None, (64, 64)),
        ([(30, 20), (20, 30)], None, (64, 64)),
        ([(30, 20)], 16, (16, 16)),
        ([(30, 20)], 128, (128, 128)),
    ],
)
def test_the_size_is_shared_or_asked_for_or_64(
    tmp_path: Path, sizes: list[tuple[int, int]], asked: int | None, becomes: tuple[int, int]
) -> None:
    for number in range(6):
        width, height = sizes[number % len(sizes)]
        save(tmp_path / f"{number}.png", noise(height, width))
    train, test = both(tmp_path, asked)
    assert train.shape[1:] == test.shape[1:] == becomes
    assert sizes_of_own(f"folder:{tmp_path}", asked) == (len(train), len(test), train.shape)


def test_grey_only_when_all_are_whatever_the_files_say(tmp_path: Path) -> None:
    save_many(tmp_path, count=5, channels=1)
    save(tmp_path / "as-colour.png", np.repeat(noise(channels=1)[..., None], 3, axis=2))
    save(tmp_path / "as-colour.jpg", np.repeat(noise(channels=1)[..., None], 3, axis=2))
    assert load(f"folder:{tmp_path}").shape == (1, 12, 12)
    save(tmp_path / "colour.png")
    assert load(f"folder:{tmp_path}").shape == (3, 12, 12)


def test_what_is_hidden_or_no_picture_is_ignored_and_counted(tmp_path: Path) -> None:
    save_many(tmp_path, "a", "b", count=5)
    save_many(tmp_path, ".hidden", "__MACOSX", count=2)
    save(tmp_path / "a" / "._1.png")
    save(tmp_path / "beside.png")
    (tmp_path / "a" / "notes.txt").write_text("notes")
    (tmp_path / "loop").symlink_to(tmp_path)
    found = survey(tmp_path)
    assert len(found.train) + len(found.test) == 10
    assert (found.class_names, found.ignored) == (("a", "b"), 3)


def test_a_few_broken_pictures_are_left_out_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    save_many(tmp_path, "a", count=30)
    (tmp_path / "a" / "empty.png").touch()
    whole = next(member.name for member in survey(tmp_path).train)
    content = (tmp_path / whole).read_bytes()
    (tmp_path / whole).write_bytes(content[: len(content) // 2])  # sound by its header
    with caplog.at_level(logging.WARNING):
        train, test = both(tmp_path)
    assert len(train) + len(test) == 29
    assert train.labels is not None
    assert len(train.labels) == len(train)
    assert "Left out" in caplog.text
    assert "empty.png" in caplog.text


@pytest.mark.parametrize("sound", [0, 5])
def test_too_many_broken_pictures_are_named(tmp_path: Path, sound: int) -> None:
    if sound:
        save_many(tmp_path, count=sound)
    for number in range(6):
        (tmp_path / f"broken-{number}.png").write_bytes(b"no")
    with pytest.raises(DataError, match=rf"6 of {6 + sound} pictures in .*broken-0\.png: it is no picture"):
        load(f"folder:{tmp_path}")


def test_too_little_is_said_with_what_to_do(tmp_path: Path) -> None:
    for wrong, said in (
        (f"folder:{tmp_path / 'nothing'}", "There is no folder"),
        (f"folder:{tmp_path}", "holds no pictures"),
        ("folder:", "names no path"),
        ("folder:a\0b", "names no path"),
        (f"folder:{'x' * 5000}", "There is no folder"),
    ):
        with pytest.raises(DataError, match=said) as fault:
            load(wrong)
        assert str(fault.value).endswith(".")
    save(tmp_path / "one.png")
    with pytest.raises(DataError, match=r"holds 1 picture to split\. Put two or more"):
        load(f"folder:{tmp_path}")
    save(tmp_path / "two.png")
    assert list(map(len, both(tmp_path))) == [1, 1]


def test_a_changed_picture_is_seen(tmp_path: Path) -> None:
    save_many(tmp_path, count=5)
    first = load(f"folder:{tmp_path}")
    save(tmp_path / survey(tmp_path).train[0].name, noise())
    assert not np.array_equal(load(f"folder:{tmp_path}").images, first.images)
    save(tmp_path / "another.png", noise(40, 40))
    assert load(f"folder:{tmp_path}").shape == (3, 64, 64)


def test_only_folders_have_an_image_size() -> None:
    for name in ("digits", "npz:a.npz"):
        with pytest.raises(ConfigError, match="image_size = 16 is for folder: sets"):
            load(name, "train", 16)


@pytest.mark.parametrize("folder", AWKWARD)
def test_names_keep_their_place_and_show_no_path(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_many(tmp_path / folder, count=3)
    monkeypatch.chdir(tmp_path)
    lasting = lasting_name(f"folder:./{folder}")
    assert lasting == f"folder:{tmp_path / folder}"
    monkeypatch.chdir("/")
    assert load(lasting).name == plain_name(lasting) == f"folder:{folder}"
    assert lasting_name("mnist") == plain_name("mnist") == "mnist"


def test_the_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert path_of("folder:~/a") == path_of("npz:a") == tmp_path / "a"
    assert path_of("folder:~") == tmp_path
    assert path_of("folder:~a") == tmp_path / "~a"
    assert data_dir().is_absolute()
