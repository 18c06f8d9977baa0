"""How well a few numbers keep an image: squared error against d, measured once and read from a file. No torch here."""

from datetime import datetime
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from vae.config import Kind, explain
from vae.errors import CheckpointError

SCHEMA_VERSION = 1
MAX_BYTES = 1_000_000


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Point(_Strict):
    """One trained model, measured on the test set of its data."""

    dataset: str = Field(min_length=1)
    kind: Kind
    d: int = Field(ge=1, description="latent dimensions")
    mse: float = Field(ge=0, description="squared error of the reconstruction from the mean code, per pixel")
    epochs: int = Field(ge=1, description="passes over the training images; a PCA needs one")
    command: str = Field(min_length=1, description="what trained it")
    checkpoint: str | None = Field(default=None, description="the shipped model whose card says so, where there is one")
    data_hash: str = Field(min_length=1, description="sha256 of the training images and labels")
    finished: datetime


class Compression(_Strict):
    """All points, and what a reader must know to compare them."""

    schema_version: int = Field(default=SCHEMA_VERSION, ge=1, le=SCHEMA_VERSION)
    made_by: str
    note: str
    points: tuple[Point, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_point_a_place(self) -> Self:
        places = [(point.dataset, point.kind, point.d) for point in self.points]
        for place in places:
            if places.count(place) > 1:
                raise ValueError(f"two points for {' '.join(map(str, place))}")
        hashes = {(point.dataset, point.data_hash) for point in self.points}
        if len(hashes) > len({dataset for dataset, _ in hashes}):
            raise ValueError("points of one data set were measured on different data; measure them all anew")
        return self

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets there are points for, in the file's order."""
        return tuple(dict.fromkeys(point.dataset for point in self.points))

    def curves(self, dataset: str) -> dict[Kind, tuple[Point, ...]]:
        """The points of a data set by kind, in the file's order of kinds, d rising; empty for a set that has none."""
        curves: dict[Kind, tuple[Point, ...]] = {}
        for point in self.points:
            if point.dataset == dataset:
                curves[point.kind] = (*curves.get(point.kind, ()), point)
        return {kind: tuple(sorted(points, key=lambda point: point.d)) for kind, points in curves.items()}


def read_compression(path: Path) -> Compression:
    """Read the results that `make compression` wrote. Raises CheckpointError naming `path` and what is wrong."""
    try:
        with Path(path).open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}. `make compression` writes it.") from None
    if len(text) > MAX_BYTES:
        raise CheckpointError(f"{path} holds no results: it has more than {MAX_BYTES:,} bytes")
    try:
        return Compression.model_validate_json(text, strict=True)
    except ValidationError as error:
        raise CheckpointError(f"{path} holds no results this version reads: {explain(error)}") from None
