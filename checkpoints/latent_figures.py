"""Measure the latent space of every shipped model, as the compare page shows it.

`python -m checkpoints.latent_figures`; `make checkpoints` runs it after training. The results lie in
latent_figures.json, beside the models.
"""

from pathlib import Path

from rich.progress import track

import vae
from vae.analysis.latent_figures import latent_figures
from vae.analysis.stored_figures import RESULTS, Measured, version_of, write
from vae.classifier.classifier import classifier_for
from vae.codes import load_codes
from vae.library import list_cards

HERE = Path(__file__).resolve().parent


def main() -> None:
    found = {}
    for entry in track(list_cards(HERE).cards, "latent spaces", transient=True):
        data = entry.card.data
        figures = latent_figures(vae.load(entry.folder), load_codes(entry.folder), classifier_for(data))
        found[entry.folder.name] = Measured(version=version_of(entry.folder, data.name), figures=figures)
    write(RESULTS, found, made_by="python -m checkpoints.latent_figures")


if __name__ == "__main__":
    main()
