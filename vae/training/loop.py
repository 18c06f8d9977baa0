"""The training loop: a generator of events that touches neither screen nor file.

Everything random in an epoch follows from (seed, epoch) alone, so a run resumed after any epoch is the run that was
never interrupted, bit for bit on a CPU.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vae.analysis.averages import Averages, RunningAverages, measure
from vae.config import TrainingConfig
from vae.models import Model
from vae.objective import terms
from vae.pixels import to_float
from vae.training.events import Done, EpochDone, Event, Progress, Started, Stopped

SECONDS_BETWEEN_PROGRESS = 0.25
REMEDY = "a smaller learning rate usually mends it"


@dataclass
class TrainingState:
    """All that an epoch changes."""

    model: Model
    optimizer: torch.optim.Adam
    epoch: int = 0  # whole epochs done
    seconds: float = 0.0  # spent in them

    @classmethod
    def fresh(cls, model: Model, learning_rate: float) -> "TrainingState":
        return cls(model, torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True))


def train(
    state: TrainingState,
    config: TrainingConfig,
    train_images: Tensor,
    test_images: Tensor,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Train up to `config.epochs` whole epochs, yielding events; `state` is up to date at every EpochDone.

    Images are uint8 (N, C, H, W). When `stop()` turns true, or the loss on either set is no longer finite, the epoch is
    dropped: the last event is Stopped, and the model's weights are those after the last whole epoch.
    """
    model = state.model
    parameters = sum(p.numel() for p in model.parameters())
    yield Started(config.epochs, state.epoch + 1, len(train_images), parameters)
    while state.epoch < config.epochs:
        last_good = {name: value.clone() for name, value in model.state_dict().items()}
        started = time.perf_counter()
        running = RunningAverages()
        model.train()
        try:
            yield from _epoch(state, config, train_images, running, stop)
            seconds = time.perf_counter() - started
            test = _measured(model, test_images, state.epoch + 1, config.seed)
        except _EpochCutShortError as end:
            model.load_state_dict(last_good)
            yield Stopped(state.epoch, str(end), diverged=isinstance(end, _DivergedError))
            return
        state.epoch += 1
        state.seconds += seconds
        yield EpochDone(
            epoch=state.epoch,
            train=running.averages(),
            test=test,
            seconds=seconds,
            images_per_second=len(train_images) / seconds,
            beta=beta_at(state.epoch, config),
            learning_rate=learning_rate_at(state.epoch, config),
        )
    yield Done(state.epoch, state.seconds)


def _epoch(
    state: TrainingState, config: TrainingConfig, images: Tensor, running: RunningAverages, stop: Callable[[], bool]
) -> Iterator[Progress]:
    epoch = state.epoch + 1
    generator = _generator(config.seed, epoch)
    order = torch.randperm(len(images), generator=generator)
    started = told = time.perf_counter()
    for batch in order.split(config.batch_size):
        if stop():
            raise _EpochCutShortError(f"stopped in epoch {epoch}")
        epochs_gone = state.epoch + running.images / len(images)
        for group in state.optimizer.param_groups:
            group["lr"] = learning_rate_at(epochs_gone, config)
        batch_terms = terms(state.model, to_float(images[batch]), generator)
        loss = batch_terms.loss(beta_at(epochs_gone, config))
        if not math.isfinite(loss_now := loss.item()):
            raise _DivergedError(f"the loss became {loss_now} in epoch {epoch}; {REMEDY}")
        state.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        state.optimizer.step()
        running.add(batch_terms)
        now = time.perf_counter()
        if now - told >= SECONDS_BETWEEN_PROGRESS:
            told = now
            yield Progress(epoch, running.images, len(images), running.images / (now - started), running.averages())


def _measured(model: Model, images: Tensor, epoch: int, seed: int) -> Averages:
    """The test terms of an epoch that is fit to be kept: its last step, which no loss has followed, broke nothing."""
    averages = measure(model, images, seed=seed)
    if not math.isfinite(averages.elbo):
        raise _DivergedError(f"the test terms became {averages.elbo} after epoch {epoch}; {REMEDY}")
    return averages


def beta_at(epochs: float, config: TrainingConfig) -> float:
    """The KL weight after that many epochs: linear from 0 during the warm-up."""
    if config.warmup_epochs == 0:
        return config.beta
    return config.beta * min(1.0, epochs / config.warmup_epochs)


def learning_rate_at(epochs: float, config: TrainingConfig) -> float:
    """The learning rate after that many epochs (cosine: Loshchilov and Hutter 2017, arXiv:1608.03983)."""
    if config.schedule == "constant":
        return config.learning_rate
    return config.learning_rate * (1 + math.cos(math.pi * min(1.0, epochs / config.epochs))) / 2


def _generator(seed: int, epoch: int) -> torch.Generator:
    mixed = np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(mixed >> np.uint64(1)))


class _EpochCutShortError(Exception):
    """The epoch cannot, or shall not, be finished; the message says why."""


class _DivergedError(_EpochCutShortError):
    """The numbers have left the finite ones."""
