"""`compare` and `classifier` as people and scripts meet them."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_checkpoints import save

import vae
from vae.analysis.figures import DEFINITIONS, TITLES
from vae.analysis.latent_figures import latent_figures
from vae.classifier.classifier import load, load_classifier
from vae.cli import main
from vae.codes import load_codes
from vae.config import from_flat

SHIPPED = Path(__file__).parents[1] / "checkpoints"
DIGITS = (SHIPPED / "digits-ae-2d", SHIPPED / "digits-vae-2d")


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a command in this process; gives what it printed, on stderr where it is refused."""

    def call(*arguments: object, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["vae", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        assert end.value.code == code
        if not code:
            assert printed.err == ""
            return printed.out
        assert re.fullmatch(r"error: [^\n]+\n", printed.err)
        return printed.err

    return call


def test_compare_gives_the_figures_of_both_as_one_object(called: Callable[..., str]) -> None:
    found: dict[str, Any] = json.loads(called("compare", *DIGITS, "--json", "--components", 7))
    classifier = load_classifier("digits")
    assert classifier is not None
    for place, folder in enumerate(DIGITS):
        expected = latent_figures(vae.load(folder), load_codes(folder), classifier, components=7).model_dump()
        assert {name: both[place] for name, both in found["figures"].items()} == pytest.approx(expected)
    assert [model["name"] for model in found["models"]] == ["digits-ae-2d", "digits-vae-2d"]
    assert [model["kind"] for model in found["models"]] == ["ae", "vae"]
    assert (found["dataset"], found["components"]) == ("digits", 7)
    assert found["classifier"] == {"test_accuracy": classifier.card.test_accuracy, "test_images": 360}
    assert found["definitions"].keys() == {*DEFINITIONS, "codes"}


def test_compare_is_readable_too(called: Callable[..., str]) -> None:
    shown = called("compare", *DIGITS)
    for name, title in TITLES.items():
        assert f"│ {title} " in shown
        assert f"\n{title}: {DEFINITIONS[name]}\n" in shown
    assert re.search(r"│ median sigma +│ +│ 0\.\d{4} +│", shown)
    assert "The classifier is right on 0." in shown


def test_without_a_classifier_no_sample_is_judged(tmp_path: Path, called: Callable[..., str]) -> None:
    """Models of other images than the classifier's, though their set bears the same name."""
    for name in "ab":
        save(tmp_path / name, from_flat({"hidden": (4,)}))
    assert "No classifier of digits is here" in called("compare", tmp_path / "a", tmp_path / "b", "--components", 2)
    found = json.loads(called("compare", tmp_path / "a", tmp_path / "b", "--components", 2, "--json"))
    assert found["classifier"] is None
    assert found["figures"]["confident_prior"] == [None, None]
    assert found["figures"]["mmd"][0] > 0


def test_models_of_different_images_are_named_with_those_that_fit(tmp_path: Path, called: Callable[..., str]) -> None:
    save(tmp_path / "wide", from_flat({"hidden": (4,)}), shape=(1, 8, 9))
    for name in ("b", "a"):
        save(tmp_path / name, from_flat({"hidden": (4,)}))
    said = called("compare", tmp_path / "a", tmp_path / "wide", code=2)
    assert f"{tmp_path}/a (digits, 1x8x8, 00000000) and {tmp_path}/wide (digits, 1x8x9, 00000000)" in said
    assert "beside a these would fit: b" in said
    alone = called("compare", tmp_path / "wide", tmp_path / "a", code=2)
    assert alone.endswith("cannot be compared\n")


def test_what_cannot_be_compared_is_said(tmp_path: Path, called: Callable[..., str]) -> None:
    for name in "ab":
        save(tmp_path / name, from_flat({"hidden": (4,)}))
    assert "4 codes are too few for a mixture of 10" in called("compare", tmp_path / "a", tmp_path / "b", code=2)
    assert "'--components'" in called("compare", tmp_path / "a", tmp_path / "b", "--components", 0, code=2)
    assert "c/card.json cannot be read" in called("compare", tmp_path / "a", tmp_path / "c", code=2)
    (tmp_path / "b" / "latents.safetensors").unlink()
    assert "has no stored codes" in called("compare", tmp_path / "a", tmp_path / "b", "--components", 2, code=2)


def test_classifier_writes_what_it_says(tmp_path: Path, called: Callable[..., str]) -> None:
    path = tmp_path / "digits.safetensors"
    said = called("classifier", "digits", "--out", path, "--steps", 30, "--seed", 2)
    card = load(path).card
    assert f"right on {card.test_accuracy:.4f} of 360 test images: {path}" in said
    assert (card.dataset, card.steps, card.seed) == ("digits", 30, 2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("nothing --out a", "no data set named 'nothing'"),
        ("digits", "Missing option '--out'"),
        ("digits --out a --steps 0", "'--steps'"),
        ("digits --out . --steps 1", "--out . is a folder; give a file"),
    ],
)
def test_a_classifier_that_cannot_be_made(
    arguments: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, called: Callable[..., str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in called("classifier", *arguments.split(), code=2)
    assert list(tmp_path.iterdir()) == []
