"""What a training changes as it goes on."""

from dataclasses import dataclass, field

import torch

from vae.card import Change
from vae.models import Model


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
