"""The training page by Streamlit's test bench: the form is the config, and only wishes come from the browser."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

import vae.library
from tests.serving import ROOT
from ui.train.form import PRESETS, command_line
from ui.train.live import Wish, wish
from ui.train.marks import marks_for
from ui.train.new_run import duration
from ui.visitor import known, visitor_of
from vae.cli_options import option_name
from vae.config import RunConfig, flat_fields, from_flat, to_flat
from vae.jobs import list_runs

PAGE = ROOT / "pages" / "train.py"
PATIENCE = 120  # seconds; a busy machine may be slow


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(vae.library, "RUNS", tmp_path / "runs")
    return tmp_path / "runs"


def run(**address: str) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=PATIENCE)
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def field(app: AppTest, label: str) -> Any:
    widgets = [*app.selectbox, *app.number_input, *app.text_input]
    return next(widget for widget in widgets if widget.label == label)


def test_every_setting_has_a_field_or_does_not_apply(runs: Path) -> None:
    app = run()
    assert not app.exception
    labels = {widget.label for widget in [*app.selectbox, *app.number_input, *app.text_input]}
    not_for_a_vae = {"loss"}
    assert len(labels) >= len(flat_fields()) - len(not_for_a_vae)
    assert {"Data set", "Latent dimensions d", "Beta", "Learning rate", "Likelihood", "Seed"} <= labels


def test_the_command_line_follows_the_form(runs: Path) -> None:
    app = run()
    field(app, "Latent dimensions d").set_value(5)
    field(app, "Beta").set_value(4.0)
    app.run()
    assert "--latent-dim 5" in app.code[0].value
    assert "--beta 4.0" in app.code[0].value


@pytest.mark.parametrize(("label", "value", "said"), [("Widths", "12,x", "hidden"), ("Widths", "", "hidden")])
def test_what_no_run_can_have_is_said_in_a_sentence(runs: Path, label: str, value: str, said: str) -> None:
    app = run()
    field(app, label).set_value(value)
    app.run()
    assert not app.exception
    assert said in app.error[0].value
    assert list_runs(runs) == []


def test_a_run_that_is_gone_is_said_to_be(runs: Path) -> None:
    for name in ("nobody", "../checkpoints", "x" * 999, "."):
        app = run(run=name)
        assert not app.exception
        assert "deleted" in app.warning[0].value


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "My own images"])
def test_every_preset_is_a_run_and_its_command_line_says_the_same(preset: str) -> None:
    config = from_flat(PRESETS[preset])
    assert parsed(command_line(config)) == config


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "kind": st.sampled_from(["ae", "vae", "pca"]),
            "latent_dim": st.integers(1, 256),
            "hidden": st.lists(st.integers(1, 4096), min_size=1, max_size=6).map(tuple),
            "epochs": st.integers(1, 10_000),
            "learning_rate": st.floats(1e-6, 10),
            "schedule": st.sampled_from(["constant", "cosine"]),
            "dataset": st.text("abc /'\"$", min_size=1, max_size=20).map(lambda text: f"folder:{text}"),
        },
    )
)
def test_a_command_line_gives_back_its_config(values: dict[str, object]) -> None:
    config = from_flat(values)
    assert parsed(command_line(config)) == config


def parsed(command: str) -> RunConfig:
    """What the command line's own parser makes of the text."""
    words = shlex.split(command)
    assert words[:4] == ["python", "-m", "vae", "train"]
    names = {option_name(name): name for name in flat_fields()}
    given = dict(zip(words[4::2], words[5::2], strict=True))
    assert given.pop("--out") == "runs/my-run"
    return from_flat({names[option]: value for option, value in given.items()})


@pytest.mark.parametrize(
    ("sent", "understood"),
    [
        ({"command": "pause"}, Wish("pause")),
        ({"command": "beta", "value": 4}, Wish("beta", 4.0)),
        ({"command": "beta"}, None),
        ({"command": "pause", "value": 1}, None),
        ({"command": "beta", "value": "4"}, None),
        ({"command": "beta", "value": True}, None),
        ({"command": "rm -rf"}, None),
        ("pause", None),
        (None, None),
    ],
)
def test_only_a_wish_is_understood(sent: object, understood: Wish | None) -> None:
    assert wish(sent) == understood


def test_marks_belong_to_the_objective_they_were_measured_by() -> None:
    classic = from_flat({"dataset": "mnist"})
    assert marks_for(classic)
    for other in ({"beta": 2.0}, {"likelihood": "gaussian"}, {"kind": "ae"}, {"latent_dim": 3}, {"dataset": "shapes"}):
        values = {name: value for name, value in to_flat(classic).items() if value is not None}
        if other.get("kind") == "ae":
            values = {"dataset": "mnist"}
        assert marks_for(from_flat(values | other | ({"sigma": None} if "likelihood" in other else {}))) == ()


def test_a_visitor_s_name_is_one_that_was_given_here() -> None:
    name = "0123456789abcdef" * 2
    assert known(name) == name
    assert visitor_of(f"a=b; vae_visitor={name}") == name
    for forged in (None, "", "../x", name.upper(), name + "0", f"{name}\n"):
        assert known(forged) is None


def test_durations_are_said_as_a_person_says_them() -> None:
    assert duration(0.2) == "1 s"
    assert duration(61) == "61 s"
    assert duration(600) == "10 minutes"
    assert duration(7200) == "2.0 hours"


@pytest.mark.parametrize(
    ("written", "beta"),
    [
        ("cross-entropy, summed over pixels", "beta = 1**"),
        ("cross-entropy, mean over pixels", "beta = 784**"),
        ("squared error, summed over pixels", "beta = 0.5**"),
        ("squared error, mean over pixels", "beta = 392**"),
    ],
)
def test_a_loss_as_written_says_its_effective_beta(runs: Path, written: str, beta: str) -> None:
    app = run(run="nobody")
    app = next(radio for radio in app.radio if radio.key == "loss-written").set_value(written).run()
    assert not app.exception
    assert any(beta in block.value for block in app.markdown)
