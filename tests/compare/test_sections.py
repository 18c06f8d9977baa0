"""The box and the sampling by Streamlit's own test bench: what is decoded, and what is said."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from streamlit.testing.v1 import AppTest

import vae
import vae.library
from tests.made_models import COLOUR, MANY, STROKES, TORN, WIDE, make_models
from tests.serving import ROOT
from ui.compare.box import NO_AREA, TOO_FAR, drawn_box, grid_codes
from ui.compare.gallery import Mosaic
from ui.local_data import why_not_at_hand
from ui.models import model_options
from vae import data
from vae.analysis.mixture import fit_mixture
from vae.analysis.places import Box
from vae.codes import load_codes

PAGE = ROOT / "tests" / "compare" / "sections_page.py"
PATIENCE = 60  # seconds; a busy machine may be slow
DIGITS = ("digits-ae-2d", "digits-vae-2d")
Shown = dict[str, list[Mosaic]]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """What the galleries were last given, by their keys."""
    seen: Shown = {}

    def record(mosaics: Sequence[Mosaic], key: str) -> None:
        seen[key] = list(mosaics)

    monkeypatch.setattr("ui.compare.box.gallery", record)
    monkeypatch.setattr("ui.compare.sampling.gallery", record)
    return seen


@pytest.fixture(scope="module")
def made_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    make_models(folder)
    return folder


def run(left: str, right: str) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=PATIENCE)
    app.query_params["left"], app.query_params["right"] = left, right
    app.run()
    assert not app.exception
    return app


def grids(shown: Shown) -> list[Mosaic]:
    return [shown[f"compare-box-grid-{side}"][0] for side in ("left", "right")]


def samples(shown: Shown) -> list[Mosaic]:
    return shown["compare-sampling-gallery"]


def texts(app: AppTest) -> str:
    return "\n".join(block.value for block in [*app.markdown, *app.caption, *app.info])


# --- the box


def draw(app: AppTest, side: str, model: str, box: dict[str, Any]) -> None:
    app.session_state[f"compare-box-{side}-{model}"] = {"selection": {"points": [], "box": [box]}}
    app.run()
    assert not app.exception


def test_a_place_stands_on_both_maps_when_the_page_opens(shown: Shown) -> None:
    run(*DIGITS)
    for mosaic, model in zip(grids(shown), DIGITS, strict=True):
        assert mosaic.option.id == model
        assert mosaic.codes.shape == (144, 2)
        assert mosaic.columns == 12
    assert [mosaic.name for mosaic in grids(shown)] == ["decoded grid, AE", "decoded grid, VAE"]


def test_a_place_and_a_number_of_images_are_chosen_for_both(shown: Shown) -> None:
    app, seen = run(*DIGITS), []
    app.slider(key="compare-box-count").set_value(8)
    for name in ("cluster", "seam", "blank"):
        app.button(key=f"compare-box-{name}").click().run()
        assert not app.exception
        seen.append([mosaic.codes for mosaic in grids(shown)])
        assert all(codes.shape == (64, 2) for codes in seen[-1])
    for side in range(2):
        assert len({codes[side].tobytes() for codes in seen}) == 3
        mu = load_codes(ROOT / "checkpoints" / DIGITS[side]).mu
        nearest = [cdist(codes[side], mu).min() for codes in seen]
        assert nearest[2] > 3 * max(nearest[:2])  # the blank corner is far from any code


@pytest.mark.parametrize("y", [[-1.0, 2.0], [2.0, -1.0]])
def test_a_drawn_box_is_decoded_whatever_the_order_of_its_corners(shown: Shown, y: list[float]) -> None:
    app = run(*DIGITS)
    before = grids(shown)[1].codes
    draw(app, "left", DIGITS[0], {"x": [3.0, -1.0], "y": y})
    left, right = grids(shown)
    assert left.codes[0] == pytest.approx([-1 + 4 / 24, 2 - 3 / 24])  # the middle of the upper left cell of twelve
    assert left.codes[-1] == pytest.approx([3 - 4 / 24, -1 + 3 / 24])
    np.testing.assert_array_equal(right.codes, before)
    app.button(key="compare-box-blank").click().run()
    assert not np.isclose(grids(shown)[0].codes[0], left.codes[0]).any()  # a place takes the drawn box's place


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ({"x": [1.0, 1.0], "y": [0.0, 2.0]}, NO_AREA),
        ({"x": [1e7, 2e7], "y": [0.0, 2.0]}, TOO_FAR),
        ({"x": [float("nan"), 1.0], "y": [0.0, 2.0]}, TOO_FAR),
    ],
)
def test_a_box_that_cannot_be_decoded_is_spoken_of_kindly(shown: Shown, box: dict[str, Any], said: str) -> None:
    app = run(*DIGITS)
    assert said not in texts(app)
    draw(app, "right", DIGITS[1], box)
    assert said in texts(app)


def test_a_box_far_from_every_code_is_decoded_all_the_same(shown: Shown) -> None:
    app = run(*DIGITS)
    draw(app, "right", DIGITS[1], {"x": [50.0, 60.0], "y": [50.0, 60.0]})
    assert any("No test image" in line for line in grids(shown)[1].lines)


@pytest.mark.parametrize(
    "state",
    [None, {}, {"selection": None}, {"selection": {"box": []}}]
    + [{"selection": {"box": [box]}} for box in ({}, {"x": [1], "y": [1, 2]}, {"x": ["1", "2"], "y": [1, 2]})],
)
def test_what_is_no_box_is_none(state: Any) -> None:
    assert drawn_box(state) is None


numbers = st.floats(-100, 100)


@given(n=st.integers(8, 20), d=st.integers(2, 12), data=st.data())
def test_a_grid_leaves_every_other_dimension_at_zero(n: int, d: int, data: st.DataObject) -> None:
    first, second = sorted(data.draw(st.lists(st.integers(0, d - 1), min_size=2, max_size=2, unique=True)))
    box = Box.between(data.draw(st.tuples(numbers, numbers)), data.draw(st.tuples(numbers, numbers)))
    codes = grid_codes(box, n, (first, second), d)
    np.testing.assert_array_equal(codes[:, [first, second]], box.lattice(n))
    assert not np.delete(codes, [first, second], axis=1).any()


def test_every_kind_of_model_has_its_box_and_its_samples(
    made_models: Path, monkeypatch: pytest.MonkeyPatch, shown: Shown
) -> None:
    monkeypatch.setattr(vae.library, "FOLDERS", (made_models,))
    app = run(MANY, WIDE)
    assert grids(shown)[0].codes.shape == (144, 6)
    assert "the other dimensions are held at 0" in texts(app)
    assert [mosaic.codes.shape for mosaic in samples(shown)] == [(40, 6), (40, 2)]
    app = run(COLOUR, TORN)  # neither has classes
    assert app.button(key="compare-box-seam").disabled
    assert not app.button(key="compare-box-blank").disabled
    assert not run(STROKES, COLOUR).button(key="compare-box-cluster").disabled


def test_codes_that_cannot_be_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: Shown) -> None:
    make_models(tmp_path)
    (tmp_path / STROKES / "latents.safetensors").write_bytes(b"nothing")
    monkeypatch.setattr(vae.library, "FOLDERS", (tmp_path,))
    assert "latents.safetensors" in texts(run(STROKES, TORN))
    assert "compare-box-grid-left" not in shown


# --- sampling


def test_both_models_decode_the_same_draws_of_the_prior(shown: Shown) -> None:
    app = run(*DIGITS)
    left, right = (mosaic.codes for mosaic in samples(shown))
    assert left.shape == (40, 2)
    np.testing.assert_array_equal(left, right)
    assert abs(left.mean()) < 5 / 80**0.5
    assert left.std() == pytest.approx(1, abs=5 / 160**0.5)
    app.button(key="compare-sampling-again").click().run()
    again, other = (mosaic.codes for mosaic in samples(shown))
    np.testing.assert_array_equal(again, other)
    assert not np.isclose(left, again).any()


def test_the_mixture_is_fitted_to_what_each_decoder_saw(shown: Shown) -> None:
    app = run(*DIGITS)
    app.segmented_control(key="compare-sampling-source").set_value("a mixture fitted to the codes").run()
    app.slider(key="compare-sampling-components").set_value(4).run()
    app.button(key="compare-sampling-again").click().run()
    assert not app.exception
    for mosaic, model in zip(samples(shown), DIGITS, strict=True):
        codes = load_codes(ROOT / "checkpoints" / model).sample(np.random.default_rng(0))
        np.testing.assert_allclose(mosaic.codes, fit_mixture(codes, 4, seed=0).sample(40, seed=1), rtol=1e-5)


def test_more_components_than_codes_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: Shown
) -> None:
    from tests.small_checkpoints import save
    from vae.config import RunConfig

    for name in ("one", "two"):
        save(tmp_path / name, RunConfig(dataset="digits"), (1, 8, 8))  # four codes each
    monkeypatch.setattr(vae.library, "FOLDERS", (tmp_path,))
    app = run("one", "two")
    app.segmented_control(key="compare-sampling-source").set_value("a mixture fitted to the codes").run()
    assert "4 codes are too few for a mixture of 10" in texts(app)
    assert not app.exception


def test_the_nearest_training_images_are_those_of_brute_force(shown: Shown) -> None:
    app = run(*DIGITS)
    assert all(mosaic.neighbours is None for mosaic in samples(shown))
    app.toggle(key="compare-sampling-neighbours").set_value(True).run()
    assert not app.exception
    training = data.load("digits", "train").images
    for mosaic in samples(shown):
        model = vae.load(ROOT / "checkpoints" / mosaic.option.id)
        decoded = model.images(torch.from_numpy(mosaic.codes[:8].astype(np.float32))).numpy()
        distances = cdist(decoded.reshape(8, -1), training.reshape(len(training), -1) / 255)
        assert mosaic.neighbours is not None
        np.testing.assert_array_equal(mosaic.neighbours, training[distances.argmin(axis=1)])


def test_where_the_training_images_are_not_at_hand_a_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: Shown
) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path))
    app = run("mnist-ae-2d", "mnist-vae-2d")
    app.toggle(key="compare-sampling-neighbours").set_value(True).run()
    assert not app.exception
    assert "images of mnist are not on this machine" in texts(app)
    assert all(mosaic.neighbours is None for mosaic in samples(shown))
    assert not list(tmp_path.iterdir())  # nothing was fetched
    assert why_not_at_hand(model_options()["digits-vae-2d"]) is None
