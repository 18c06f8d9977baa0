"""What a host allows: limits on the runs that an app starts, in one place. A run from a terminal has none of them."""

import os
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vae.config import explain
from vae.errors import ConfigError

PREFIX = "VAE_JOBS_"


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class JobSettings(BaseModel):
    """Each can be set by an environment variable: VAE_JOBS_MOST_RUNNING=4. The defaults suit a host open to anyone."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    most_running: int = Field(
        default_factory=lambda: max(1, cores() // 2), ge=1, le=1000, description="runs at once; the rest wait"
    )
    most_queued: int = Field(default=4, ge=1, description="runs of one visitor that wait")
    most_epochs: int = Field(default=1000, ge=1, description="epochs of one run")
    most_parameters: int = Field(default=5_000_000, ge=1, description="parameters of one model")
    most_seconds: float = Field(default=3600.0, gt=0, description="seconds that a run may take from each start")
    most_bytes: int = Field(default=1_000_000_000, ge=1, description="bytes on disk of all the runs of one visitor")
    most_pictures: int = Field(default=20_000, ge=2, description="pictures of one set that a visitor brings")
    most_upload_bytes: int = Field(
        default=500_000_000, ge=1, description="bytes on disk of all the pictures that one visitor brings"
    )
    any_folder: bool = Field(
        default=False,
        description="whether a visitor may name any folder: or npz: that this process can read; on a host open to "
        "anyone that would be everybody's to look into",
    )
    niceness: int = Field(default=10, ge=0, le=19, description="how far a run's priority lies below the app's")
    spare_minutes: float = Field(
        default=10.0,
        ge=0,
        le=1440,
        description="how long a process that has loaded what training needs waits for a run once somebody has opened "
        "the page for one; 0: none does",
    )

    @property
    def threads(self) -> int:
        """Of each run, so that all of them together leave a core to the app."""
        return max(1, (cores() - 1) // self.most_running)

    @classmethod
    def from_environment(cls) -> Self:
        """Raises ConfigError naming the variable that is wrong."""
        given = {name: os.environ.get(PREFIX + name.upper()) for name in cls.model_fields}
        try:
            return cls.model_validate({name: value for name, value in given.items() if value})
        except ValidationError as error:
            name, _, fault = explain(error).partition(" ")
            raise ConfigError(f"the environment variable {PREFIX}{name.upper()} {fault}") from None
