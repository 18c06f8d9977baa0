"""Which epoch of a run the explorer opens on, by Streamlit's test bench."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import vae.library
from tests.serving import ROOT
from ui.explorer import describe, describe_epoch
from ui.models import model_options
from vae.config import from_flat
from vae.training.run import run

PAGE = ROOT / "pages" / "explore.py"
PATIENCE = 60  # seconds; a busy machine may be slow
EPOCHS = 5


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with a film in which epoch 3 is missing, as after it was thinned out; and a model without one."""
    runs = tmp_path_factory.mktemp("runs")
    for _ in run(from_flat({"dataset": "digits", "hidden": (8,), "epochs": EPOCHS}), runs / "mine"):
        pass
    (runs / "mine" / "film" / "0003.safetensors").unlink()
    (runs / "shipped").symlink_to(ROOT / "checkpoints" / "digits-ae-2d")
    return runs


@pytest.fixture(autouse=True)
def only_these(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vae.library, "RUNS", runs)
    monkeypatch.setattr(vae.library, "FOLDERS", (runs,))


def opened(**address: str) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=PATIENCE)
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


@pytest.mark.parametrize(("asked", "shown"), [(None, 5), ("0", 0), ("2", 2), ("3", 2), ("4", 4), ("5", 5)])
def test_the_address_says_which_epoch_or_one_that_the_film_lacks(asked: str | None, shown: int) -> None:
    app = opened(model="mine", **({} if asked is None else {"epoch": asked}))
    assert not app.exception
    assert not app.warning
    assert app.select_slider[0].options == ["0", "1", "2", "4", "5"]
    assert app.select_slider[0].value == shown


@pytest.mark.parametrize("asked", ["6", "-1", "x", "", "9" * 400, "\u0664", "1.0"])
def test_an_epoch_that_never_was_is_said_not_to_be_here(asked: str) -> None:
    app = opened(model="mine", epoch=asked)
    assert not app.exception
    assert f"There is no epoch {asked[:20]!r}" in app.warning[0].value
    assert app.select_slider[0].value == EPOCHS


def test_a_run_that_is_ahead_of_its_checkpoint_opens_on_the_checkpoint(runs: Path) -> None:
    ahead = runs / "mine" / "film" / "0008.safetensors"
    ahead.write_bytes((runs / "mine" / "film" / "0004.safetensors").read_bytes())
    app = opened(model="mine")
    shown, offered = app.select_slider[0].value, app.select_slider[0].options
    newest = opened(model="mine", epoch="8")
    ahead.unlink()
    assert not app.exception
    assert (shown, offered[-1]) == (EPOCHS, "8")
    assert not newest.warning
    assert newest.select_slider[0].value == 8


def test_a_model_without_a_film_has_no_epochs_to_choose() -> None:
    app = opened(model="shipped")
    assert not app.exception
    assert not app.select_slider
    assert "There is no epoch '2'" in opened(model="shipped", epoch="2").warning[0].value


def test_the_choice_is_kept_in_the_address_until_another_model_is_chosen() -> None:
    app = opened(model="mine")
    app.select_slider[0].set_value(2).run()
    assert not app.exception
    assert app.query_params["epoch"] in ("2", ["2"])
    app.select_slider[0].set_value(EPOCHS).run()
    assert "epoch" not in app.query_params
    app.select_slider[0].set_value(1).run()
    app.selectbox[0].set_value("shipped").run()
    assert not app.exception
    assert not app.warning
    assert "epoch" not in app.query_params


def test_only_what_follows_from_the_epoch_is_told_anew(runs: Path) -> None:
    option = model_options()["mine"]
    last, first = describe(option), describe(option) | describe_epoch(option, 1)
    assert {name for name in last if last[name] != first[name]} == {"epoch", "kl", "decoderUrl", "latentsUrl"}
    log = (runs / "mine" / "events.jsonl").read_text().splitlines()
    told = next(event for line in log if (event := json.loads(line))["event"] == "epoch_done" and event["epoch"] == 1)
    assert first["kl"] == told["test"]["kl_per_dimension"]
