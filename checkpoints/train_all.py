"""Train the shipped models and classifiers anew, by the command line, and print what was measured.

`make checkpoints`, or `python checkpoints/train_all.py NAME ...` for some of them: a model by its name in recipes.toml,
a classifier as classifiers/mnist. What is trained takes the place of the old one only once it is whole.
"""

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILES = ("weights.safetensors", "latents.safetensors", "card.json")  # the card last: it says that the rest is there
CLASSIFIERS = {f"classifiers/{dataset}": dataset for dataset in ("mnist", "fashion-mnist", "digits")}


def main(names: list[str]) -> None:
    recipes = tomllib.loads((HERE / "recipes.toml").read_text())
    defaults = recipes.pop("defaults")
    known = [*recipes, *CLASSIFIERS]
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"no recipe for {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    for name in names or known:
        if name in CLASSIFIERS:
            train_classifier(name)
        else:
            train(name, defaults | recipes[name])
    subprocess.run([sys.executable, "-m", "checkpoints.latent_figures"], cwd=HERE.parent, check=True)
    subprocess.run([sys.executable, "-m", "vae", "models", "--folder", str(HERE)], check=True)


def train(name: str, settings: dict[str, object]) -> None:
    options = [part for option, value in settings.items() for part in (f"--{option}", str(value))]
    print(f"\n{name}: python -m vae train {' '.join(options)}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / name
        subprocess.run([sys.executable, "-m", "vae", "train", *options, "--out", str(out)], check=True)
        target = HERE / name
        target.mkdir(exist_ok=True)
        for file in FILES:
            (target / file).write_bytes((out / file).read_bytes())


def train_classifier(name: str) -> None:
    options = [CLASSIFIERS[name], "--out", str(HERE / f"{name}.safetensors")]
    print(f"\n{name}: python -m vae classifier {' '.join(options)}", flush=True)
    subprocess.run([sys.executable, "-m", "vae", "classifier", *options], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
