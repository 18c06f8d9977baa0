"""Bringing pictures to the training page, by Streamlit's test bench."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

import ui.visitor
import vae.library
from tests.serving import ROOT
from ui.train.form import OWN
from ui.train.own_images import contact_sheet
from vae.data import survey
from vae.jobs import list_runs
from vae.jobs.uploads import uploads_of
from vae.training.journal import read_config

ANN, BOB = "a" * 32, "b" * 32
PATIENCE = 120  # seconds; a busy machine may be slow


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(vae.library, "RUNS", tmp_path / "runs")
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path / "data"))
    visits(monkeypatch, ANN)
    return tmp_path


def visits(monkeypatch: pytest.MonkeyPatch, name: str | None) -> None:
    monkeypatch.setattr(ui.visitor, "visitor", lambda: name)


def opened() -> AppTest:
    app = AppTest.from_file(str(ROOT / "pages" / "train.py"), default_timeout=PATIENCE).run()
    return preset(app, OWN)


def preset(app: AppTest, name: str) -> AppTest:
    pills: Any = app.get_by_key("train-preset")
    return pills.set_value(name).run()


def with_settings(**settings: object) -> AppTest:
    """The page with settings that are no preset's: typed, or another run's."""
    app = AppTest.from_file(str(ROOT / "pages" / "train.py"), default_timeout=PATIENCE)
    app.session_state["train-cloned"] = settings
    return app.run()


def picture(level: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((20, 16, 3), (level, 255 - level, 30), np.uint8)).save(file, "PNG")
    return file.getvalue()


def pets() -> tuple[str, bytes, str]:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(24):
            archive.writestr(f"{('cat', 'dog ~')[number % 2]}/{number}.png", picture(number))
        archive.writestr("cat/broken.png", b"no")
    return "my $pets.zip", file.getvalue(), "application/zip"


def brought(app: AppTest, *files: tuple[str, bytes, str], name: str = "") -> AppTest:
    app.file_uploader[0].set_value(list(files))
    if name:
        next(widget for widget in app.text_input if widget.label == "Name of the set").set_value(name)
    return next(button for button in app.button if button.label == "Bring these").click().run()


def dataset_field(app: AppTest) -> Any:
    return next(widget for widget in app.selectbox if widget.label == "Data set")


def said(app: AppTest) -> str:
    return "\n".join(block.value for block in [*app.markdown, *app.caption, *app.error])


def test_before_there_are_pictures_the_form_asks_for_them() -> None:
    app = opened()
    assert not app.exception
    assert "Bring some pictures" in said(app)
    assert not [button for button in app.button if button.label == "Play"]


def test_a_zip_is_brought_understood_and_trained_on(home: Path) -> None:
    app = brought(opened(), pets())
    assert not app.exception
    [upload] = uploads_of(ANN)
    assert upload.name == "my pets"
    found = survey(upload.folder)
    assert f"24 pictures, {len(found.test)} of them kept for the test · 16 x 20, colour" in said(app)
    assert r"2 classes: cat, dog \~" in said(app)
    assert "broken" in said(app)
    assert dataset_field(app).value == upload.dataset
    assert "my pets (yours)" in dataset_field(app).options
    assert "--dataset 'folder:my pets'" in app.code[0].value
    assert str(home) not in said(app) + app.code[0].value
    next(widget for widget in app.number_input if widget.label == "Image size").set_value(8)
    app = app.run()
    assert "8 x 8" in said(app)
    app = next(button for button in app.button if button.label == "Play").click().run()
    assert not app.exception
    [run] = list_runs(vae.library.RUNS)
    assert (read_config(run.folder).dataset, read_config(run.folder).image_size) == (upload.dataset, 8)


def test_pictures_are_brought_under_a_name_and_deleted() -> None:
    files = [(f"{level}.png", picture(level), "image/png") for level in range(5)]
    app = brought(opened(), *files, name="Two words")
    [upload] = uploads_of(ANN)
    assert upload.name == "Two words"
    assert "no classes" in said(app)
    app = next(button for button in app.button if button.label == "Delete these pictures").click().run()
    assert not app.exception
    assert uploads_of(ANN) == []
    assert "Bring some pictures" in said(app)


def test_what_is_no_set_is_told_and_what_was_there_stays() -> None:
    brought(opened(), pets())
    app = brought(opened(), ("bad.zip", b"no zip", "application/zip"))
    assert not app.exception
    assert "cannot be unpacked" in app.error[0].value
    assert [upload.name for upload in uploads_of(ANN)] == ["my pets"]
    assert "24 pictures" in said(app)
    app = brought(app)
    assert "Choose several pictures" in app.error[0].value


def test_another_visitor_sees_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    brought(opened(), pets())
    [upload] = uploads_of(ANN)
    for name in (BOB, None):
        visits(monkeypatch, name)
        app = opened()
        assert "my pets" not in said(app)
        app = preset(app, "Digits, in a minute")
        assert not [option for option in dataset_field(app).options if "pets" in option]
        app = with_settings(dataset=upload.dataset)
        assert not app.exception
        assert "VAE_JOBS_ANY_FOLDER=1" in app.error[0].value
        assert not [button for button in app.button if button.label == "Play"]


@pytest.mark.parametrize("dataset", ["folder:/etc", "npz:/etc/passwd", "folder:~", "folder:"])
def test_no_other_place_is_read_by_typing_it(dataset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = with_settings(dataset=dataset)
    assert not app.exception
    assert "cannot be trained here" in app.error[0].value
    monkeypatch.setenv("VAE_JOBS_ANY_FOLDER", "1")
    app = app.run()
    assert not app.exception
    assert not [block for block in app.error if "VAE_JOBS_ANY_FOLDER" in block.value]


def test_the_contact_sheet_shows_pictures_as_they_are_trained_on(tmp_path: Path) -> None:
    for level in range(30):
        (tmp_path / f"{level:02}.png").write_bytes(picture(8 * level))
    found = survey(tmp_path, 16)
    sheet = np.asarray(Image.open(io.BytesIO(contact_sheet(found))))
    shown = [*found.train, *found.test]
    for number, member in enumerate(shown):
        row, column = divmod(number, 12)
        assert sheet[row * 68 + 30, column * 68 + 30, 0] == 8 * int(Path(member.name).stem)
