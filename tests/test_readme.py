"""What the README says is run, and its figures are those of the cards."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from vae.library import list_cards

ROOT = Path(__file__).resolve().parent.parent
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
def test_the_commands_run(tmp_path: Path) -> None:
    for line in fenced_block("python -m vae train").splitlines():
        words = shlex.split(line)
        assert words[:3] == ["python", "-m", "vae"]
        done = subprocess.run(
            [sys.executable, *words[1:]],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}: {done.stderr}"
    assert (tmp_path / "samples.png").stat().st_size > 0


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
