"""What a run leaves: the checkpoint of its last whole epoch, measured as it is stored."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from vae import checkpoint
from vae.analysis.codes import encode_set
from vae.analysis.evaluate import evaluate
from vae.card import Card, DataCard, TrainingCard
from vae.config import RunConfig
from vae.models import build
from vae.training.run_data import RunData
from vae.training.state import TrainingState


def save_checkpoint(folder: Path, config: RunConfig, state: TrainingState, data: RunData, computed: str | None) -> None:
    """Into the run's folder; `computed` says on what. Raises OSError, and VaeError when a figure is not finite."""
    name = folder.resolve().name
    # What is measured is what is stored: rounded weights are loaded back before they are evaluated.
    model = build(config.model, data.train.shape)
    model.load_state_dict(checkpoint.rounded(state.model.state_dict(), config.storage))
    model.eval()
    card = Card(
        name=name,
        config=config,
        data=DataCard(
            name=data.train.name,
            hash=data.train.hash,
            shape=data.train.shape,
            class_names=data.train.class_names,
            ink=data.train.is_ink,
            train_images=len(data.fit_on),
            test_images=len(data.test),
            licence=data.train.licence,
            credit=data.train.credit,
        ),
        parameters=sum(p.numel() for p in model.parameters()),
        training=TrainingCard(
            epochs=state.epoch,
            seconds=round(state.seconds, 1),
            images_per_second=round(state.epoch * len(data.fit_on) / state.seconds),
            finished=datetime.now(UTC).replace(microsecond=0),
            changes=tuple(state.changes),
            computed=computed,
        ),
        metrics=evaluate(model, data.test, name=name),
        versions={"python": platform.python_version()} | {name: version(name) for name in ("torch", "numpy")},
    )
    checkpoint.save(folder, model, card, encode_set(model, data.test))
