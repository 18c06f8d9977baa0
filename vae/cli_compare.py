"""What `compare` does: two models of one data set, figure by figure."""

import json
from pathlib import Path

from rich.table import Table

from vae import checkpoint
from vae.analysis.figures import CODES_USED, DEFINITIONS, SAMPLES, TITLES, LatentFigures
from vae.analysis.latent_figures import latent_figures
from vae.card import Card, read_card
from vae.classifier.classifier import Classifier, classifier_for
from vae.codes import load_codes
from vae.errors import ConfigError
from vae.library import list_cards, same_images
from vae.terminal import console

SEED = 0


def compare_and_show(first: Path, second: Path, as_json: bool, components: int) -> None:
    """Print the figures of both. Raises ConfigError for models of different images, CheckpointError for unreadable."""
    folders = (first, second)
    cards = [read_card(folder) for folder in folders]
    _check_same_images(folders, cards)
    classifier = classifier_for(cards[0].data)
    figures = [
        latent_figures(checkpoint.load(folder), load_codes(folder), classifier, components, SAMPLES, SEED)
        for folder in folders
    ]
    if as_json:
        print(json.dumps(_as_record(folders, cards, figures, classifier, components), allow_nan=False))
    else:
        _show(cards, figures, classifier)


def _check_same_images(folders: tuple[Path, Path], cards: list[Card]) -> None:
    if same_images(*cards):
        return
    said = [f"{folder} ({_images(card)})" for folder, card in zip(folders, cards, strict=True)]
    beside = [entry for entry in list_cards(folders[0].resolve().parent).cards if entry.folder != folders[0].resolve()]
    fitting = [entry.folder.name for entry in beside if same_images(entry.card, cards[0])]
    advice = f"; beside {folders[0].name} these would fit: {', '.join(fitting)}" if fitting else ""
    raise ConfigError(f"{said[0]} and {said[1]} were trained on different images and cannot be compared{advice}")


def _images(card: Card) -> str:
    channels, height, width = card.data.shape
    return f"{card.data.name}, {channels}x{height}x{width}, {card.data.hash[:8]}"


def _as_record(
    folders: tuple[Path, Path],
    cards: list[Card],
    figures: list[LatentFigures],
    classifier: Classifier | None,
    components: int,
) -> dict[str, object]:
    return {
        "models": [
            {"name": card.name, "folder": str(folder), "kind": card.model.kind, "latent_dim": card.model.latent_dim}
            for folder, card in zip(folders, cards, strict=True)
        ],
        "figures": {name: [getattr(model, name) for model in figures] for name in TITLES},
        "definitions": DEFINITIONS | {"codes": CODES_USED},
        "dataset": cards[0].data.name,
        "classifier": None
        if classifier is None
        else {"test_accuracy": classifier.card.test_accuracy, "test_images": classifier.card.test_images},
        "components": components,
        "samples": SAMPLES,
        "seed": SEED,
    }


def _show(cards: list[Card], figures: list[LatentFigures], classifier: Classifier | None) -> None:
    screen = console()
    table = Table("figure", *(card.name for card in cards), title=f"latent spaces of {cards[0].data.name}")
    for name, title in TITLES.items():
        values = [getattr(model, name) for model in figures]
        table.add_row(title, *("" if value is None else f"{value:.4f}" for value in values))
    screen.print(table)
    for name, title in TITLES.items():
        screen.print(f"{title}: {DEFINITIONS[name]}", soft_wrap=True)
    screen.print(CODES_USED, soft_wrap=True)
    if classifier:
        accuracy, images = classifier.card.test_accuracy, classifier.card.test_images
        screen.print(f"The classifier is right on {accuracy:.4f} of {images:,} test images.", soft_wrap=True)
    else:
        screen.print(f"No classifier of {cards[0].data.name} is here, so no sample was judged.", soft_wrap=True)
