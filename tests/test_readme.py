"""What the README says is run, and its figures are those of the cards."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.main import get_group
from typer.testing import CliRunner

from vae.cli import app
from vae.library import list_cards

ROOT = Path(__file__).resolve().parent.parent
SHORTER = {"train": ("--epochs", "2"), "classifier": ("--steps", "20")}  # what is typed takes more, and no other code
AS_A_PROCESS = ["datasets"]
PATIENCE = 300  # seconds, for a process that hangs
README = (ROOT / "README.md").read_text(encoding="utf-8")


def fenced_block(containing: str) -> str:
    blocks = re.findall(r"^( *)```\w*\n(.*?)^ *```$", README, flags=re.MULTILINE | re.DOTALL)
    [(margin, block)] = [(margin, block) for margin, block in blocks if containing in block]
    return "\n".join(line.removeprefix(margin) for line in block.splitlines())


def test_the_library_example_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names: dict[str, object] = {}
    exec(fenced_block("import vae"), names)
    assert {"model", "q", "p"} <= names.keys()


@pytest.mark.slow
def test_the_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = fenced_block("python -m vae evaluate")
    assert shlex.join(["python", "-m", "vae", *AS_A_PROCESS]) in commands.splitlines()
    run_all(commands, tmp_path, monkeypatch)
    assert (tmp_path / "samples.png").stat().st_size > 0


@pytest.mark.slow
def test_the_commands_on_own_images_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(0).integers(256, size=(12, 20, 24, 3), dtype=np.uint8)
    for number, pixels in enumerate(images):
        folder = tmp_path / "pictures" / "pets" / ("cat", "dog")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{number}.jpg")
    np.savez(tmp_path / "arrays.npz", images=images)
    run_all(fenced_block("folder:~/pictures/pets"), tmp_path, monkeypatch)
    assert (tmp_path / "runs" / "pets" / "card.json").is_file()


def run_all(commands: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each line, from the folder `home`, which is the home folder too."""
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)
    for line in commands.splitlines():
        words = shlex.split(line)
        assert words[:3] == ["python", "-m", "vae"]
        if words[3:] == AS_A_PROCESS:
            run_as_a_process(words, home)
        else:
            name, *options = words[3:]
            get_group(app).commands[name].make_context(name, list(options))  # all that is written can be parsed
            shortened = [name, *options, *SHORTER.get(name, ())]
            done = CliRunner().invoke(app, shortened, catch_exceptions=False)
            assert done.exit_code == 0, f"{line}: {done.output}"


def run_as_a_process(words: list[str], home: Path) -> None:
    """As it is typed."""
    done = subprocess.run(
        [sys.executable, *words[1:]],
        cwd=home,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{shlex.join(words)}: {done.stderr}"


def test_the_table_of_models_is_that_of_the_cards() -> None:
    rows = re.findall(r"^\| `([a-z0-9-]+)` \|(.*)\|$", README, flags=re.MULTILINE)
    found = {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows}
    expected = {}
    for entry in list_cards(ROOT / "checkpoints").cards:
        metrics = entry.card.metrics
        assert metrics is not None
        expected[entry.folder.name] = [
            "" if metrics.elbo is None else f"{-metrics.elbo:.2f}".replace("-", "\u2212"),
            f"{metrics.mse:.4f}",
            "" if metrics.knn_accuracy is None else f"{metrics.knn_accuracy:.3f}",
            f"{entry.card.training.epochs}",
        ]
    assert found == expected
