"""Whether a model's images are on this machine, for this visitor to see. Asking downloads nothing."""

import os

from ui.models import ModelOption
from ui.visitor import visitor
from vae import data
from vae.errors import VaeError
from vae.jobs import JobSettings
from vae.jobs.limits import check_dataset


def why_not_at_hand(option: ModelOption) -> str | None:
    """What is missing, as a sentence; None when the model's data set can be read here."""
    name, dataset = option.card.data.name, option.card.config.dataset
    if data.is_own(dataset):
        return _why_not_own(option.id, dataset)
    info = next((info for info in data.available() if info.name == name), None)
    if info is None:
        return f"The images that {option.id} was trained on ({name}) are not known here."
    if not info.present:
        return (
            f"The images of {name} are not on this machine. They are looked for at {info.location}; training once on "
            f"{name} puts them there."
        )
    return None


def _why_not_own(model: str, dataset: str) -> str | None:
    try:
        check_dataset(dataset, visitor(), JobSettings.from_environment())
    except VaeError:
        return f"The images that {model} was trained on belong to whoever trained it, and are shown to nobody else."
    there = os.path.exists(data.path_of(dataset))
    return None if there else f"The images that {model} was trained on are not on this machine any more."
