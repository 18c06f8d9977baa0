"""Measure how well PCA, AE and VAE of equal networks keep an image in d = 2, 10 and 20 numbers: `make compression`.

The points at d = 2 are the shipped models'. The others are trained by the command line into build/compression/, which
git ignores, unless they lie there already; then compression.json is written from the cards.
"""

import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from vae.card import read_card
from vae.compression import Compression, Point
from vae.config import RunConfig, from_flat
from vae.errors import CheckpointError
from vae.files import write_atomically

HERE = Path(__file__).resolve().parent
RESULTS, WORK = HERE / "compression.json", HERE.parent / "build" / "compression"
FAMILIES = ("mnist", "fashion", "digits")
KINDS = ("pca", "ae", "vae")
LARGER = (10, 20)
FEWER_EPOCHS = {"mnist": 12, "fashion": 12}
NOTE = (
    "Test MSE per pixel. AE and VAE of one data set have the same network and differ from the shipped d = 2 models "
    "in d and, on MNIST and Fashion-MNIST, in the number of epochs: 12 with a cosine schedule at d = 10 and 20 against "
    "60 and 40 at d = 2. Twelve epochs are not all that such networks can do: mnist-vae-20d, longer trained, errs "
    "less. The VAEs have beta = 1 and a Bernoulli likelihood: they minimise no squared error, and a dimension that "
    "does not pay for its KL stays silent."
)

Settings = dict[str, object]


def main() -> None:
    recipes: dict[str, Settings] = tomllib.loads((HERE / "recipes.toml").read_text())
    points = []
    for family in FAMILIES:
        for kind in KINDS:
            shipped = f"{family}-{kind}-2d"
            recipe = recipes["defaults"] | recipes[shipped]
            points.append(point(HERE / shipped, recipe, shipped))
            for d in LARGER:
                settings = larger(recipe, d, FEWER_EPOCHS.get(family))
                folder = WORK / f"{family}-{kind}-{d}d"
                if not is_trained(folder, settings):
                    train(folder, settings)
                points.append(point(folder, settings))
    results = Compression(made_by="make compression", note=NOTE, points=tuple(points))
    write_atomically(RESULTS, (results.model_dump_json(indent=2) + "\n").encode())
    for each in points:
        print(f"{each.dataset:14} {each.kind:4} d = {each.d:2}  MSE {each.mse:.4f}")


def larger(recipe: Settings, d: int, epochs: int | None) -> Settings:
    """The recipe with another d and, for what is trained at all, maybe fewer epochs."""
    fewer = {} if epochs is None or recipe.get("model") == "pca" else {"epochs": epochs}
    return recipe | {"latent-dim": d} | fewer


def command(settings: Settings) -> list[str]:
    options = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    return ["python", "-m", "vae", "train", *options]


def config_of(settings: Settings) -> RunConfig:
    return from_flat({"kind" if name == "model" else name.replace("-", "_"): value for name, value in settings.items()})


def is_trained(folder: Path, settings: Settings) -> bool:
    try:
        return read_card(folder).config == config_of(settings)
    except CheckpointError:
        return False


def train(folder: Path, settings: Settings) -> None:
    """Train beside `folder`, which appears once it is whole."""
    unfinished = WORK / "unfinished" / folder.name
    for old in (unfinished, folder):
        shutil.rmtree(old, ignore_errors=True)
    words = command(settings)
    print(f"\n{folder.name}: {shlex.join(words)}", flush=True)
    subprocess.run([sys.executable, *words[1:], "--out", str(unfinished)], cwd=HERE.parent, check=True)
    unfinished.rename(folder)


def point(folder: Path, settings: Settings, shipped: str | None = None) -> Point:
    card = read_card(folder)
    if card.metrics is None:
        sys.exit(f"{folder} carries no figures; train it again")
    return Point(
        dataset=card.data.name,
        kind=card.model.kind,
        d=card.model.latent_dim,
        mse=card.metrics.mse,
        epochs=card.training.epochs,
        command=shlex.join(command(settings)),
        checkpoint=shipped,
        data_hash=card.data.hash,
        finished=card.training.finished,
    )


if __name__ == "__main__":
    main()
