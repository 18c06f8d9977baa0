"""`resume.safetensors`: all that the next epoch needs, so that a resumed run equals an uninterrupted one."""

from pathlib import Path

import torch
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from vae.card import Change
from vae.config import RunConfig, explain
from vae.errors import CheckpointError, ConfigError
from vae.files import write_atomically
from vae.models import Model, build
from vae.network_sizes import Shape
from vae.training.changes import laid_out
from vae.training.state import TrainingState

FILE = "resume.safetensors"
_CHANGES = TypeAdapter(list[Change])


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
        "changes": _CHANGES.dump_json(state.changes).decode(),
    }
    write_atomically(folder / FILE, save(tensors, metadata))


def save_changes(folder: Path, changes: list[Change]) -> None:
    """Write down what was changed since the last whole epoch, whose weights the file keeps."""
    metadata, tensors = _read(folder / FILE)
    write_atomically(folder / FILE, save(tensors, metadata | {"changes": _CHANGES.dump_json(changes).decode()}))


def _read(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    with safe_open(path, framework="pt") as file:
        return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)


def load_state(folder: Path, config: RunConfig, data_hash: str) -> TrainingState:
    """The state as it was saved, to go on with under `config`.

    Raises CheckpointError when the file is broken or the data have changed; ConfigError when `config` is not the run's
    own, but for a later end.
    """
    path = folder / FILE
    saved = saved_config(folder)
    try:
        metadata, tensors = _read(path)
        if metadata["data"] != data_hash:
            raise CheckpointError(
                f"{path} was trained on other data than {saved.dataset!r} gives now; "
                "bring the old data back or start a new run"
            )
        channels, height, width = map(int, metadata["shape"].split(","))
        state = TrainingState.fresh(build(saved.model, (channels, height, width)), saved.training.learning_rate)
        state.model.load_state_dict(
            {name.removeprefix("model."): value for name, value in tensors.items() if name.startswith("model.")}
        )
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for name, value in tensors.items():
            if name.startswith("adam."):
                _, index, slot = name.split(".")
                moments.setdefault(int(index), {})[slot] = value
        _check_moments(moments, state)
        groups = state.optimizer.state_dict()["param_groups"]
        state.optimizer.load_state_dict({"state": moments, "param_groups": groups})
        state.epoch, state.seconds = int(metadata["epoch"]), float(metadata["seconds"])
        state.changes = _CHANGES.validate_json(metadata.get("changes", "[]"))  # a run of before it could be changed
    except CheckpointError:
        raise
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path} cannot be resumed: {str(error).splitlines()[0]}; start a new run") from None
    _check_same_run(config, saved, state.epoch)
    return state


def _check_moments(moments: dict[int, dict[str, torch.Tensor]], state: TrainingState) -> None:
    found = {index: {slot: value.shape for slot, value in slots.items()} for index, slots in moments.items()}
    expected = {
        index: {"step": torch.Size(), "exp_avg": weights.shape, "exp_avg_sq": weights.shape}
        for index, weights in enumerate(state.model.parameters())
    }
    # A part that was never trained has none.
    if found not in ({}, expected, *(_of_part(expected, state.model, part) for part in ("encoder", "decoder"))):
        raise ValueError("Adam's moments do not fit the weights")


def _of_part(moments: dict[int, dict[str, torch.Size]], model: Model, part: str) -> dict[int, dict[str, torch.Size]]:
    names = [name for name, _ in model.named_parameters()]
    return {index: slots for index, slots in moments.items() if names[index].startswith(f"{part}.")}


def _check_same_run(config: RunConfig, saved: RunConfig, epochs_done: int) -> None:
    epochs, ends = config.training.epochs, saved.training.ends
    longer = {"epochs": epochs, "restarts": config.training.restarts}
    if config != saved.model_copy(update={"training": saved.training.model_copy(update=longer)}):
        raise ConfigError("a resumed run keeps its own settings; only epochs may be given anew")
    if saved.training.schedule == "cosine" and config.training.ends[: len(ends)] != ends:
        raise ConfigError(laid_out(epochs, saved.training))
    if epochs < epochs_done:
        raise ConfigError(f"epochs = {epochs}: the run has {epochs_done} behind it; give more, or start a new run")


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
