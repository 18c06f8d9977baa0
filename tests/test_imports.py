"""Which room may know which: a page opens before torch is there, and the library knows no screen."""

import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

ROOT = Path(__file__).parents[1]
SLOW = ("torch", "torchvision", "sklearn", "scipy", "plotly", "streamlit")


@pytest.mark.parametrize(
    "module",
    [
        *("vae", "vae.library", "vae.export", "vae.card", "vae.config", "vae.data", "vae.cli", "vae.codes"),
        *("vae.classifier.card", "vae.analysis.figures", "vae.compression", "vae.jobs"),
    ],
)
def test_a_page_need_not_wait(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(set({SLOW!r}) & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_names_that_are_imported_when_first_used_are_there() -> None:
    import vae

    assert all(getattr(vae, name) is not None for name in vae.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = vae.nonsense


def test_imports_point_one_way(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The contracts in pyproject.toml."""
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT))
    kept = lint_imports(config_filename="pyproject.toml", cache_dir=None) == EXIT_STATUS_SUCCESS
    report = capsys.readouterr().out
    assert kept, report
    assert "0 broken" in report
