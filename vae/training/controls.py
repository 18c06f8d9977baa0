"""`control.json`: what a person asks of a run that goes on. A page writes it, the run reads it. No torch here."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vae.config import CHANGEABLE, Beta, GapImages, LearningRate, RunConfig, Trains, explain, from_flat, to_flat
from vae.errors import CheckpointError, ConfigError
from vae.files import write_atomically

FILE = "control.json"
SECONDS_BETWEEN_READINGS = 0.1


class Controls(BaseModel):
    """A transport bar's buttons. They stay as they are until somebody presses another."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    stop: bool = Field(default=False, description="end now, and keep the whole epochs")
    reason: str | None = Field(default=None, description="why to stop, for the record")
    paused: bool = Field(default=False, description="begin no further batch")
    single_epoch: bool = Field(default=False, description="go on to the end of the epoch, and pause there")
    beta: Beta | None = Field(default=None, description="the weight of the KL term from the next batch on")
    learning_rate: LearningRate | None = Field(default=None, description="Adam's step size from the next batch on")
    trains: Trains | None = Field(default=None, description="which part takes steps from the next batch on")
    exact_gap_images: GapImages | None = Field(
        default=None, description="images whose exact gap is measured from the end of this epoch on"
    )
    speed: float = Field(default=1.0, gt=0.0, le=1.0, description="the share of the time that it may work")
    serial: int = Field(default=0, ge=0, description="counts single epochs: a second one is not the first")

    def merged(self, change: "Controls") -> "Controls":
        """These, with what `change` says explicitly; play and pause end the single epoch asked for before."""
        changed = {name: getattr(change, name) for name in change.model_fields_set}
        if "paused" in changed:
            changed.setdefault("single_epoch", False)
        asked_again = "single_epoch" in change.model_fields_set  # a new beta is no further epoch
        return self.model_copy(update=changed | {"serial": self.serial + asked_again})


def asked_for(values: Mapping[str, Any], config: RunConfig) -> Controls:
    """The request for other settings, by their names, of a run with `config`.

    Raises ConfigError when a value is out of bounds, or means nothing for its model.
    """
    try:
        asked = Controls.model_validate(values)
    except ValidationError as error:
        raise ConfigError(explain(error)) from None
    check_fits(asked, config)
    return asked


def check_fits(asked: Controls, config: RunConfig) -> None:
    """Raises ConfigError when the run's model cannot have a setting that is asked for."""
    wanted = {name: getattr(asked, name) for name in CHANGEABLE}
    from_flat(to_flat(config) | {name: value for name, value in wanted.items() if value is not None})


def read_controls(folder: Path) -> Controls | None:
    """What is asked of the run in `folder`; None when nothing is, or nothing that can be understood."""
    try:
        return Controls.model_validate_json((folder / FILE).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def write_controls(folder: Path, controls: Controls) -> None:
    write_atomically(folder / FILE, controls.model_dump_json(exclude_defaults=True).encode(), durable=False)


class ControlFile:
    """The controls of a run as its loop asks for them, as often as it likes: the file is looked at ten times a second.

    Until there is a file, `first` is what is asked. A file that cannot be understood changes nothing.
    """

    def __init__(self, folder: Path, first: Controls | None = None) -> None:
        self._folder = folder
        self._controls = first or Controls()
        self._looked = float("-inf")

    def __call__(self) -> Controls:
        """Raises CheckpointError when the whole run has been deleted."""
        now = time.monotonic()
        if now - self._looked >= SECONDS_BETWEEN_READINGS:
            self._looked = now
            self._controls = read_controls(self._folder) or self._controls
            if not self._folder.is_dir():
                raise CheckpointError(deleted(self._folder))
        return self._controls


def deleted(folder: Path) -> str:
    return f"{folder} was deleted while its run went on; the run ends here, and nothing of it is kept"
