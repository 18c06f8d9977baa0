"""Small untrained models of every kind the explorer must show, written in a moment."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator

from vae.card import Card, DataCard, Metrics, TrainingCard
from vae.checkpoint import WEIGHTS, save
from vae.codes import Codes
from vae.config import ModelConfig, RunConfig
from vae.models import build

COLOUR, WIDE, MANY, STROKES, TORN, LINEAR = (
    "colour-2d", "wide-2d", "many-6d", "strokes-2d", "torn-2d", "linear-2d",
)  # fmt: skip
MANY_KL = (0.5, 2.0, 0.001, 1.2, 0.0, 3.0)  # nats; z3 and z5 carry nothing


def make_models(folder: Path) -> None:
    """One folder a model, each with codes of its own to draw a map from."""
    _make(folder / STROKES, ModelConfig(hidden=(32,)), (1, 10, 8), ink=True, classes=("low", "middle", "high"))
    _make(folder / TORN, ModelConfig(hidden=(32,)), (1, 10, 8), ink=True)
    _make(
        folder / WIDE, ModelConfig(kind="ae", network="conv", hidden=(16,)), (1, 12, 16), classes=("0", "1"), spread=9.0
    )
    _make(folder / LINEAR, ModelConfig(kind="pca"), (1, 9, 8), ink=True, classes=("0", "1"), spread=2.0)
    _make(folder / COLOUR, ModelConfig(likelihood="gaussian-learned", hidden=(24,)), (3, 14, 9))
    _make(folder / MANY, ModelConfig(latent_dim=6, hidden=(32,)), (1, 8, 8), ink=True, classes=("0", "1"), kl=MANY_KL)
    torn = folder / TORN / WEIGHTS
    torn.write_bytes(torn.read_bytes()[: torn.stat().st_size // 2])


def _make(
    folder: Path,
    config: ModelConfig,
    shape: tuple[int, int, int],
    ink: bool = False,
    classes: tuple[str, ...] = (),
    spread: float = 1.0,
    kl: tuple[float, ...] | None = None,
) -> None:
    model = build(config, shape, seed=len(folder.name))
    with torch.no_grad():
        for weights in model.decoder.parameters():
            weights.mul_(3.0)  # fresh weights give nearly the same grey everywhere
    random = np.random.default_rng(0)
    save(folder, model, _card(folder.name, config, shape, ink, classes, kl), _codes(random, config, classes, spread))


def _codes(random: Generator, config: ModelConfig, classes: tuple[str, ...], spread: float) -> Codes:
    count, d = 240, config.latent_dim
    labels = (np.arange(count) % len(classes)).astype(np.int32) if classes else None
    mu = spread * random.normal(scale=0.4, size=(count, d)).astype(np.float32)
    if labels is not None:  # classes round a circle in the first two dimensions
        angles = 2 * np.pi * labels / len(classes)
        mu[:, :2] += spread * np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    sigma = np.full((count, d), 0.2, dtype=np.float32) if config.kind == "vae" else None
    return Codes(mu, sigma, labels)


def _card(
    name: str,
    config: ModelConfig,
    shape: tuple[int, int, int],
    ink: bool,
    classes: tuple[str, ...],
    kl: tuple[float, ...] | None,
) -> Card:
    metrics = Metrics(model=name, dataset="made", split="test", images=240, mse=0.1, kl_per_dimension=kl)
    data = DataCard(
        name="made", hash="0", shape=shape, class_names=classes, ink=ink, train_images=1, test_images=240,
        licence="none", credit="nobody",
    )  # fmt: skip
    training = TrainingCard(epochs=0, seconds=0.0, images_per_second=0.0, finished=datetime(2026, 1, 1, tzinfo=UTC))
    config_of_run = RunConfig(dataset="made", model=config)
    return Card(
        name=name, config=config_of_run, data=data, parameters=1, training=training, metrics=metrics, versions={}
    )
