"""Train the shipped models anew from recipes.toml, by the command line, and print what was measured.

`make checkpoints`, or `python checkpoints/train_all.py NAME ...` for some of them. A model is trained beside the old
one and takes its place only once it is whole.
"""

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
FILES = ("weights.safetensors", "latents.safetensors", "card.json")  # the card last: it says that the rest is there


def main(names: list[str]) -> None:
    recipes = tomllib.loads((HERE / "recipes.toml").read_text())
    defaults = recipes.pop("defaults")
    unknown = set(names) - set(recipes)
    if unknown:
        sys.exit(f"no recipe for {', '.join(sorted(unknown))}; known: {', '.join(recipes)}")
    for name in names or recipes:
        train(name, defaults | recipes[name])
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


if __name__ == "__main__":
    main(sys.argv[1:])
