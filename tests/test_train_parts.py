"""Freezing on the training page, by Streamlit's test bench: what is offered, what is asked of a run, what is told."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import vae.library
from tests.serving import ROOT
from ui.train.form import PRESETS
from ui.train.freezing import OFFERED_IMAGES, carry_on
from ui.train.live import Wish
from ui.train.routes import standing
from ui.train.steering import carry_out
from vae.config import from_flat
from vae.errors import ConfigError
from vae.jobs import enqueue, find
from vae.training.controls import Controls, read_controls
from vae.training.journal import read_config, read_state
from vae.training.run import run

PATIENCE = 120  # seconds; a busy machine may be slow
SMALL = {"dataset": "digits", "hidden": "12", "epochs": 2}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(vae.library, "RUNS", tmp_path / "runs")
    return tmp_path / "runs"


def queued(runs: Path, **values: Any) -> Path:
    return find(runs, enqueue(from_flat(SMALL | values), runs))


def labels(app: AppTest) -> set[str]:
    return {widget.label for widget in [*app.selectbox, *app.number_input, *app.text_input]}


def test_the_form_offers_only_what_the_kind_can_have(runs: Path) -> None:
    app = AppTest.from_file(str(ROOT / "pages" / "train.py"), default_timeout=PATIENCE).run()
    assert {"Trains", "Exact gap images"} <= labels(app)
    kind = next(widget for widget in app.selectbox if widget.label == "Model")
    app = kind.set_value("pca").run()
    assert not app.exception
    assert not app.error
    assert not {"Trains", "Exact gap images"} & labels(app)


def test_the_preset_measures_the_gap_of_a_map(runs: Path) -> None:
    config = from_flat(PRESETS["Encoder only, decoder only"])
    assert (config.dataset, config.model.latent_dim, config.training.exact_gap_images) == ("digits", 2, OFFERED_IMAGES)


def test_what_is_pressed_is_asked_of_the_run(runs: Path) -> None:
    folder = queued(runs)
    carry_out(folder, Wish("trains", "encoder"))
    carry_out(folder, Wish("exact_gap_images", 32.0))
    carry_out(folder, Wish("beta", 2.0))
    assert read_controls(folder) == Controls(trains="encoder", exact_gap_images=32, beta=2.0)
    for wish, said in (
        (Wish("beta", -1.0), "beta = -1.0"),
        (Wish("exact_gap_images", 513.0), "exact_gap_images = 513"),
        (Wish("exact_gap_images", 0.5), "exact_gap_images = 0.5"),
    ):
        with pytest.raises(ConfigError, match=said):
            carry_out(folder, wish)
    with pytest.raises(ConfigError, match="a PCA is fitted in one step"):
        carry_out(queued(runs, kind="pca"), Wish("trains", "decoder"))
    assert read_controls(folder) == Controls(trains="encoder", exact_gap_images=32, beta=2.0)


def test_an_ended_run_is_carried_on_with_what_is_chosen(runs: Path) -> None:
    def page() -> None:
        import streamlit as st

        from ui.train.freezing import how_to_carry_on
        from vae.config import from_flat

        st.json(how_to_carry_on(from_flat(st.session_state["config"])))

    app = AppTest.from_function(page, default_timeout=PATIENCE)
    app.session_state["config"] = {}
    assert app.run().json[0].value == "{}"  # a run that is merely carried on is not slowed down
    app.selectbox[0].set_value("encoder only").run()
    assert app.json[0].value == f'{{"trains": "encoder", "exact_gap_images": {OFFERED_IMAGES}}}'
    assert app.checkbox[0].set_value(False).run().json[0].value == '{"trains": "encoder"}'
    app.session_state["config"] = {"kind": "ae"}
    assert not app.run().checkbox
    assert app.selectbox
    app.session_state["config"] = {"kind": "pca"}
    assert not app.run().selectbox
    assert not app.exception

    folder = queued(runs)
    list(run(read_config(folder), folder, resume=True))
    carry_on(folder, 3, {"trains": "decoder", "exact_gap_images": 4})
    assert (read_state(folder).status, read_config(folder).training.epochs) == ("queued", 5)
    list(run(read_config(folder), folder, resume=True))
    told = standing(folder, read_config(folder), read_state(folder), after=-1)
    changes = [(change["epoch"], change["batch"], change["name"], change["value"]) for change in told["changes"]]
    assert changes == [(3, 0, "trains", "decoder"), (3, 0, "exact_gap_images", 4)]
    assert [(gap["epoch"], gap["images"], gap["binarized"]) for gap in told["gaps"]] == [
        (epoch, 4, True) for epoch in (2, 3, 4, 5)
    ]
    assert all(gap["logEvidence"] - gap["elbo"] == pytest.approx(gap["gap"], abs=1e-3) for gap in told["gaps"])
    assert (told["images"], told["settings"]["trains"], told["settings"]["latent_dim"]) == (1437, "both", 2)
    carry_on(folder, 1, {})
    assert read_controls(folder) is None
