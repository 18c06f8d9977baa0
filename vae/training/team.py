"""Who takes the steps of a training: this process alone, or several that share each batch between them."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from vae.analysis.averages import Averages, RunningAverages
from vae.config import RunConfig, Trains
from vae.models import Model
from vae.objective import Terms, terms
from vae.pixels import to_float
from vae.training.freezing import train_only
from vae.training.state import TrainingState

Said = TypeVar("Said")


class Team(Protocol):
    """What the loop asks for. Each member runs the same loop, with the same order of images and the same noise."""

    model: Model  # the one that takes the steps
    batches_a_question: int  # how often the first member's controls are looked at

    def share(self, rows: Tensor) -> Tensor:
        """The rows (first dimension) that this member works on; all members' together are all rows."""
        ...

    def from_leader(self, say: Callable[[], Said]) -> Said:
        """What `say` says to the first member, told to all: one that looks at files or clocks decides for all."""
        ...

    def train_only(self, trains: Trains) -> None:
        """From here on; see `vae.training.freezing`."""
        ...

    def terms(self, pixels: Tensor, epsilon: Tensor) -> Terms:
        """The objective's terms for this member's uint8 images (B, C, H, W) and their epsilon (B, d)."""
        ...

    def step(self, loss: Tensor) -> None:
        """Follow the gradient of the sum of all members' losses."""
        ...

    def total(self, loss: Tensor) -> float:
        """The sum of all members' losses."""
        ...

    def averages(self, running: RunningAverages) -> Averages:
        """Over the images of all members."""
        ...

    def begin_epoch(self) -> None: ...

    def keep_epoch(self) -> None:
        """The state's model has the weights after the epoch."""
        ...

    def drop_epoch(self) -> None:
        """The state's model has the weights before the epoch."""
        ...


class Gathering(Protocol):
    """Several processes, before they know what they are to do."""

    @property
    def computed(self) -> str:
        """What a card says of them."""
        ...

    def check(self, config: RunConfig) -> None:
        """Raises ConfigError for a run that they cannot share."""
        ...

    def team(self, config: RunConfig, data_hash: str, state: TrainingState) -> Team:
        """Tell the others to go on from `state`."""
        ...


class Alone:
    """One process: nothing stands between the loop and torch."""

    batches_a_question = 1

    def __init__(self, model: Model, optimizer: torch.optim.Optimizer) -> None:
        self.model = model
        self._optimizer = optimizer
        self._last_good: dict[str, Tensor] = {}

    def share(self, rows: Tensor) -> Tensor:
        return rows

    def from_leader(self, say: Callable[[], Said]) -> Said:
        return say()

    def train_only(self, trains: Trains) -> None:
        train_only(self.model, trains)

    def terms(self, pixels: Tensor, epsilon: Tensor) -> Terms:
        return terms(self.model, to_float(pixels), epsilon)

    def step(self, loss: Tensor) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()

    def total(self, loss: Tensor) -> float:
        return loss.item()

    def averages(self, running: RunningAverages) -> Averages:
        return running.averages()

    def begin_epoch(self) -> None:
        self._last_good = {name: value.clone() for name, value in self.model.state_dict().items()}

    def keep_epoch(self) -> None:
        self._last_good = {}

    def drop_epoch(self) -> None:
        self.model.load_state_dict(self._last_good)
