"""The training loop: a generator of events that touches neither screen nor file.

Everything random in an epoch follows from (seed, epoch) alone, and what a person changes on the way is recorded with
its place, so a run resumed after any epoch is the run that was never interrupted, bit for bit on a CPU.
"""

import math
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from vae.analysis.averages import Averages, RunningAverages, measure
from vae.config import TrainingConfig
from vae.training.changes import END_OF_EPOCH, new_changes, settings_at, with_change
from vae.training.controls import Controls
from vae.training.events import Changed, Done, EpochDone, Event, Progress, Started, Stopped
from vae.training.images import Held, Images
from vae.training.state import TrainingState
from vae.training.team import Alone, Team
from vae.training.transport import Transport

SECONDS_BETWEEN_PROGRESS = 0.25
REMEDY = "a smaller learning rate usually mends it"


def train(
    state: TrainingState,
    config: TrainingConfig,
    train_images: Tensor | Images,
    test_images: Tensor,
    controls: Callable[[], Controls] = Controls,
    team: Team | None = None,
) -> Iterator[Event]:
    """Train up to `config.epochs` whole epochs, yielding events; `state` is up to date at every EpochDone.

    Images are uint8 (N, C, H, W). `controls` is asked before every batch. When it asks for a stop, or the loss on
    either set is no longer finite, the epoch is dropped: the last event is Stopped, and the model's weights are those
    after the last whole epoch. Each member of a `team` calls this; the first one's controls and events count.
    """
    team = team or Alone(state.model, state.optimizer)
    images = Held(train_images) if isinstance(train_images, Tensor) else train_images
    transport = Transport(controls)
    parameters = sum(p.numel() for p in state.model.parameters())
    yield Started(config.epochs, state.epoch + 1, len(images), parameters)
    while state.epoch < config.epochs:
        team.begin_epoch()
        started, paused = time.perf_counter(), transport.paused_seconds
        running = RunningAverages()
        team.model.train()
        try:
            yield from _epoch(state, config, images, running, transport, team)
            seconds = time.perf_counter() - started - (transport.paused_seconds - paused)
            test = team.from_leader(lambda: measure(team.model, test_images, seed=config.seed))
            _check_sound(test, state.epoch + 1)
        except _EpochCutShortError as end:
            team.drop_epoch()
            yield Stopped(state.epoch, str(end), diverged=isinstance(end, _DivergedError))
            return
        team.keep_epoch()
        state.epoch += 1
        state.seconds += seconds
        transport.epoch_done()
        in_force = settings_at(config, state.changes, state.epoch, END_OF_EPOCH)
        yield EpochDone(
            epoch=state.epoch,
            train=team.averages(running),
            test=test,
            seconds=seconds,
            images_per_second=len(images) / seconds,
            beta=beta_at(state.epoch, in_force),
            learning_rate=learning_rate_at(state.epoch, in_force),
        )
    yield Done(state.epoch, state.seconds)


def _epoch(
    state: TrainingState,
    config: TrainingConfig,
    images: Images,
    running: RunningAverages,
    transport: Transport,
    team: Team,
) -> Iterator[Event]:
    epoch = state.epoch + 1
    generator = _generator(config.seed, epoch)
    batches = torch.randperm(len(images), generator=generator).split(config.batch_size)
    done = 0
    told = time.perf_counter()
    worked_from = told - transport.paused_seconds  # pauses are no work
    for number, pixels in enumerate(images.batches([team.share(batch) for batch in batches])):
        yield from transport.permission(epoch)
        if number % team.batches_a_question == 0:
            asked = team.from_leader(lambda: transport.asked)
            if asked.stop:
                raise _EpochCutShortError(asked.reason or f"stopped in epoch {epoch}")
            yield from _take_changes(state, config, asked, epoch, number)
        began = time.perf_counter()
        in_force = settings_at(config, state.changes, epoch, number)
        team.train_only(in_force.trains)
        epochs_gone = state.epoch + done / len(images)
        for group in state.optimizer.param_groups:
            group["lr"] = learning_rate_at(epochs_gone, in_force)
        size = len(batches[number])
        epsilon = torch.randn(size, state.model.config.latent_dim, generator=generator)
        batch_terms = team.terms(pixels, team.share(epsilon))
        loss = batch_terms.loss(beta_at(epochs_gone, in_force), images=size)
        if not math.isfinite(loss_now := team.total(loss)):
            raise _DivergedError(f"the loss became {loss_now} in epoch {epoch}; {REMEDY}")
        team.step(loss)
        running.add(batch_terms)
        done += size
        now = time.perf_counter()
        if now - told >= SECONDS_BETWEEN_PROGRESS:
            told = now
            rate = done / (now - worked_from - transport.paused_seconds)
            yield Progress(epoch, done, len(images), rate, running.averages())
        transport.rest(now - began)


def _take_changes(
    state: TrainingState, config: TrainingConfig, asked: Controls, epoch: int, batch: int
) -> Iterator[Changed]:
    """Record what is asked to be changed, before anything is done by it."""
    for change in new_changes(asked, config, state.changes, epoch, batch):
        state.changes = with_change(state.changes, change)
        yield Changed(change.epoch, change.batch, change.name, change.old, change.new)


def _check_sound(test: Averages, epoch: int) -> None:
    """An epoch is fit to be kept when its last step, which no loss has followed, broke nothing."""
    if not math.isfinite(test.elbo):
        raise _DivergedError(f"the test terms became {test.elbo} after epoch {epoch}; {REMEDY}")


def beta_at(epochs: float, config: TrainingConfig) -> float:
    """The KL weight after that many epochs: linear from 0 during the warm-up."""
    if config.warmup_epochs == 0:
        return config.beta
    return config.beta * min(1.0, epochs / config.warmup_epochs)


def learning_rate_at(epochs: float, config: TrainingConfig) -> float:
    """The learning rate after that many epochs (cosine, restarts: Loshchilov and Hutter 2017, arXiv:1608.03983)."""
    if config.schedule == "constant":
        return config.learning_rate
    begun = max((restart for restart in config.restarts if restart <= epochs), default=0)
    end = min((end for end in config.ends if end > epochs), default=config.epochs)
    return config.learning_rate * (1 + math.cos(math.pi * min(1.0, (epochs - begun) / (end - begun)))) / 2


def _generator(seed: int, epoch: int) -> torch.Generator:
    mixed = np.random.SeedSequence([seed, epoch]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(mixed >> np.uint64(1)))


class _EpochCutShortError(Exception):
    """The epoch cannot, or shall not, be finished; the message says why."""


class _DivergedError(_EpochCutShortError):
    """The numbers have left the finite ones."""
