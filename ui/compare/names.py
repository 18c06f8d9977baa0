"""What the two models are called on the compare page."""

from ui.models import KIND_NAMES, ModelOption


def names_of(left: ModelOption, right: ModelOption) -> tuple[str, str]:
    """Their kinds, as AE and VAE; their ids when both are of one kind."""
    if left.card.model.kind != right.card.model.kind:
        return KIND_NAMES[left.card.model.kind], KIND_NAMES[right.card.model.kind]
    return (left.id, right.id) if left.id != right.id else (f"{left.id}, left", f"{right.id}, right")
