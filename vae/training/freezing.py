"""Freeze one, train the other: a part that is not trained takes no step at all, not even Adam's momentum moves it."""

from vae.config import Trains
from vae.models import Model


def train_only(model: Model, trains: Trains) -> None:
    """Ask gradients of that part alone, "encoder" or "decoder", or of "both".

    A weight without a gradient is skipped by Adam: it stays, bit for bit, and so do its moments, for when it is
    trained again. Gradients from before must be set to None (`zero_grad(set_to_none=True)`) before the next step.
    """
    model.encoder.requires_grad_(trains != "decoder")
    model.decoder.requires_grad_(trains != "encoder")
