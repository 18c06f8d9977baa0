"""What `classifier` does: trains one, shows how it goes, writes its file."""

from pathlib import Path

from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

from vae.classifier.classifier import save
from vae.classifier.train import train_classifier
from vae.data import load
from vae.errors import ConfigError
from vae.terminal import console, progress


def train_and_save(dataset: str, out: Path, steps: int, seed: int) -> None:
    """Train a classifier of `dataset` into the file `out`. Raises VaeError; OSError when `out` cannot be written."""
    train_set, test_set = load(dataset, "train"), load(dataset, "test")
    if out.is_dir():
        raise ConfigError(f"--out {out} is a folder; give a file, such as {out / dataset}.safetensors")
    out.parent.mkdir(parents=True, exist_ok=True)  # before the training, so that no minute is lost
    screen = console()
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with progress(screen, *columns) as bars:
        bar = bars.add_task("training", total=steps)
        classifier = train_classifier(
            train_set,
            test_set,
            steps,
            seed,
            told=lambda step, loss: bars.update(bar, completed=step, description=f"loss {loss:.3f} nats"),
        )
    save(out, classifier)
    card = classifier.card
    screen.print(f"right on {card.test_accuracy:.4f} of {card.test_images:,} test images: {out}", soft_wrap=True)
