"""Whether a model's images are on this machine. Asking downloads nothing."""

from ui.models import ModelOption
from vae import data


def why_not_at_hand(option: ModelOption) -> str | None:
    """What is missing, as a sentence; None when the model's data set can be read here."""
    name = option.card.data.name
    info = next((info for info in data.available() if info.name == name), None)
    if info is None:
        return f"The images that {option.id} was trained on ({name}) are not known here."
    if not info.present:
        return (
            f"The images of {name} are not on this machine. They are looked for at {info.location}; training once on "
            f"{name} puts them there."
        )
    return None
