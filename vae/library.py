"""The models at hand: those that ship, the runs of this machine, and a shared store's. Reads cards alone: no torch."""

from dataclasses import dataclass
from pathlib import Path

from vae.card import Card, read_card
from vae.errors import CheckpointError

ROOT = Path(__file__).resolve().parent.parent
RUNS = ROOT / "runs"
STORE = ROOT / "store"  # what is mirrored here of a shared store
FOLDERS = (ROOT / "checkpoints", RUNS, STORE)


@dataclass(frozen=True)
class Entry:
    folder: Path
    card: Card


@dataclass(frozen=True)
class Listing:
    cards: tuple[Entry, ...]
    problems: tuple[str, ...]  # one sentence for each folder whose card could not be read


def list_cards(*folders: Path) -> Listing:
    """Every checkpoint directly below the folders (checkpoints/, runs/ and store/ by default), by name in each."""
    cards, problems = [], []
    for folder in folders or FOLDERS:
        for card in sorted(folder.glob("*/card.json")):
            try:
                entry = Entry(card.parent, read_card(card.parent))
                _check_complete(card.parent)
                cards.append(entry)
            except CheckpointError as error:
                problems.append(str(error))
    return Listing(tuple(cards), tuple(problems))


def same_images(first: Card, second: Card) -> bool:
    """Whether two models were trained on the same images, so that they can be compared."""
    return first.data.hash == second.data.hash and first.data.shape == second.data.shape


def _check_complete(folder: Path) -> None:
    for name in ("weights.safetensors", "latents.safetensors"):
        if not (folder / name).is_file():
            raise CheckpointError(f"{folder / name} is missing; the checkpoint is incomplete")
