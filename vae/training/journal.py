"""What a run writes of itself for others to read: config.json, state.json, events.jsonl, film/. No torch here."""

import json
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vae.config import RunConfig, explain
from vae.errors import CheckpointError
from vae.files import write_atomically

CONFIG, STATE, EVENTS, FILM, LOG = "config.json", "state.json", "events.jsonl", "film", "log.txt"
FOLLOWED = "followed.safetensors"  # in the film: what the test images are whose codes its frames have
LOCK = ".lock"  # held by the process that trains
SCHEMA_VERSION = 1
MAX_STATE_BYTES = 1_000_000

Status = Literal["queued", "running", "paused", "stopping", "stopped", "failed", "done"]
AT_WORK: tuple[Status, ...] = ("running", "paused", "stopping")  # there must be a process
ENDED: tuple[Status, ...] = ("stopped", "failed", "done")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Moving(_Strict):
    """Where the run is within an epoch. Terms in nats per image, over the epoch's images so far."""

    epoch: int = Field(ge=1)
    images_done: int = Field(ge=0)
    images: int = Field(ge=1)
    images_per_second: float = Field(ge=0)
    seconds_left: float = Field(ge=0, description="to the end of the run, at this rate")
    elbo: float
    reconstruction: float
    kl: float


class RunState(_Strict):
    """What a run is doing, as it last said itself. Whether its process is still there is `vae.jobs`' business."""

    schema_version: int = Field(default=SCHEMA_VERSION, ge=1, le=SCHEMA_VERSION)
    status: Status
    pid: int | None = Field(default=None, ge=1)
    pid_started: float | None = Field(default=None, description="its start, in seconds since 1970: pids are used again")
    started: datetime | None = Field(default=None, description="when its process was given it, which may be older")
    epoch: int = Field(default=0, ge=0, description="whole epochs done and saved")
    epochs: int = Field(ge=1)
    moving: Moving | None = None
    reason: str | None = Field(default=None, description="why it stopped or failed, as a sentence")
    owner: str | None = Field(default=None, description="the visitor it belongs to; None: whoever has the machine")
    shared: bool = Field(default=False, description="shown to every visitor")
    created: datetime
    updated: datetime

    def told(self, **values: Any) -> "RunState":
        """This state with other values, as of now."""
        return RunState.model_validate(dict(self) | {"updated": now()} | values)


def now() -> datetime:
    return datetime.now(UTC)


def write_config(folder: Path, config: RunConfig) -> None:
    write_atomically(folder / CONFIG, (config.model_dump_json(indent=2) + "\n").encode())


def read_config(folder: Path) -> RunConfig:
    """Raises CheckpointError when there is none, or one with a setting that is unknown or out of bounds."""
    path = folder / CONFIG
    try:
        return RunConfig.model_validate_json(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise CheckpointError(f"{path} holds settings that no run can have: {explain(error)}") from None


def write_state(folder: Path, state: RunState, durable: bool = True) -> None:
    write_atomically(folder / STATE, (state.model_dump_json(indent=2) + "\n").encode(), durable)


def read_state(folder: Path) -> RunState:
    """Raises CheckpointError when there is none, or one that this version does not read."""
    path = folder / STATE
    try:
        with path.open("rb") as file:
            return RunState.model_validate_json(file.read(MAX_STATE_BYTES), strict=True)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise CheckpointError(f"{path} is damaged, or of another version: {explain(error)}") from None


@dataclass(frozen=True)
class Events:
    """Lines of an event log, each an object with `n` (its number), `time` (seconds since 1970) and `event` (its name).

    An epoch may be told twice, when the run was killed between telling and saving it; the later counts.
    """

    events: tuple[dict[str, Any], ...]
    skipped: int  # lines that are no events: damaged, or the last one, half written


def read_events(folder: Path, after: int = -1) -> Events:
    """The events with a number greater than `after`; none when there is no log yet."""
    try:
        text = (folder / EVENTS).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return Events((), 0)
    events = [_event(line) for line in text.splitlines()]
    return Events(
        tuple(event for event in events if event is not None and event["n"] > after),
        sum(event is None for event in events),
    )


def _event(line: str) -> dict[str, Any] | None:
    try:
        event = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict) or type(event.get("n")) is not int or type(event.get("event")) is not str:
        return None
    return event if isinstance(event.get("time"), int | float) else None


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number that JSON knows")


class EventLog:
    """Appends events, each as one whole line; numbers go on where the log ends."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / EVENTS
        self._next = max((event["n"] for event in read_events(folder).events), default=-1) + 1
        if self._path.is_file() and not self._path.read_bytes().endswith(b"\n"):
            self._append(b"\n")  # what was cut short stays a line of its own

    def write(self, event: str, fields: dict[str, Any]) -> None:
        """Raises OSError when the line cannot be written whole."""
        line = {"n": self._next, "time": round(time.time(), 3), "event": event} | fields
        self._append(json.dumps(line, separators=(",", ":"), allow_nan=False).encode() + b"\n")
        self._next += 1

    def _append(self, line: bytes) -> None:
        # Opened anew each time: a log whose folder has been deleted must fail, not be written to where nobody finds it.
        with self._path.open("ab") as file:
            file.write(line)


def film_frames(folder: Path) -> dict[int, Path]:
    """The frames of a run's film by epoch, in order; epoch 0 is the model before training."""
    found = {int(path.stem): path for path in (folder / FILM).glob("*.safetensors") if re.fullmatch(r"\d+", path.stem)}
    return dict(sorted(found.items()))
