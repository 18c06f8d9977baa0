"""What a classifier says of itself, kept in its file's metadata; and where the shipped ones lie. No torch here."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open

from vae.config import Activation, explain
from vae.errors import CheckpointError
from vae.library import ROOT

FOLDER = ROOT / "checkpoints" / "classifiers"
METADATA_KEY = "classifier"

Width = Annotated[int, Field(ge=1, le=4096)]


class ClassifierCard(BaseModel):
    """A convolutional classifier: its data, its network, and how often it is right."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    dataset: str
    data_hash: str = Field(description="sha256 of the training images and labels")
    shape: tuple[int, int, int] = Field(description="channels, height, width")
    class_names: tuple[str, ...] = Field(min_length=2, max_length=256)
    hidden: tuple[Width, ...] = Field(min_length=1, max_length=6, description="widths behind the convolutions")
    activation: Activation
    steps: int = Field(ge=1, description="training steps taken")
    seed: int = Field(ge=0)
    test_accuracy: float = Field(ge=0, le=1, description="of the stored weights, on the whole test set")
    test_images: int = Field(ge=1)
    licence: str = Field(description="of the data")
    credit: str


def classifier_file(dataset: str) -> Path | None:
    """The shipped classifier of a data set, if there is one."""
    shipped = {path.stem: path for path in FOLDER.glob("*.safetensors")}
    return shipped.get(dataset)


def read_classifier_card(path: Path) -> ClassifierCard:
    """The card of a classifier's file. Raises CheckpointError, naming the file, when it holds none."""
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} cannot be read as a safetensors file: {error}") from None
    if METADATA_KEY not in metadata:
        raise CheckpointError(f"{path} is no classifier: its metadata has no {METADATA_KEY!r}")
    try:
        return ClassifierCard.model_validate_json(metadata[METADATA_KEY], strict=True)
    except ValidationError as error:
        raise CheckpointError(f"{path} holds no classifier card this version reads: {explain(error)}") from None
