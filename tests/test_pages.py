"""Every page by Streamlit's own test bench, and what the app believes of a browser and of an address."""

import math
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

import vae.library
from tests.made_models import COLOUR, LINEAR, MANY, STROKES, TORN, WIDE, make_models
from tests.serving import ROOT
from ui.explorer import Released, released
from ui.links import parse_z
from ui.models import model_options
from vae.analysis.standard_normal import log_density

PAGES = sorted(path for path in (ROOT / "pages").glob("*.py") if path.stem not in ("__init__", "router"))
MADE = [COLOUR, LINEAR, MANY, STROKES, TORN, WIDE]
PATIENCE = 60  # seconds; a busy machine may be slow

finite = st.floats(-1e4, 1e4)


@pytest.fixture(scope="module")
def made_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    make_models(folder)
    return folder


@pytest.fixture
def on_made_models(made_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vae.library, "FOLDERS", (made_models,))


def run(page: Path, **address: str) -> AppTest:
    app = AppTest.from_file(str(page), default_timeout=PATIENCE)
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def texts(app: AppTest) -> str:
    return "\n".join(block.value for block in [*app.markdown, *app.caption])


# --- pages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs_and_has_a_title(page: Path) -> None:
    app = run(page)
    assert not app.exception
    assert len(app.title) == 1
    assert app.title[0].value


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs_where_there_is_no_model(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vae.library, "FOLDERS", (tmp_path,))
    app = run(page)
    assert not app.exception
    assert len(app.title) == 1


def test_the_router_leads_to_every_page() -> None:
    app = run(ROOT / "pages" / "router.py")
    assert not app.exception
    titles = {app.title[0].value}
    for page in PAGES:
        titles.add(app.switch_page(page.name).run().title[0].value)
        assert not app.exception
    assert len(titles) == len(PAGES)


def test_the_picker_lists_every_shipped_model() -> None:
    app = run(ROOT / "pages" / "explore.py")
    shipped = {card.parent.name for card in (ROOT / "checkpoints").glob("*/card.json")}
    assert shipped <= {label.split()[0] for label in app.selectbox[0].options}


@pytest.mark.usefixtures("on_made_models")
def test_the_picker_says_what_each_model_is() -> None:
    labels = {label.split()[0]: label for label in run(ROOT / "pages" / "explore.py").selectbox[0].options}
    assert sorted(labels) == MADE
    assert " AE " in labels[WIDE]
    assert " PCA " in labels[LINEAR]
    assert "d = 6" in labels[MANY]
    assert all("MSE" in label and "2026-01-01" in label for label in labels.values())


@pytest.mark.parametrize("name", MADE)
@pytest.mark.usefixtures("on_made_models")
def test_every_kind_of_model_can_be_opened_from_the_address(name: str) -> None:
    app = run(ROOT / "pages" / "explore.py", model=name)
    assert not app.exception
    assert not app.warning
    assert app.selectbox[0].value == name


@pytest.mark.parametrize("z", ["0.5,-1.2", "nan,1", "1", "1e99,0", "," * 20_000, "\x00", "0.5;1"])
@pytest.mark.usefixtures("on_made_models")
def test_a_hostile_address_opens_the_page_all_the_same(z: str) -> None:
    assert not run(ROOT / "pages" / "explore.py", model=STROKES, z=z).exception
    app = run(ROOT / "pages" / "explore.py", model="../../etc", z=z)
    assert not app.exception
    assert app.selectbox[0].value == COLOUR  # the first


@pytest.mark.usefixtures("on_made_models")
def test_what_the_browser_releases_reaches_the_page() -> None:
    app = run(ROOT / "pages" / "explore.py", model=MANY)
    z = [0.5, -1.25, 0.0, 0.125, 2.0, -0.5]
    nats = f"{log_density(z):.2f}".replace("-", "\u2212")
    assert nats not in texts(app)
    app.session_state["explorer"] = {"released": {"model": MANY, "z": z}}
    app.run()
    assert not app.exception
    assert nats in texts(app)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "z",
        {"model": STROKES},
        {"model": STROKES, "z": [0.5]},
        {"model": STROKES, "z": [math.nan, 0.0]},
        {"model": STROKES, "z": ["0.5", 0.0]},
        {"model": STROKES, "z": [10**400, 0]},
        {"model": WIDE, "z": [0.5, 0.5]},
    ],
)
@pytest.mark.usefixtures("on_made_models")
def test_nonsense_from_the_browser_changes_nothing(value: Any) -> None:
    app = run(ROOT / "pages" / "explore.py", model=STROKES)
    before = texts(app)
    app.session_state["explorer"] = {"released": value}
    app.run()
    assert not app.exception
    assert texts(app) == before


@pytest.mark.usefixtures("on_made_models")
def test_every_task_answers_once_it_is_answered() -> None:
    for name in (STROKES, WIDE, LINEAR):
        app = run(ROOT / "pages" / "explore.py", model=name)
        assert app.radio
        for task in app.radio:
            before = texts(app)
            task.set_value(task.options[-1]).run()
            assert not app.exception
            assert len(texts(app)) > len(before)


@pytest.mark.parametrize(
    ("name", "said"), [("mnist-vae-2d", ""), ("mnist-vae0-2d", "beta was 0"), ("shapes-vae-6d", "= 4, more")]
)
def test_a_weighted_kl_is_said_beside_the_bound(name: str, said: str) -> None:
    shown = texts(run(ROOT / "pages" / "explore.py", model=name))
    assert ("In training" in shown) == bool(said)
    assert said in shown


def test_without_a_kl_nobody_is_sent_outside_the_rings() -> None:
    questions = {
        name: " ".join(task.label for task in run(ROOT / "pages" / "explore.py", model=name).radio)
        for name in ("mnist-vae-2d", "mnist-vae0-2d")
    }
    assert "third ring" in questions["mnist-vae-2d"]
    assert "third ring" not in questions["mnist-vae0-2d"]
    assert "empty stretch" in questions["mnist-vae0-2d"]


def test_the_models_page_names_a_card_that_cannot_be_read(
    tmp_path: Path, made_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copytree(made_models / STROKES, tmp_path / "whole")
    copytree(made_models / STROKES, tmp_path / "broken")
    (tmp_path / "broken" / "card.json").write_text("{")
    monkeypatch.setattr(vae.library, "FOLDERS", (tmp_path,))
    app = run(ROOT / "pages" / "models.py")
    assert not app.exception
    assert len(app.dataframe[0].value) == 1
    assert "broken" in app.warning[0].value


# --- what a browser sends --------------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.sampled_from(["model", "z", "a"]), inner),
    max_leaves=20,
)


@given(value=json_values | st.fixed_dictionaries({"model": st.just("digits-vae-2d"), "z": json_values}))
def test_only_finite_numbers_come_through(value: Any) -> None:
    here = released(value, model_options()["digits-vae-2d"])
    if here is not None:
        assert value["model"] == here.model == "digits-vae-2d"
        assert list(here.z) == value["z"]
        assert len(here.z) == 2
        assert all(type(number) is float and math.isfinite(number) for number in here.z)


@given(z=st.tuples(finite, finite))
def test_what_a_browser_should_send_comes_through(z: tuple[float, float]) -> None:
    value = {"model": "digits-vae-2d", "z": list(z)}
    assert released(value, model_options()["digits-vae-2d"]) == Released("digits-vae-2d", z)


not_a_coordinate = (
    st.sampled_from([math.nan, math.inf, -math.inf, None, "0.5", True, [0.5], {}, 10**400])
    | st.floats(min_value=1e5, allow_nan=False)
    | st.integers(min_value=10**5).map(lambda far: -far)
)


@given(good=finite, bad=not_a_coordinate, order=st.permutations([0, 1]))
def test_one_bad_number_is_enough_to_refuse(good: float, bad: Any, order: list[int]) -> None:
    z = [(good, bad)[i] for i in order]
    assert released({"model": "digits-vae-2d", "z": z}, model_options()["digits-vae-2d"]) is None


# --- what an address says --------------------------------------------------------------------------------------------


@given(z=st.lists(finite, min_size=1, max_size=64))
def test_a_link_of_z_reads_back(z: list[float]) -> None:
    assert parse_z(",".join(map(repr, z)), len(z)) == tuple(z)


@given(z=st.lists(finite, min_size=1, max_size=8), other=st.integers(1, 8))
def test_a_link_for_another_number_of_dimensions_is_refused(z: list[float], other: int) -> None:
    text = ",".join(map(repr, z))
    assert (parse_z(text, other) is None) == (other != len(z))


@given(
    text=st.none()
    | st.text()
    | st.text(alphabet="0123456789.,-+eEnaif_ ")
    | st.lists(st.sampled_from(["nan", "inf", "-Infinity", "1e999", "1e5", "", "0x1", "0"])).map(",".join),
    dimensions=st.integers(1, 4),
)
def test_any_text_gives_numbers_near_enough_or_nothing(text: str | None, dimensions: int) -> None:
    z = parse_z(text, dimensions)
    assert z is None or (len(z) == dimensions and all(abs(number) <= 1e4 for number in z))


def test_an_endless_link_is_not_read() -> None:
    assert parse_z("0," * 5000 + "0", 5001) is None
