"""Images to class probabilities: a network, its card, and the one file that holds both."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from vae.card import DataCard
from vae.classifier.card import METADATA_KEY, ClassifierCard, classifier_file, read_classifier_card
from vae.config import Activation, ModelConfig
from vae.errors import CheckpointError, ConfigError
from vae.files import write_atomically
from vae.models.layers import describe
from vae.models.networks import build_encoder
from vae.network_sizes import Shape
from vae.weights_file import read_tensors, to_bytes

PREFIX = "encoder"  # what the browser's runtime calls a network that takes images
BATCH = 1024


@dataclass(frozen=True)
class Classifier:
    """A trained network, images to logits, in eval mode, and what is known of it."""

    network: nn.Sequential
    card: ClassifierCard

    @torch.no_grad()
    def probabilities(self, images: Tensor) -> np.ndarray:
        """p(class|image), float32 (N, K), of images (N, C, H, W) in [0, 1].

        Raises ConfigError when the images are not of the classifier's shape.
        """
        if tuple(images.shape[1:]) != self.card.shape:
            raise ConfigError(
                f"the classifier of {self.card.dataset} takes images of shape {self.card.shape} (channels, height, "
                f"width), not {tuple(images.shape[1:])}"
            )
        return torch.cat([self.network(batch).softmax(dim=1) for batch in images.split(BATCH)]).numpy()


def build_network(shape: Shape, classes: int, hidden: tuple[int, ...], activation: Activation) -> nn.Sequential:
    """Images (N, C, H, W) in [0, 1] to logits (N, classes): convolutions, then layers of the widths `hidden`."""
    return build_encoder(ModelConfig(network="conv", hidden=hidden, activation=activation), shape, outputs=classes)


def save(path: Path, classifier: Classifier) -> None:
    """Write network and card as one file, weights in half precision. Raises OSError from the disk."""
    tensors = {name: value.half() for name, value in _tensors(classifier.network).items()}
    write_atomically(path, to_bytes(tensors, _metadata(classifier)))


def load(path: Path) -> Classifier:
    """Read a classifier's file, strictly. Raises CheckpointError, naming the file, when it is not what it promises."""
    card = read_classifier_card(path)
    try:
        with torch.device("meta"):  # no memory is claimed until the weights have been found to fit
            network = build_network(card.shape, len(card.class_names), card.hidden, card.activation)
    except ConfigError as error:
        raise CheckpointError(f"{path} promises a classifier that cannot be: {error}") from None
    tensors = read_tensors(path, _tensors(network), _metadata(Classifier(network, card)))
    network.to_empty(device="cpu").load_state_dict(
        {name.removeprefix(f"{PREFIX}."): value for name, value in tensors.items()}
    )
    return Classifier(network.eval().requires_grad_(False), card)


def load_classifier(dataset: str) -> Classifier | None:
    """The shipped classifier of a data set; None where there is none. Raises CheckpointError for a damaged file."""
    path = classifier_file(dataset)
    return load(path) if path else None


def classifier_for(data: DataCard) -> Classifier | None:
    """The shipped classifier of the very images that a model was trained on: a set may change under its name."""
    classifier = load_classifier(data.name)
    return classifier if classifier and classifier.card.data_hash == data.hash else None


def _tensors(network: nn.Sequential) -> dict[str, Tensor]:
    return {f"{PREFIX}.{name}": value for name, value in network.state_dict().items()}


def _metadata(classifier: Classifier) -> dict[str, str]:
    """What another runtime must know to run the network, as a checkpoint's weights say it; and the card."""
    card = classifier.card
    return {
        "format": "vae-network",
        "version": "1",
        "shape": json.dumps(list(card.shape)),
        "latent_dim": str(len(card.class_names)),
        "output": "image",
        PREFIX: json.dumps(describe(classifier.network, PREFIX)),
        METADATA_KEY: card.model_dump_json(),
    }
