"""Checkpoints of untrained models: made in a moment."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from vae import checkpoint
from vae.card import Card, DataCard, Metrics, TrainingCard
from vae.codes import Codes
from vae.config import RunConfig
from vae.models import Model, build
from vae.network_sizes import Shape

FILES = ("card.json", "latents.safetensors", "weights.safetensors")


def card_for(config: RunConfig, model: Model, name: str = "small") -> Card:
    data = DataCard(
        name="digits",
        hash="0" * 64,
        shape=model.shape,
        class_names=("a", "b"),
        ink=True,
        train_images=10,
        test_images=4,
        licence="none",
        credit="nobody",
    )
    return Card(
        name=name,
        config=config,
        data=data,
        parameters=sum(p.numel() for p in model.parameters()),
        training=TrainingCard(epochs=3, seconds=1.5, images_per_second=20, finished=datetime(2024, 2, 29, tzinfo=UTC)),
        metrics=Metrics(model=name, dataset="digits", split="test", images=4, mse=0.1),
        versions={"torch": "2.0"},
    )


def codes_for(config: RunConfig) -> Codes:
    mu = np.arange(4 * config.model.latent_dim, dtype=np.float32).reshape(4, -1)
    sigma = np.exp(-mu) if config.model.kind == "vae" else None
    return Codes(mu, sigma, np.array([0, 1, 1, 0], np.int32))


def save(folder: Path, config: RunConfig, shape: Shape = (1, 8, 8), seed: int = 0) -> Model:
    model = build(config.model, shape, seed)
    checkpoint.save(folder, model, card_for(config, model), codes_for(config))
    return model


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
