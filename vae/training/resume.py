"""`resume.safetensors`: all that the next epoch needs, so that a resumed run equals an uninterrupted one."""

from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from vae.config import RunConfig, explain
from vae.errors import CheckpointError
from vae.files import write_atomically
from vae.models import build
from vae.models.networks import Shape
from vae.training.loop import TrainingState

FILE = "resume.safetensors"


def save_state(folder: Path, state: TrainingState, config: RunConfig, shape: Shape, data_hash: str) -> None:
    """Write weights, Adam's moments and the epoch count, atomically."""
    tensors = {f"model.{name}": value.contiguous() for name, value in state.model.state_dict().items()}
    for index, slots in state.optimizer.state_dict()["state"].items():
        tensors |= {f"adam.{index}.{slot}": value.contiguous() for slot, value in slots.items()}
    metadata = {
        "config": config.model_dump_json(),
        "shape": ",".join(map(str, shape)),
        "data": data_hash,
        "epoch": str(state.epoch),
        "seconds": repr(state.seconds),
    }
    write_atomically(folder / FILE, save(tensors, metadata))


def load_state(folder: Path, data_hash: str) -> TrainingState:
    """The state as it was saved. Raises CheckpointError when the file is broken or the data have changed."""
    path = folder / FILE
    config = saved_config(folder)
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        if metadata["data"] != data_hash:
            raise CheckpointError(
                f"{path} was trained on other data than {config.dataset!r} gives now; "
                "bring the old data back or start a new run"
            )
        channels, height, width = map(int, metadata["shape"].split(","))
        state = TrainingState.fresh(build(config.model, (channels, height, width)), config.training.learning_rate)
        state.model.load_state_dict(
            {name.removeprefix("model."): value for name, value in tensors.items() if name.startswith("model.")}
        )
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith("adam."):
                _, index, slot = name.split(".")
                moments.setdefault(int(index), {})[slot] = value
        groups = state.optimizer.state_dict()["param_groups"]
        state.optimizer.load_state_dict({"state": moments, "param_groups": groups})
        state.epoch, state.seconds = int(metadata["epoch"]), float(metadata["seconds"])
    except CheckpointError:
        raise
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path} cannot be resumed: {str(error).splitlines()[0]}; start a new run") from None
    return state


def saved_config(folder: Path) -> RunConfig:
    """The settings of the run in `folder`. Raises CheckpointError when there is none."""
    path = folder / FILE
    if not path.is_file():
        raise CheckpointError(f"{folder} holds no run to resume (no {FILE}); leave out --resume to start one")
    try:
        with safe_open(path, framework="pt") as file:
            return RunConfig.model_validate_json((file.metadata() or {}).get("config", ""))
    except ValidationError as error:
        raise CheckpointError(f"{path} holds settings this version does not read: {explain(error)}") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is damaged ({error}); start a new run") from None
