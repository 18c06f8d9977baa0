"""A team under Lightning Fabric: several processes, devices or machines take each step together.

All members go through the same images in the same order with the same noise, each working on its rows of every batch.
So the run is that of one process, up to the order in which floating-point numbers are added.
"""

import copy
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import psutil
import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor, nn

from vae.analysis.averages import Averages, RunningAverages
from vae.config import RunConfig, Trains
from vae.errors import ConfigError, DataError
from vae.models import Model
from vae.objective import Terms, terms
from vae.pixels import to_float
from vae.training.events import Stopped
from vae.training.freezing import train_only
from vae.training.loop import train
from vae.training.machines import Machines
from vae.training.run_data import RunData
from vae.training.state import TrainingState
from vae.training.team import Said

LONGEST_PAUSE = timedelta(days=1)  # until the other members give the first one up


def launch(machines: Machines) -> Fabric:
    """Start the other processes, unless a launcher such as torchrun has; each of them comes here too.

    Raises ConfigError when this machine has not what is asked for.
    """
    on_cuda = machines.accelerator == "cuda" or (machines.accelerator == "auto" and torch.cuda.is_available())
    if on_cuda and torch.cuda.device_count() < machines.devices:
        raise ConfigError(f"--devices {machines.devices}: this machine has {torch.cuda.device_count()} CUDA devices")
    if not on_cuda and machines.precision == "16-mixed":
        raise ConfigError("--precision 16-mixed needs a CUDA device; a CPU can do bf16-mixed")
    logging.getLogger("lightning_fabric").setLevel(logging.ERROR)
    fabric = Fabric(
        accelerator="cuda" if on_cuda else "cpu",
        devices=machines.devices,
        num_nodes=machines.nodes,
        strategy=DDPStrategy(timeout=LONGEST_PAUSE) if machines.is_ddp else "auto",
        precision=machines.precision,
    )
    try:
        fabric.launch()
    except (RuntimeError, ValueError, OSError) as error:
        raise ConfigError(f"{machines} cannot be brought together: {str(error).splitlines()[0]}") from None
    return fabric


@contextmanager
def leading() -> Iterator[None]:
    """Whatever ends the first process ends the others: they would wait for it for ever."""
    try:
        yield
    except BaseException:
        for process in psutil.Process().children(recursive=True):
            process.kill()
        raise


@dataclass(frozen=True)
class FabricGathering:
    """The processes of `fabric`, seen from the first: it alone reads and writes the run's folder."""

    fabric: Fabric
    computed: str

    def check(self, config: RunConfig) -> None:
        check_shareable(config, self.fabric.world_size)

    def team(self, config: RunConfig, data_hash: str, state: TrainingState) -> "FabricTeam":
        self.fabric.broadcast(_Start(config, data_hash, state))
        return FabricTeam(self.fabric, state)


def check_shareable(config: RunConfig, processes: int) -> None:
    """Raises ConfigError for a run that so many processes cannot share."""
    if config.model.kind == "pca":
        raise ConfigError("a PCA is fitted in one step by one process; leave out --devices and its like")
    if (size := config.training.batch_size) < processes:
        raise ConfigError(f"batch-size = {size}: {processes} processes share each batch; give at least {processes}")


@dataclass(frozen=True)
class _Start:
    """What the first process tells the others before the first step."""

    config: RunConfig
    data_hash: str
    state: TrainingState


def follow(fabric: Fabric, workers: int) -> None:
    """Take part in the run that the first process leads. Raises DataError when this machine has other images."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the first process decides when to stop
    start: _Start = fabric.broadcast(None)  # pyright: ignore[reportAssignmentType]
    data = RunData.of(start.config, workers)
    if data.train.hash != start.data_hash:
        raise DataError(f"{start.config.dataset} holds other images on this machine than on the first one")
    training = start.config.training
    team = FabricTeam(fabric, start.state)
    for event in train(start.state, training, data.fit_on, data.measure_on, team=team):
        if isinstance(event, Stopped) and event.diverged:
            return  # as the first one does, with an error
    fabric.barrier()  # the first one still measures and saves: Lightning ends it when another's end is not a clean one


class FabricTeam:
    """This process as a member. The state's own model stays on the CPU, with the weights of the last whole epoch."""

    batches_a_question = 8  # each is a message to all

    def __init__(self, fabric: Fabric, state: TrainingState) -> None:
        self._fabric, self._state = fabric, state
        self.model: Model = copy.deepcopy(state.model)
        fabric.to_device(self.model)
        optimizer = TrainingState.fresh(self.model, learning_rate=0.0).optimizer
        optimizer.load_state_dict(state.optimizer.state_dict())
        state.optimizer = optimizer
        for network in (self.model.encoder, self.model.decoder):
            network.register_forward_hook(lambda _network, _given, raw: raw.float())  # densities are never in half
        self._objective, self._optimizer = fabric.setup(_Objective(self.model), optimizer)
        self._trains: Trains = "both"

    def share(self, rows: Tensor) -> Tensor:
        return rows[self._fabric.global_rank :: self._fabric.world_size]

    def from_leader(self, say: Callable[[], Said]) -> Said:
        said = say() if self._fabric.is_global_zero else None
        return self._fabric.broadcast(said)  # pyright: ignore[reportReturnType] (None is what is overwritten)

    def train_only(self, trains: Trains) -> None:
        if trains == self._trains:
            return
        self._trains = trains
        train_only(self.model, trains)
        # The members exchange the gradients of those weights that had one when the module was set up.
        self._objective = self._fabric.setup_module(_Objective(self.model))

    def terms(self, pixels: Tensor, epsilon: Tensor) -> Terms:
        return Terms(*self._objective(self._fabric.to_device(pixels), epsilon))

    def step(self, loss: Tensor) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        self._fabric.backward(loss * self._fabric.world_size)  # what comes of it is the mean over the members
        self._optimizer.step()

    def total(self, loss: Tensor) -> float:
        return self._sum(loss.detach().clone()).item()

    def averages(self, running: RunningAverages) -> Averages:
        return running.averages(self._sum)

    def begin_epoch(self) -> None:
        pass

    def keep_epoch(self) -> None:
        self._state.model.load_state_dict(self.model.state_dict())

    def drop_epoch(self) -> None:
        pass

    def _sum(self, numbers: Tensor) -> Tensor:
        total = self._fabric.all_reduce(numbers.to(self._fabric.device), reduce_op="sum")
        assert isinstance(total, Tensor)
        return total


class _Objective(nn.Module):
    """The objective as the one `forward` that a distributed step is built around."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor, epsilon: Tensor) -> tuple[Tensor, Tensor]:
        found = terms(self.model, to_float(pixels), epsilon)
        return found.reconstruction, found.kl
