"""The models at hand, as the pages need them: found by id, with a hash that names their content."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from vae import library
from vae.card import Card
from vae.config import Kind
from vae.jobs.listing import is_shown_to
from vae.library import Entry, list_cards

DEFAULT_MODEL = "mnist-vae-2d"
KIND_NAMES: dict[Kind, str] = {"ae": "AE", "vae": "VAE", "pca": "PCA"}


@dataclass(frozen=True)
class ModelOption:
    """One model that can be chosen; `id` is its folder's name, as share links use it."""

    id: str
    folder: Path
    card: Card

    @property
    def file_hash(self) -> str:
        """Changes whenever the weights or the codes do."""
        files = (self.folder / "weights.safetensors", self.folder / "latents.safetensors")
        return "".join(hash_of_file(path) for path in files)

    @property
    def label(self) -> str:
        """What the picker shows: name, data set, kind, d, a test figure, parameters, date."""
        card, metrics = self.card, self.card.metrics
        parts = [f"{card.data.name} · {KIND_NAMES[card.model.kind]} · d = {card.model.latent_dim}"]
        if metrics and metrics.elbo is not None:
            parts.append(f"ELBO {metrics.elbo:.1f} nats".replace("-", "\u2212"))
        elif metrics:
            parts.append(f"MSE {metrics.mse:.4f}")
        parts.append(f"{_rounded(card.parameters)} parameters · {card.training.finished:%Y-%m-%d}")
        return f"{self.id}  ({', '.join(parts)})"


def model_options(visitor: str | None = None) -> dict[str, ModelOption]:
    """Every readable model by id, the opening one first; a shipped model hides a run of the same name.

    Of the runs, those that `visitor` may see (None: all).
    """
    options: dict[str, ModelOption] = {}
    for entry in list_cards().cards:
        if entry.folder.parent != library.RUNS or is_shown_to(entry.folder, visitor):
            options.setdefault(entry.folder.name, _option(entry))
    first = [DEFAULT_MODEL] if DEFAULT_MODEL in options else []
    return {name: options[name] for name in first + [name for name in options if name not in first]}


def _option(entry: Entry) -> ModelOption:
    return ModelOption(entry.folder.name, entry.folder, entry.card)


def _rounded(count: int) -> str:
    return f"{count / 1e6:.1f}M" if count >= 1e6 else f"{count / 1e3:.0f}k"


def hash_of_file(path: Path) -> str:
    """A short hash of a file's content, worked out anew only when the file was written again."""
    return _hash_of(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _hash_of(path: Path, _modified: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
