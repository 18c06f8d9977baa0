"""Training a classifier: cross-entropy, Adam and a falling learning rate. A minute or less on one core."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from vae.classifier.card import ClassifierCard
from vae.classifier.classifier import BATCH, Classifier, build_network
from vae.config import Activation
from vae.data import ImageSet
from vae.errors import ConfigError
from vae.pixels import to_float

HIDDEN = (64,)  # with 28x28 images, 235,000 weights
ACTIVATION: Activation = "relu"
STEPS = 1500
BATCH_SIZE = 128
LEARNING_RATE = 2e-3


def train_classifier(
    train_set: ImageSet,
    test_set: ImageSet,
    steps: int = STEPS,
    seed: int = 0,
    told: Callable[[int, float], object] = lambda step, loss: None,
) -> Classifier:
    """A classifier of `train_set`, its weights rounded to half precision and measured so on `test_set`.

    `told` hears every step and its loss in nats. Equal arguments give equal weights on one machine; torch's global
    generator is left as it was. Raises ConfigError for a set without labels.
    """
    if train_set.labels is None or test_set.labels is None or len(train_set.class_names) < 2:
        raise ConfigError(f"{train_set.name} has no classes to tell apart; choose a data set with labels")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = build_network(train_set.shape, len(train_set.class_names), HIDDEN, ACTIVATION)
    images, labels = torch.from_numpy(train_set.images.copy()), torch.from_numpy(train_set.labels.copy())
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    batches = _batches(len(images), torch.Generator().manual_seed(seed))
    for step in range(steps):
        batch = next(batches)
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * (1 + math.cos(math.pi * step / steps)) / 2
        loss = cross_entropy(network(to_float(images[batch])), labels[batch])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        told(step + 1, loss.item())
    network.load_state_dict({name: value.half() for name, value in network.state_dict().items()})
    network.eval().requires_grad_(False)
    card = ClassifierCard(
        dataset=train_set.name,
        data_hash=train_set.hash,
        shape=train_set.shape,
        class_names=train_set.class_names,
        hidden=HIDDEN,
        activation=ACTIVATION,
        steps=steps,
        seed=seed,
        test_accuracy=_accuracy(network, test_set),
        test_images=len(test_set),
        licence=train_set.licence,
        credit=train_set.credit,
    )
    return Classifier(network, card)


def _batches(count: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Indices of batches without end, each image once before any comes again."""
    while True:
        yield from torch.randperm(count, generator=generator).split(BATCH_SIZE)


@torch.no_grad()
def _accuracy(network: nn.Sequential, image_set: ImageSet) -> float:
    batches = torch.from_numpy(image_set.images.copy()).split(BATCH)
    found = torch.cat([network(to_float(batch)).argmax(dim=1) for batch in batches]).numpy()
    return float((found == image_set.labels).mean())
