"""The command line: `python -m vae train | evaluate | sample | compare | classifier | publish | models | datasets`.

Commands import what they need when they run, so that `--help` does not wait for torch.
"""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from vae.cli_options import accepts_settings
from vae.errors import VaeError
from vae.terminal import console
from vae.training.machines import machine_help, machines

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Train, measure and use small variational autoencoders.",
)
Checkpoint = Annotated[Path, typer.Argument(help="checkpoint folder, such as checkpoints/mnist-vae-2d")]


def main() -> None:
    """Run a command. What a person can mend is one line on stderr and exit code 2, never a traceback."""
    try:
        code = app(args=sys.argv[1:] or ["--help"], standalone_mode=False)
    except VaeError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.filename or 'writing'}: {error.strerror or error}")
    except Exception as error:
        say = getattr(error, "format_message", None)  # the parser's own errors know how to say themselves
        if say is None:
            raise
        _fail(say())
    else:
        sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str) -> None:
    print("error: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(2)


@app.command()
@accepts_settings
def train(
    settings: dict[str, Any],
    out: Annotated[Path, typer.Option(help="folder for the checkpoint")],
    resume: Annotated[bool, typer.Option("--resume", help="go on with the run in --out")] = False,
    accelerator: Annotated[str | None, typer.Option(help=machine_help("accelerator"))] = None,
    devices: Annotated[int | None, typer.Option(help=machine_help("devices"))] = None,
    nodes: Annotated[int | None, typer.Option(help=machine_help("nodes"))] = None,
    strategy: Annotated[str | None, typer.Option(help=machine_help("strategy"))] = None,
    precision: Annotated[str | None, typer.Option(help=machine_help("precision"))] = None,
    workers: Annotated[int | None, typer.Option(help=machine_help("workers"))] = None,
) -> None:
    """Train a model into a checkpoint folder. Ctrl-C saves the whole epochs so far."""
    from vae.cli_train import train_and_show

    chosen = machines(
        accelerator=accelerator, devices=devices, nodes=nodes, strategy=strategy, precision=precision, workers=workers
    )
    train_and_show(settings, out, resume, chosen)


@app.command()
def evaluate(
    checkpoint: Checkpoint,
    dataset: Annotated[str | None, typer.Option(help="data set; the model's own when not given")] = None,
    split: Annotated[str, typer.Option(help="train or test")] = "test",
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
    binarize: Annotated[bool, typer.Option("--binarize", help="split pixels at one half first")] = False,
    importance_samples: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="add the importance-weighted bound with so many samples")
    ] = None,
    quadrature: Annotated[
        bool, typer.Option("--quadrature", help="add log p(x) by a grid, and the gap (d = 2)")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="measure the first so many images only")] = None,
) -> None:
    """Measure a model: ELBO and its terms in nats per image, squared error per pixel, 5-NN accuracy of the codes."""
    from vae.cli_evaluate import measure

    metrics = measure(checkpoint, dataset, split, binarize, importance_samples, quadrature, limit)
    if as_json:
        print(json.dumps(metrics.model_dump(), allow_nan=False))
        return
    table = Table("measure", "value", title=f"{metrics.model} on {metrics.dataset}, {metrics.split}")
    for name, value in metrics.model_dump(exclude_none=True).items():
        table.add_row(name.replace("_", " "), _shown(value))
    console().print(table)


@app.command()
def sample(
    checkpoint: Checkpoint,
    out: Annotated[Path, typer.Option(help="PNG file to write")],
    count: Annotated[int, typer.Option(min=1, max=10_000, help="how many images")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="the same seed draws the same images")] = 0,
) -> None:
    """Draw z from the prior, decode it, and write the images on one sheet."""
    import io
    import math

    import vae
    from vae.analysis.samples import sample_images
    from vae.files import write_atomically
    from vae.pixels import contact_sheet

    images = sample_images(vae.load(checkpoint), count, seed)
    png = io.BytesIO()
    contact_sheet(images, columns=math.ceil(math.sqrt(count))).save(png, format="PNG")
    write_atomically(out, png.getvalue())
    print(f"{count} images drawn from the prior: {out}")


@app.command()
def compare(
    first: Checkpoint,
    second: Checkpoint,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
    components: Annotated[
        int, typer.Option(min=1, max=1000, help="components of the Gaussian mixture fitted to the codes")
    ] = 10,
) -> None:
    """Set two models of one data set side by side: samples, holes, match with the prior, roughness of paths."""
    from vae.cli_compare import compare_and_show

    compare_and_show(first, second, as_json, components)


@app.command()
def classifier(
    dataset: Annotated[str, typer.Argument(help="data set with labels, such as digits")],
    out: Annotated[Path, typer.Option(help="safetensors file to write")],
    steps: Annotated[int, typer.Option(min=1, max=1_000_000, help="training steps of 128 images")] = 1500,
    seed: Annotated[int, typer.Option(min=0, help="the same seed trains the same weights")] = 0,
) -> None:
    """Train the small classifier of real images by which `compare` judges samples."""
    from vae.cli_classifier import train_and_save

    train_and_save(dataset, out, steps, seed)


@app.command()
def publish(
    checkpoint: Checkpoint,
    store: Annotated[str, typer.Argument(help="a folder, or any address that fsspec knows: s3://bucket/models")],
) -> None:
    """Copy a model to a shared store, from which every app with VAE_STORE=ADDRESS shows it."""
    from vae.store import publish as publish_to

    print(f"published: {publish_to(checkpoint, store)}")


@app.command()
def models(
    folder: Annotated[list[Path] | None, typer.Option(help="where to look; checkpoints/ and runs/ by default")] = None,
) -> None:
    """List the models in checkpoints/ and runs/, with what their cards say."""
    from vae.library import list_cards

    table = Table("model", "kind", "data", "d", "test -ELBO", "test MSE", "5-NN", "parameters", "trained")
    found = list_cards(*(folder or ()))
    for entry in found.cards:
        card, metrics = entry.card, entry.card.metrics
        table.add_row(
            _path(entry.folder),
            card.model.kind,
            card.data.name,
            str(card.model.latent_dim),
            f"{-metrics.elbo:.2f}" if metrics and metrics.elbo is not None else "",
            f"{metrics.mse:.4f}" if metrics else "",
            f"{metrics.knn_accuracy:.3f}" if metrics and metrics.knn_accuracy is not None else "",
            f"{card.parameters:,}",
            f"{card.training.finished:%Y-%m-%d}",
        )
    console().print(table if found.cards else "no models found; `python -m vae train --out runs/first` makes one")
    for problem in found.problems:
        print(f"left out: {problem}", file=sys.stderr)


@app.command()
def datasets() -> None:
    """List the data sets that can be loaded, and where each lies."""
    from vae.data import available

    table = Table("name", "what it is", "here", "where", "licence")
    for info in available():
        here = "built in" if info.embedded else "yours" if info.is_form else "yes" if info.present else "no"
        table.add_row(info.name, info.title, here, info.location, info.licence)
    console().print(table)


def _path(folder: Path) -> str:
    here = Path.cwd()
    return str(folder.relative_to(here) if folder.is_relative_to(here) else folder)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}"
    if isinstance(value, list | tuple):
        return ", ".join(_shown(item) for item in value)
    if isinstance(value, dict):
        return "\n".join(f"{name}: {_shown(item)}" for name, item in value.items())
    return str(value)
