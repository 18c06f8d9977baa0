"""This library's training loop on the network of `benchmarks.training_example`, an epoch at a time.

Takes one argument: the settings to train by.
"""

import sys
import time
from collections.abc import Iterator

import torch

from benchmarks.training_epochs import (
    BATCH_SIZE,
    DATA_SET,
    HIDDEN,
    LATENT,
    LEARNING_RATE,
    QUICK_EPOCHS,
    QUICK_RATE,
    Epoch,
    answer_requests,
)
from vae.config import ModelConfig, TrainingConfig
from vae.data import load
from vae.models import build
from vae.training.events import EpochDone
from vae.training.loop import TrainingState, train

ALIKE = TrainingConfig(epochs=10_000, batch_size=BATCH_SIZE, learning_rate=LEARNING_RATE)  # for as long as asked
SETTINGS = {
    "alike": ALIKE,
    "quick": ALIKE.model_copy(update={"epochs": QUICK_EPOCHS, "learning_rate": QUICK_RATE, "schedule": "cosine"}),
    "default": TrainingConfig(),
}


def epochs(config: TrainingConfig) -> Iterator[Epoch]:
    train_set, test_set = load(DATA_SET, "train"), load(DATA_SET, "test")
    model = build(ModelConfig(hidden=(HIDDEN,), latent_dim=LATENT), train_set.shape, config.seed)
    state = TrainingState.fresh(model, config.learning_rate)
    images, test_images = (torch.from_numpy(each.images.copy()) for each in (train_set, test_set))
    started = time.perf_counter()
    for event in train(state, config, images, test_images):
        if isinstance(event, EpochDone):
            yield Epoch(event.images_per_second, time.perf_counter() - started, -event.test.elbo)
            started = time.perf_counter()


if __name__ == "__main__":
    answer_requests(epochs(SETTINGS[sys.argv[1]]))
