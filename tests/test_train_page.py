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
from ui.train.forecast_route import duration
from ui.train.form import FIRST, PRESETS, command_line
from ui.train.live import Wish, wish
from ui.train.marks import marks_for
from ui.train.sharing import link
from ui.visitor import NOBODY, known, visitor_of
from vae.cli_options import option_name
from vae.config import RunConfig, flat_fields, from_flat, to_flat
from vae.errors import ConfigError
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
    not_for_a_vae_of_digits = {"loss", "image_size"}
    assert len(labels) >= len(flat_fields()) - len(not_for_a_vae_of_digits)
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


def test_every_bound_of_the_config_is_a_bound_of_its_field(runs: Path) -> None:
    """The field holds what the config holds; the config itself refuses what lies beyond, whoever asks."""
    app = run()
    tried = 0
    for widget in app.number_input:
        name = next(name for name in flat_fields() if widget.key == f"train-{name}-{FIRST}")
        for bound, beyond in ((widget.min, -1), (widget.max, 1)):
            if bound is None:
                continue
            tried += 1
            if name != "epochs" or beyond < 0:  # the host's own limit on epochs lies below the config's
                with pytest.raises(ConfigError, match=name):
                    from_flat({name: type(bound)(bound + beyond * max(1, abs(bound)))})
            field(app, widget.label).set_value(bound)
            app.run()
            assert not app.exception
            said_wrong = [error.value for error in app.error]
            assert all(name in said and "cannot be trained" in said for said in said_wrong)
            app = run()
    assert tried >= 10


def test_a_value_out_of_bounds_never_becomes_a_config(runs: Path) -> None:
    app = run()
    for label, value in (("Latent dimensions d", 257), ("Epochs", 0), ("Learning rate", 11.0), ("Seed", -1)):
        field(app, label).set_value(value)
        app.run()
        assert not app.exception
        if not app.error:
            parsed(app.code[0].value)  # it was brought within its bounds: this raises ConfigError for what is not
        assert all("cannot be trained" in error.value for error in app.error)
        app = run()


def test_a_run_that_is_gone_is_said_to_be(runs: Path) -> None:
    for name in ("nobody", "../checkpoints", "x" * 999, "."):
        app = run(run=name)
        assert not app.exception
        assert "deleted" in app.warning[0].value


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "My own images"])
def test_every_preset_is_a_run_and_its_command_line_says_the_same(preset: str) -> None:
    config = from_flat(PRESETS[preset])
    assert parsed(command_line(config)) == config


@pytest.mark.parametrize("preset", [name for name in PRESETS if name not in (FIRST, "My own images")])
def test_a_preset_fills_the_form(runs: Path, preset: str) -> None:
    app = run()
    next(pills for pills in app.button_group if pills.key == "train-preset").set_value(preset).run()
    assert not app.exception
    assert not app.error
    assert parsed(app.code[0].value) == from_flat(PRESETS[preset])


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
        ({"command": ["pause"]}, None),
        ({"command": "trains", "value": "encoder"}, Wish("trains", "encoder")),
        ({"command": "trains", "value": "neither"}, None),
        ({"command": "trains", "value": ["encoder"]}, None),
        ({"command": "exact_gap_images", "value": 32}, Wish("exact_gap_images", 32.0)),
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
    assert visitor_of("a=b") == NOBODY
    for forged in (None, "", "../x", name.upper(), name + "0", f"{name}\n"):
        assert known(forged) is None


def test_the_link_to_a_run_is_whole_where_the_page_s_address_is_known() -> None:
    assert link("a-1", "https://host:8/vae/train?run=other#top") == "https://host:8/vae/train?run=a-1"
    assert link("a-1", None) == "/train?run=a-1"


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
