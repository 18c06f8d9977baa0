"""The training loop: a generator of events that touches neither screen nor file.

Everything random in an epoch follows from (seed, epoch) alone, and what a person changes on the way is recorded with
its place, so a run resumed after any epoch is the run that was never interrupted, bit for bit on a CPU.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from vae.analysis.averages import Averages, RunningAverages, measure
from vae.card import Change
from vae.config import TrainingConfig
from vae.models import Model
from vae.objective import terms
from vae.pixels import to_float
from vae.training.changes import END_OF_EPOCH, new_changes, settings_at, with_change
from vae.training.controls import Controls
from vae.training.events import Changed, Done, EpochDone, Event, Progress, Started, Stopped
from vae.training.transport import Transport

SECONDS_BETWEEN_PROGRESS = 0.25
REMEDY = "a smaller learning rate usually mends it"


@dataclass
class TrainingState:
    """All that an epoch changes, and what a person changed."""

    model: Model
    optimizer: torch.optim.Adam
    epoch: int = 0  # whole epochs done
    seconds: float = 0.0  # spent in them
    changes: list[Change] = field(default_factory=list)

    @classmethod
    def fresh(cls, model: Model, learning_rate: float) -> "TrainingState":
        return cls(model, torch.optim.Adam(model.parameters(), lr=learning_rate, fused=True))


def train(
    state: TrainingState,
    config: TrainingConfig,
    train_images: Tensor,
    test_images: Tensor,
    controls: Callable[[], Controls] = Controls,
) -> Iterator[Event]:
    """Train up to `config.epochs` whole epochs, yielding events; `state` is up to date at every EpochDone.

    Images are uint8 (N, C, H, W). `controls` is asked before every batch. When it asks for a stop, or the loss on
    either set is no longer finite, the epoch is dropped: the last event is Stopped, and the model's weights are those
    after the last whole epoch.
    """
    model = state.model
    transport = Transport(controls)
    parameters = sum(p.numel() for p in model.parameters())
    yield Started(config.epochs, state.epoch + 1, len(train_images), parameters)
    while state.epoch < config.epochs:
        last_good = {name: value.clone() for name, value in model.state_dict().items()}
        started, paused = time.perf_counter(), transport.paused_seconds
        running = RunningAverages()
        model.train()
        try:
            yield from _epoch(state, config, train_images, running, transport)
            seconds = time.perf_counter() - started - (transport.paused_seconds - paused)
            test = _measured(model, test_images, state.epoch + 1, config.seed)
        except _EpochCutShortError as end:
            model.load_state_dict(last_good)
            yield Stopped(state.epoch, str(end), diverged=isinstance(end, _DivergedError))
            return
        state.epoch += 1
        state.seconds += seconds
        transport.epoch_done()
        in_force = settings_at(config, state.changes, state.epoch, END_OF_EPOCH)
        yield EpochDone(
            epoch=state.epoch,
            train=running.averages(),
            test=test,
            seconds=seconds,
            images_per_second=len(train_images) / seconds,
            beta=beta_at(state.epoch, in_force),
            learning_rate=learning_rate_at(state.epoch, in_force),
        )
    yield Done(state.epoch, state.seconds)


def _epoch(
    state: TrainingState, config: TrainingConfig, images: Tensor, running: RunningAverages, transport: Transport
) -> Iterator[Event]:
    epoch = state.epoch + 1
    generator = _generator(config.seed, epoch)
    order = torch.randperm(len(images), generator=generator)
    told = time.perf_counter()
    worked_from = told - transport.paused_seconds  # pauses are no work
    for number, batch in enumerate(order.split(config.batch_size)):
        yield from transport.permission(epoch)
        if transport.asked.stop:
            raise _EpochCutShortError(transport.asked.reason or f"stopped in epoch {epoch}")
        yield from _take_changes(state, config, transport.asked, epoch, number)
        began = time.perf_counter()
        in_force = settings_at(config, state.changes, epoch, number)
        epochs_gone = state.epoch + running.images / len(images)
        for group in state.optimizer.param_groups:
            group["lr"] = learning_rate_at(epochs_gone, in_force)
        batch_terms = terms(state.model, to_float(images[batch]), generator)
        loss = batch_terms.loss(beta_at(epochs_gone, in_force))
        if not math.isfinite(loss_now := loss.item()):
            raise _DivergedError(f"the loss became {loss_now} in epoch {epoch}; {REMEDY}")
        state.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        state.optimizer.step()
        running.add(batch_terms)
        now = time.perf_counter()
        if now - told >= SECONDS_BETWEEN_PROGRESS:
            told = now
            rate = running.images / (now - worked_from - transport.paused_seconds)
            yield Progress(epoch, running.images, len(images), rate, running.averages())
        transport.rest(now - began)


def _take_changes(
    state: TrainingState, config: TrainingConfig, asked: Controls, epoch: int, batch: int
) -> Iterator[Changed]:
    """Record what is asked to be changed, before anything is done by it."""
    for change in new_changes(asked, config, state.changes, epoch, batch):
        state.changes = with_change(state.changes, change)
        yield Changed(change.epoch, change.batch, change.name, change.old, change.new)


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
