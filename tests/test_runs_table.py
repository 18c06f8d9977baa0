"""The table of runs by Streamlit's test bench: what is chosen stays chosen, and where a chosen run can be taken."""

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import vae.library
from tests.serving import ROOT
from ui.train.runs_list import CHOSEN

PAGE = ROOT / "pages" / "train.py"
SHIPPED = ROOT / "checkpoints"
PATIENCE = 120  # seconds; a busy machine may be slow


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Finished runs: two of the digits, one of MNIST."""
    runs = tmp_path / "runs"
    monkeypatch.setattr(vae.library, "RUNS", runs)
    monkeypatch.setattr(vae.library, "FOLDERS", (SHIPPED, runs))
    for name, source in {"my-vae": "digits-vae-2d", "my-ae": "digits-ae-2d", "other": "mnist-ae-2d"}.items():
        shutil.copytree(SHIPPED / source, runs / name)
    return runs


def page(*chosen: str) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=PATIENCE)
    app.session_state[CHOSEN] = list(chosen)
    return app.run()


def links(app: AppTest) -> dict[str, str]:
    return {link.proto.label: link.proto.url for link in app.get("link_button")}


def said(app: AppTest) -> str:
    return "\n".join(caption.value for caption in app.caption)


def test_one_run_opens_in_the_explorer_and_beside_the_model_that_tells_most(runs: Path) -> None:
    app = page("my-vae")
    assert not app.exception
    assert links(app) == {
        "Open in the explorer": "/?model=my-vae",
        "Compare": "/compare?left=digits-ae-2d&right=my-vae",
    }


def test_two_runs_of_the_same_images_are_compared_the_vae_on_the_right(runs: Path) -> None:
    for chosen in (("my-vae", "my-ae"), ("my-ae", "my-vae")):
        app = page(*chosen)
        assert not app.exception
        assert links(app) == {"Compare these two": "/compare?left=my-ae&right=my-vae"}


def test_two_runs_that_cannot_be_compared_are_said_to_be(runs: Path) -> None:
    app = page("my-vae", "other")
    assert not app.exception
    assert links(app) == {}
    assert "Trained on different images" in said(app)
    (runs / "my-ae" / "card.json").unlink()
    (runs / "my-ae" / "config.json").write_text("{}")
    app = page("my-vae", "my-ae")
    assert not app.exception
    assert "once each has finished an epoch" in said(app)


def test_a_new_run_moves_no_choice_to_another_row(runs: Path) -> None:
    app = page("my-vae")
    shutil.copytree(SHIPPED / "digits-vae-2d", runs / "newer")
    app.run()
    assert not app.exception
    assert app.session_state[CHOSEN] == ["my-vae"]
    assert links(app)["Open in the explorer"] == "/?model=my-vae"
    shutil.rmtree(runs / "my-vae")
    app.run()
    assert not app.exception
    assert links(app) == {}
