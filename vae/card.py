"""The card of a checkpoint: what the model is, what it was trained on, and what was measured. No torch here."""

from datetime import datetime
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vae.config import Changeable, ModelConfig, RunConfig, TrainingConfig, explain
from vae.errors import CheckpointError

CARD = "card.json"
SCHEMA_VERSION = 1
MAX_CARD_BYTES = 1_000_000


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DataCard(_Strict):
    """The data a model was trained on, and what their owners ask for."""

    name: str
    hash: str = Field(description="sha256 of the training images and labels")
    shape: tuple[int, int, int] = Field(description="channels, height, width")
    class_names: tuple[str, ...]
    ink: bool = Field(description="strokes on an empty ground: may be shown dark on light; a photograph may not")
    train_images: int = Field(ge=1)
    test_images: int = Field(ge=1)
    licence: str
    credit: str


class Change(_Strict):
    """A setting changed while a run went on: before which batch, of which epoch, so that it can be done again."""

    epoch: int = Field(ge=1)
    batch: int = Field(ge=0, description="batches of that epoch with the old value")
    name: Changeable
    old: int | float | str
    new: int | float | str

    @model_validator(mode="after")
    def _is_a_setting(self) -> Self:
        for value in (self.old, self.new):
            TrainingConfig.model_validate({self.name: value}, strict=True)
        return self


class TrainingCard(_Strict):
    """What training took."""

    epochs: int = Field(ge=0, description="whole epochs behind these weights")
    seconds: float = Field(ge=0)
    images_per_second: float = Field(ge=0)
    finished: datetime
    changes: tuple[Change, ...] = Field(default=(), description="where the run left its config")
    computed: str | None = Field(default=None, description="on what, unless by one process of a CPU in float32")


class Metrics(_Strict):
    """What `evaluate` measures. Terms of a VAE in nats per image, averaged over the images; None where not defined."""

    model: str
    dataset: str
    split: str
    images: int = Field(ge=1)
    binarized: bool = False
    elbo: float | None = Field(default=None, description="reconstruction minus kl; negative for discrete likelihoods")
    reconstruction: float | None = Field(
        default=None,
        description="E_q[log p(x|z)]: by sampling q; with a gap, by a sum over a grid of q's own, free of that noise",
    )
    kl: float | None = Field(default=None, description="KL(q(z|x) || p(z)), summed over dimensions")
    kl_per_dimension: tuple[float, ...] | None = None
    mse: float = Field(description="squared error of the reconstruction from the mean code, per pixel")
    active_units: int | None = Field(
        default=None, description="dimensions whose mean varies over the data by more than 0.01"
    )
    knn_accuracy: float | None = Field(default=None, description="5 nearest neighbours on the codes, leave-one-out")
    importance_bound: float | None = None
    log_evidence: float | None = Field(default=None, description="log p(x) by an adaptive grid, for d = 2")
    gap: float | None = Field(default=None, description="log_evidence minus elbo: KL(q(z|x) || p(z|x))")
    gap_error: float | None = Field(default=None, description="how far off the gap may be")
    factors: dict[str, tuple[float, ...]] | None = Field(
        default=None, description="for data with known factors: each factor's normalised mutual information with each z"
    )


class _Versioned(BaseModel):
    """What a card of any version has; a newer one may hold fields that this version does not know."""

    schema_version: int = Field(default=SCHEMA_VERSION, ge=1)


class Card(_Strict):
    """Everything a person or a page wants to know about a checkpoint without opening its weights."""

    schema_version: int = Field(default=SCHEMA_VERSION, ge=1)
    name: str = Field(min_length=1, max_length=255)
    config: RunConfig
    data: DataCard
    parameters: int = Field(ge=1)
    training: TrainingCard
    metrics: Metrics | None = None
    versions: dict[str, str]

    @model_validator(mode="after")
    def _one_figure_a_dimension(self) -> Self:
        if self.metrics:
            per_dimension = {"kl_per_dimension": self.metrics.kl_per_dimension} | (self.metrics.factors or {})
            for name, figures in per_dimension.items():
                if figures is not None and len(figures) != self.model.latent_dim:
                    raise ValueError(f"{name} has {len(figures)} figures for {self.model.latent_dim} latent dimensions")
        return self

    @property
    def model(self) -> ModelConfig:
        return self.config.model


def parse_card(text: str | bytes, source: str) -> Card:
    """Read a card. Raises CheckpointError naming `source` and the first field that is wrong."""
    try:
        version = _Versioned.model_validate_json(text, strict=True).schema_version
        if version > SCHEMA_VERSION:
            raise CheckpointError(
                f"{source} has schema version {version}; this version reads up to {SCHEMA_VERSION}. Update."
            )
        return Card.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise CheckpointError(f"{source} is not a card this version reads: {explain(error)}") from None


def read_card(folder: Path) -> Card:
    """Read `folder/card.json`. Raises CheckpointError when it is missing, too large or not a card."""
    path = Path(folder) / CARD
    try:
        with path.open("rb") as file:
            text = file.read(MAX_CARD_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a path that no system can have
        reason = "no such file" if isinstance(error, FileNotFoundError) else getattr(error, "strerror", None) or error
        raise CheckpointError(f"{path} cannot be read: {reason}. A checkpoint is a folder with a card.json.") from None
    if len(text) > MAX_CARD_BYTES:
        raise CheckpointError(f"{path} is no card: it has more than {MAX_CARD_BYTES:,} bytes")
    return parse_card(text, str(path))
