"""The figures of the shipped models, measured once and read from a file: no page need wait. No torch here."""

import hashlib
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from vae.analysis.figures import LatentFigures
from vae.classifier.card import classifier_file
from vae.files import write_atomically
from vae.library import ROOT

RESULTS = ROOT / "checkpoints" / "latent_figures.json"
FILES = ("weights.safetensors", "latents.safetensors", "card.json")


class Measured(BaseModel):
    """One model's figures, and the version of the files that they were measured on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    figures: LatentFigures


class _Results(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    made_by: str
    models: dict[str, Measured]


def version_of(folder: Path, dataset: str) -> str:
    """A hash of every file that a model's figures depend on: its own, and its data's classifier."""
    paths = [folder / name for name in FILES]
    classifier = classifier_file(dataset)
    present = [path for path in [*paths, *([classifier] if classifier else [])] if path.exists()]
    return hashlib.sha256("".join(_digest(path, path.stat().st_mtime_ns) for path in present).encode()).hexdigest()[:16]


def stored_figures(name: str, version: str) -> LatentFigures | None:
    """What was measured of a shipped model; None when nothing was, or its files have changed since."""
    found = read(RESULTS).get(name)
    return found.figures if found and found.version == version else None


def read(path: Path) -> dict[str, Measured]:
    """All that a results file holds; nothing when it is missing or damaged, as every figure can be measured anew."""
    try:
        return _Results.model_validate_json(path.read_bytes()).models
    except (OSError, ValidationError):
        return {}


def write(path: Path, models: dict[str, Measured], made_by: str) -> None:
    """Replace a results file. Raises OSError from the disk."""
    text = _Results(made_by=made_by, models=models).model_dump_json(indent=1)
    write_atomically(path, text.encode())


@lru_cache(maxsize=256)
def _digest(path: Path, _modified: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
