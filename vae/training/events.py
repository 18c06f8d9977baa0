"""What training tells whoever listens. Plain values: the loop knows neither screen nor file."""

from dataclasses import dataclass

from vae.analysis.averages import Averages


@dataclass(frozen=True)
class Started:
    epochs: int
    first_epoch: int  # 1 for a fresh run
    images: int
    parameters: int


@dataclass(frozen=True)
class Progress:
    epoch: int
    images_done: int  # within this epoch
    images: int
    images_per_second: float
    terms: Averages  # over this epoch so far


@dataclass(frozen=True)
class EpochDone:
    epoch: int
    train: Averages  # over the epoch, with the weights as they moved
    test: Averages  # after the epoch, on images not trained on
    seconds: float
    images_per_second: float
    beta: float
    learning_rate: float


@dataclass(frozen=True)
class GapMeasured:
    """How far the ELBO is from log p(x) after an epoch (0: before training): means over the same test images."""

    epoch: int
    images: int
    binarized: bool
    log_evidence: float
    elbo: float
    reconstruction: float
    kl: float
    gap: float  # log_evidence - elbo
    error: float  # of the gap


@dataclass(frozen=True)
class Changed:
    """A setting was changed by the person who watches; it holds from the next batch on."""

    epoch: int
    batch: int  # of that epoch, from 0: the first one with the new value
    name: str
    old: float | str
    new: float | str


@dataclass(frozen=True)
class Paused:
    epoch: int


@dataclass(frozen=True)
class Continued:
    epoch: int


@dataclass(frozen=True)
class Saved:
    epoch: int
    folder: str


@dataclass(frozen=True)
class Stopped:
    """Training ended early. The model holds the weights of the last whole epoch."""

    epoch: int
    reason: str
    diverged: bool  # true: resuming would end the same way; false: it was asked for


@dataclass(frozen=True)
class Done:
    epoch: int
    seconds: float


Event = Started | Progress | EpochDone | GapMeasured | Changed | Paused | Continued | Saved | Stopped | Done
