"""What a visitor brings is kept whole or not at all, inside their own folder, and read by nobody else."""

import io
import os
import re
import stat
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import make_run, small
from PIL import Image

from vae.data import load, survey
from vae.errors import ConfigError, DataError, RunError, VaeError
from vae.jobs import JobSettings, enqueue, uploads
from vae.jobs.limits import check_dataset
from vae.jobs.uploads import Upload, bring, delete_upload, is_upload_of, uploads_of
from vae.lock import locked
from vae.training.journal import read_config

ANN, BOB = "a" * 32, "b" * 32
HOST = JobSettings()
RNG = np.random.default_rng(11)


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def picture(side: int = 12) -> bytes:
    file = io.BytesIO()
    Image.fromarray(RNG.integers(256, size=(side, side, 3), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def pictures(count: int = 4) -> list[tuple[str, BinaryIO]]:
    return [(f"{number}.png", io.BytesIO(picture())) for number in range(count)]


def zipped(entries: dict[str, bytes], name: str = "my pets.zip", **options: Any) -> list[tuple[str, BinaryIO]]:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for entry, content in entries.items():
            archive.writestr(entry, content)
    return [(name, io.BytesIO(file.getvalue()))]


def files_below(folder: Path) -> dict[str, bytes]:
    """All but the lock, which is empty."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != uploads.LOCK
    }


def test_several_pictures_become_a_set(data_folder: Path) -> None:
    files = pictures()
    upload, found, left_out = bring("", files, ANN, HOST)
    assert upload == Upload("my images", upload.folder)
    assert upload.folder.is_relative_to(data_folder / "uploads")
    assert ANN not in str(upload.folder)  # it is a secret
    assert (len(found.train) + len(found.test), left_out.sentences()) == (4, [])
    for name, file in files:
        file.seek(0)
        assert (upload.folder / name).read_bytes() == file.read()
    assert len(load(upload.dataset)) == len(found.train)
    assert uploads_of(ANN) == [upload]


def test_a_zip_becomes_a_set_with_its_classes() -> None:
    entries = {f"pets/2026/{kind}/{number}.png": picture() for kind in ("cat, é", "~dog") for number in range(5)}
    odd = {
        "__MACOSX/pets/._1.png": b"x",
        "pets/.DS_Store": b"x",
        "pets/notes.txt": b"x",
        "pets/2026/cat, é/b.png": b"no",
    }
    upload, found, left_out = bring("", zipped(entries | odd), ANN, HOST)
    assert upload.name == "my pets"
    assert found.class_names == ("cat, é", "~dog")
    assert sorted(files_below(upload.folder)) == sorted(name.removeprefix("pets/2026/") for name in entries)
    assert sorted(map(len, left_out.reasons.values())) == [1, 1, 2]
    assert any("known format" in sentence and "b.png" in sentence for sentence in left_out.sentences())


def test_a_zip_with_a_split_keeps_it() -> None:
    sizes = {"train/a": 3, "train/b": 3, "test/a": 2, "test/b": 2}
    entries = {f"{folder}/{n}.png": picture() for folder, count in sizes.items() for n in range(count)}
    _, found, _ = bring("", zipped(entries), ANN, HOST)
    assert (len(found.train), len(found.test), found.class_names) == (6, 4, ("a", "b"))


@pytest.mark.parametrize(
    "name", ["../evil.png", "a/../../evil.png", "/evil.png", "C:/evil.png", "..\\evil.png", "\\evil.png", "c:evil.png"]
)
def test_no_path_leads_out(name: str, data_folder: Path) -> None:
    with pytest.raises(DataError, match="names a path outside of itself"):
        bring("", zipped({"a.png": picture(), "b.png": picture(), name: picture()}), ANN, HOST)
    assert files_below(data_folder.parent) == {}


def test_a_link_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(picture())
    files = zipped({"a.png": picture(), "b.png": picture()})
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(files[0][1], "a") as archive:
        archive.writestr(link, str(tmp_path / "secret.png"))
    upload, _, left_out = bring("", files, ANN, HOST)
    assert sorted(files_below(upload.folder)) == ["a.png", "b.png"]
    assert left_out.sentences() == ["1 links, no files: link.png"]


PARTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=30)


@settings(max_examples=60)
@given(
    names=st.lists(st.lists(PARTS, min_size=1, max_size=4).map("/".join).map(lambda name: name + ".png"), max_size=6),
    long=st.integers(1, 300),
)
def test_whatever_names_a_zip_has_nothing_lies_outside(
    names: list[str], long: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    files = zipped({"a/one.png": PIXELS, f"b/{'x' * long}.png": PIXELS} | dict.fromkeys(names, PIXELS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_DATA_DIR", str(home / "data"))
        try:
            upload, _, left_out = bring("", files, ANN, HOST)
        except DataError:
            assert any(".." in name or re.match(r"[/\\]|[A-Za-z]:", name) for name in names)
            assert files_below(home) == {}
            return
        kept = files_below(upload.folder)
    assert all(path.startswith("data/uploads/") and f"/{upload.name}/" in path for path in files_below(home))
    assert set(kept.values()) == {PIXELS}
    assert len(kept) + sum(map(len, left_out.reasons.values())) == len(zipfile.ZipFile(files[0][1]).namelist())


PIXELS = picture()


@given(st.data())
def test_a_damaged_zip_is_refused_or_read(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(zipped({"a/1.png": PIXELS, "a/2.png": PIXELS, "b/3.png": PIXELS})[0][1].read())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=5)):
        content[place] ^= data.draw(st.integers(1, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_DATA_DIR", str(home))
        try:
            upload, _, _ = bring("", [("a.zip", io.BytesIO(content))], ANN, HOST)
            assert len(files_below(upload.folder)) >= 2
        except DataError:
            assert files_below(home) == {}


def test_a_zip_with_a_password_is_refused_with_what_to_do() -> None:
    files = zipped({"a.png": picture(), "b.png": picture()})
    content = bytearray(files[0][1].read())
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):  # the flag of encryption, by the format's own description
        place = content.find(mark)
        content[place + offset] |= 1
    with pytest.raises(DataError, match="password"):
        bring("", [("a.zip", io.BytesIO(content))], ANN, HOST)


def test_nothing_swells_beyond_what_is_allowed(data_folder: Path) -> None:
    first, _, _ = bring("first", pictures(), ANN, HOST)
    before = files_below(data_folder)
    size = sum(map(len, before.values()))
    bomb = {"a.png": picture(), "b.png": picture(), "bomb.png": b"\0" * 30_000_000}
    tight = JobSettings(most_upload_bytes=size + 10_000)
    with pytest.raises(DataError, match="more room than there is"):
        bring("", zipped(bomb), ANN, tight)
    with pytest.raises(DataError, match="more pictures in it than are kept"):
        bring("", pictures(5), ANN, JobSettings(most_pictures=4))
    with pytest.raises(DataError, match="31 entries, which are too many"):
        bring("", zipped({f"{n}.txt": b"" for n in range(31)}), ANN, JobSettings(most_pictures=3))
    assert files_below(data_folder) == before
    assert uploads_of(ANN) == [first]
    bring("", pictures(), BOB, tight)  # each visitor has their own room


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "nothing to keep"),
        ([("a.png", io.BytesIO(b"no"))], "What you chose holds no pictures"),
        ([("a.txt", io.BytesIO(b"no"))], "What you chose holds no pictures"),
        ([("a.zip", io.BytesIO(b"no"))], "cannot be unpacked"),
        ([*zipped({"a.png": PIXELS}), ("b.png", io.BytesIO(PIXELS))], "either several pictures or a single .zip"),
        (pictures(1), "holds 1 picture to split"),
        (zipped({}), "holds no pictures"),
    ],
)
def test_what_is_no_set_leaves_nothing(files: list[tuple[str, BinaryIO]], said: str, data_folder: Path) -> None:
    with pytest.raises(DataError, match=said):
        bring("", files, ANN, HOST)
    assert files_below(data_folder) == {}
    assert uploads_of(ANN) == []
    assert not [path for path in data_folder.rglob("*") if path.name.startswith(uploads.MAKING)]


def test_a_disk_that_fails_half_way_leaves_what_was_there(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bring("first", pictures(), ANN, HOST)
    before = files_below(data_folder)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="No space"):
        bring("second", pictures(), ANN, HOST)
    assert files_below(data_folder) == before


def test_a_name_is_made_fit_and_never_takes_another_s_place() -> None:
    names = [
        bring(name, pictures(), ANN, HOST)[0].name for name in ("pets", "pets", "../pets", "...", "a/b\\c\n", "é" * 90)
    ]
    assert names == ["pets", "pets 2", "pets 3", "my images", "a b c", "é" * 60]


def test_two_pictures_of_one_name_are_both_kept() -> None:
    upload, _, _ = bring("", [("a.png", io.BytesIO(picture())) for _ in range(3)], ANN, HOST)
    assert sorted(files_below(upload.folder)) == ["a-2.png", "a-3.png", "a.png"]


def test_who_has_no_name_is_told(data_folder: Path) -> None:
    with pytest.raises(DataError, match="keeps no cookies"):
        bring("", pictures(), None, HOST)
    assert uploads_of(None) == []
    assert not data_folder.exists()


def test_two_at_once_are_one_after_the_other(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upload, _, _ = bring("", pictures(), ANN, HOST)
    monkeypatch.setattr(uploads, "locked", lambda path: locked(path, patience=0))
    with locked(upload.folder.parent / uploads.LOCK), pytest.raises(DataError, match="wait for their end"):
        bring("", pictures(), ANN, HOST)
    bring("", pictures(), BOB, HOST)


def test_what_a_killed_process_left_is_swept_up(data_folder: Path) -> None:
    upload, _, _ = bring("", pictures(), ANN, HOST)
    for name, age in (("old", 2 * uploads.FORGOTTEN), ("new", 0)):
        left = upload.folder.parent / f"{uploads.MAKING}{name}"
        left.mkdir()
        when = left.stat().st_mtime - age
        os.utime(left, (when, when))
    assert uploads_of(ANN) == [upload]
    bring("", pictures(), ANN, HOST)
    assert [path.name for path in upload.folder.parent.glob(f"{uploads.MAKING}*")] == [f"{uploads.MAKING}new"]


def test_a_set_is_deleted_unless_a_run_needs_it(tmp_path: Path) -> None:
    upload, _, _ = bring("", pictures(), ANN, HOST)
    other, _, _ = bring("", pictures(), ANN, HOST)
    run = make_run(tmp_path / "runs", "waiting", config=small(dataset=upload.dataset), owner=ANN)
    with pytest.raises(RunError, match="waiting trains on my images"):
        delete_upload(upload, tmp_path / "runs")
    assert uploads_of(ANN) == [upload, other]
    (run / "state.json").unlink()
    (run / "config.json").unlink()
    delete_upload(upload, tmp_path / "runs")
    delete_upload(upload, tmp_path / "runs")  # another tab
    assert uploads_of(ANN) == [other]


# --- who may read what


def test_only_a_visitor_s_own_upload_is_theirs(data_folder: Path) -> None:
    upload, _, _ = bring("", pictures(), ANN, HOST)
    assert is_upload_of(upload.dataset, ANN)
    for dataset in (
        f"folder:{upload.folder.parent}",
        f"{upload.dataset}/..",
        f"{upload.dataset}/../..",
        f"folder:{upload.folder / 'sub'}",
        f"npz:{upload.folder}",
        f"folder:{upload.folder.parent}/{uploads.LOCK}",
        f"folder:{upload.folder}x",
        f"folder:{'x' * 5000}",
        "folder:",
        "folder:/etc",
        "mnist",
    ):
        assert not is_upload_of(dataset, ANN)
    for stranger in (BOB, None):
        assert not is_upload_of(upload.dataset, stranger)


@pytest.mark.parametrize("dataset", ["folder:/etc", "npz:/etc/passwd", "folder:~", "npz:a.npz", "folder:"])
@pytest.mark.parametrize("owner", [ANN, None])
def test_a_page_reads_no_other_place(dataset: str, owner: str | None, tmp_path: Path) -> None:
    with pytest.raises(VaeError) as refused:
        enqueue(small(dataset=dataset), tmp_path / "runs", owner)
    if dataset != "folder:":
        assert "VAE_JOBS_ANY_FOLDER=1" in str(refused.value)
        assert "python -m vae train" in str(refused.value)
        assert "/etc" not in str(refused.value)
    assert not (tmp_path / "runs").exists()


def test_an_own_upload_is_queued_and_a_stranger_s_is_not(tmp_path: Path) -> None:
    upload, _, _ = bring("My Pets", pictures(), ANN, HOST)
    config = small(dataset=upload.dataset)
    id = enqueue(config, tmp_path / "runs", ANN)
    assert id.startswith("folder-my-pets-vae-2d-")
    assert read_config(tmp_path / "runs" / id) == config
    with pytest.raises(ConfigError, match="from which a page does not read"):
        enqueue(config, tmp_path / "runs", BOB)


def test_a_host_may_allow_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upload, _, _ = bring("", pictures(), ANN, HOST)
    monkeypatch.setenv("VAE_JOBS_ANY_FOLDER", "1")
    check_dataset("folder:/etc", None, JobSettings.from_environment())
    monkeypatch.chdir(upload.folder.parent)
    id = enqueue(small(dataset="folder:my images"), tmp_path / "runs")
    assert read_config(tmp_path / "runs" / id).dataset == upload.dataset  # found from any working directory


def test_the_survey_of_an_upload_is_that_of_its_folder() -> None:
    upload, found, _ = bring("", pictures(6), ANN, HOST)
    assert found == survey(upload.folder)
