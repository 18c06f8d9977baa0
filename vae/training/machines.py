"""On what a run is computed. No part of its settings: where a run goes on is up to who starts it. No torch here."""

import os
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vae.config import explain
from vae.errors import ConfigError

Accelerator = Literal["cpu", "cuda", "auto"]
Strategy = Literal["auto", "ddp"]
Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


class Machines(BaseModel):
    """Lightning Fabric's words for it. The defaults are this process alone, which needs no Fabric."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accelerator: Accelerator = Field(default="cpu", description="cpu, cuda, or cuda where there is one (auto)")
    devices: int = Field(default=1, ge=1, le=1024, description="processes on each machine, one for each device")
    nodes: int = Field(default=1, ge=1, le=4096, description="machines")
    strategy: Strategy = Field(default="auto", description="how they work together: ddp for more than one")
    precision: Precision = Field(default="32-true", description="of the networks; densities are always float32")
    workers: int = Field(
        default=0,
        ge=0,
        le=256,
        description="processes, of each, that read a folder set while it trains, in place of holding it in memory",
    )

    @property
    def processes(self) -> int:
        return self.devices * self.nodes

    @property
    def is_ddp(self) -> bool:
        return self.processes > 1 or self.strategy == "ddp"

    @property
    def is_this_process_alone(self) -> bool:
        return self.accelerator == "cpu" and not self.is_ddp and self.precision == "32-true"

    def __str__(self) -> str:
        many = "1 process" if self.processes == 1 else f"{self.processes} processes"
        return f"{many} on {self.nodes} {'machine' if self.nodes == 1 else 'machines'}, {self.precision}"


def machine_help(name: str) -> str:
    """What an option for it says."""
    field = Machines.model_fields[name]
    choices = ", ".join(map(str, get_args(field.annotation)))
    return f"{field.description}{f' ({choices})' if choices else ''} [default: {field.default}]"


def machines(**given: object) -> Machines:
    """Raises ConfigError naming the first value that is wrong, and when a launcher has started another number."""
    try:
        wanted = Machines.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise ConfigError(explain(error)) from None
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if started not in (1, wanted.processes):
        raise ConfigError(
            f"{started} processes were started, but --devices {wanted.devices} --nodes {wanted.nodes} means "
            f"{wanted.processes}; give the numbers of the launcher"
        )
    return wanted
