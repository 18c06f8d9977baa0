"""The compare page by Streamlit's test bench: which two models stand beside each other, and what is said of them."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import vae
import vae.library
from tests.serving import ROOT
from ui.compare.choice import data_groups, fitting, opening_pair, pair_with
from ui.compare.compression import through, with_pca
from ui.compare.names import names_of
from ui.compare.numbers import figures_of, written
from ui.compare.questions import price
from ui.models import model_options
from ui.routes import classifier_url
from vae.analysis.figures import LatentFigures
from vae.codes import load_codes
from vae.library import same_images

PAGE = ROOT / "pages" / "compare.py"
PATIENCE = 120  # seconds; a busy machine may be slow


def run(**address: str) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=PATIENCE)
    for name, value in address.items():
        app.query_params[name] = value
    return app.run()


def chosen(app: AppTest) -> list[str]:
    found = (app.query_params[side] for side in ("left", "right"))
    return [value if isinstance(value, str) else value[0] for value in found]


def test_a_link_chooses_both_models() -> None:
    app = run(left="digits-vae-2d", right="digits-ae-2d")
    assert not app.exception
    assert chosen(app) == ["digits-vae-2d", "digits-ae-2d"]
    assert not app.warning


@pytest.mark.parametrize(
    ("left", "right", "said"),
    [
        ("digits-ae-2d", "freyface-vae-2d", "digits (8x8), freyface-vae-2d on freyface (28x20): no image has a place"),
        ("digits-ae-2d", "no-such-model", "There is no model named 'no-such-model' here"),
        ("x" * 500, "digits-ae-2d", "x" * 80),
    ],
)
def test_two_that_do_not_fit_are_told_apart_and_two_others_shown(left: str, right: str, said: str) -> None:
    app = run(left=left, right=right)
    assert not app.exception
    assert said in app.warning[0].value
    assert "x" * 81 not in app.warning[0].value
    options = model_options()
    a, b = (options[name] for name in chosen(app))
    assert same_images(a.card, b.card)


def test_one_half_of_a_link_is_not_enough() -> None:
    app = run(left="digits-ae-2d")
    assert not app.exception
    assert not app.warning


def test_every_offered_pair_is_of_one_data_set() -> None:
    options = model_options()
    groups = data_groups(options)
    assert {"mnist", "fashion-mnist", "digits", "freyface"} <= set(groups)
    for names in groups.values():
        left, right = opening_pair(names, options)
        assert left != right
        assert options[right].card.model.kind == "vae"
        assert options[left].card.model.kind == "ae"
        assert options[left].card.model.latent_dim == options[right].card.model.latent_dim
        for name in names:
            assert set(fitting(options[name], options)) == set(names) - {name}


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ("digits-vae-2d", ("digits-ae-2d", "digits-vae-2d")),
        ("digits-ae-2d", ("digits-ae-2d", "digits-vae-2d")),
        ("mnist-vae-20d", ("mnist-ae-2d", "mnist-vae-20d")),
    ],
)
def test_a_model_stands_beside_the_one_that_tells_most(name: str, pair: tuple[str, str]) -> None:
    options = model_options()
    assert pair_with(options[name], options) == pair
    assert pair_with(options[name], {name: options[name]}) is None


def test_without_two_that_fit_the_page_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vae.library, "FOLDERS", (tmp_path,))
    app = run()
    assert not app.exception
    assert "python -m vae train" in app.info[0].value


def test_names_are_kinds_where_they_tell_the_models_apart() -> None:
    options = model_options()
    plain, vae_2d, vae_20d = options["mnist-ae-2d"], options["mnist-vae-2d"], options["mnist-vae-20d"]
    assert names_of(plain, vae_2d) == ("AE", "VAE")
    assert names_of(vae_2d, vae_20d) == ("mnist-vae-2d", "mnist-vae-20d")
    assert len(set(names_of(plain, plain))) == 2


def test_the_figures_are_those_of_the_stored_codes() -> None:
    option = model_options()["digits-vae-2d"]
    figures = figures_of(option)
    codes = load_codes(option.folder)
    assert codes.sigma is not None
    assert option.card.metrics
    assert figures.median_sigma == pytest.approx(float(np.median(codes.sigma)))
    assert figures.mse == option.card.metrics.mse
    assert figures.knn_accuracy == option.card.metrics.knn_accuracy


def test_figures_are_written_with_their_units() -> None:
    assert written("confident_prior", 0.864) == "86 %"
    assert written("knn_accuracy", 0.8564) == "85.6 %"
    assert written("mse", 0.03204) == "0.0320"
    assert written("median_sigma", 3.4e-7) == "3e-07"  # not 0.000
    assert written("mmd", 0.0) == "0.00"
    assert written("median_sigma", None) == "\u2013"
    assert set(LatentFigures.model_fields) >= {"confident_prior", "knn_accuracy", "mse", "median_sigma"}


def test_the_price_is_what_was_measured() -> None:
    options = model_options()
    pair = options["mnist-ae-2d"], options["mnist-vae-2d"]
    text = price(pair, ("AE", "VAE"))
    for option in pair:
        assert option.card.metrics
        assert f"{option.card.metrics.mse:.4f}" in text
    assert f"{pair[1].card.metrics.kl:.1f} nats" in text  # pyright: ignore[reportOptionalMemberAccess]


def test_a_classifier_is_offered_for_its_own_images_only() -> None:
    options = model_options()
    url = classifier_url(options["mnist-ae-2d"])
    assert url is not None
    assert url.startswith("/api/classifiers/mnist.safetensors?v=")
    assert classifier_url(options["freyface-ae-2d"]) is None


@pytest.mark.parametrize("answer", [0, 1])
def test_an_answer_is_kept_beside_what_happened(answer: int) -> None:
    app = run(left="digits-ae-2d", right="digits-vae-2d")
    question = next(radio for radio in app.radio if "squared error" in radio.label)
    app = question.set_value(question.options[answer]).run()
    assert not app.exception
    assert f"You said: *{question.options[answer]}*" in "\n".join(block.value for block in app.markdown)


def test_the_pca_of_the_same_data_and_d_stands_beside_them() -> None:
    options = model_options()
    pair = options["digits-ae-2d"], options["digits-vae-2d"]
    assert [option.id for option in with_pca(pair, options)] == ["digits-pca-2d", "digits-ae-2d", "digits-vae-2d"]
    assert [option.id for option in with_pca((options["digits-pca-2d"], pair[0]), options)] == [
        "digits-pca-2d",
        "digits-ae-2d",
    ]


def test_the_same_test_images_go_through_every_model() -> None:
    options = model_options()
    plain, other = (through(options[name], seed=3) for name in ("digits-ae-2d", "digits-vae-2d"))
    assert np.array_equal(plain.originals, other.originals)
    assert not np.array_equal(plain.images, other.images)
    assert not np.array_equal(plain.originals, through(options["digits-ae-2d"], seed=4).originals)


def test_without_the_data_a_sentence_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_DATA_DIR", str(tmp_path))
    app = run(left="mnist-ae-2d", right="mnist-vae-2d")
    assert not app.exception
    said = "\n".join(block.value for block in app.caption)
    assert "The images of mnist are not on this machine" in said


def test_other_test_images_are_shown_when_asked_for() -> None:
    app = run(left="digits-ae-2d", right="digits-vae-2d")
    button = next(button for button in app.button if button.label == "Other test images")
    app = button.click().run()
    assert not app.exception
    assert app.session_state["compression-seed"] == 1
