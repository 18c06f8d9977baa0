"""From what a reader presses to what is asked of a run."""

from pathlib import Path

from ui.train.live import Wish
from vae import jobs
from vae.training.controls import Controls, asked_for


def carry_out(folder: Path, wish: Wish) -> None:
    """Ask it of the run in `folder`. To discard is not carried out here: it is asked about first.

    Raises VaeError, OSError.
    """
    match wish.command:
        case "play":
            jobs.request(folder, Controls(paused=False))
        case "pause":
            jobs.request(folder, Controls(paused=True))
        case "step":
            jobs.request(folder, Controls(single_epoch=True))
        case "stop":
            jobs.request(folder, Controls(stop=True))
        case "resume":
            jobs.resume(folder)
        case "speed":
            jobs.request(folder, Controls.model_validate({wish.command: wish.value}))
        case "beta" | "learning_rate" | "trains" | "exact_gap_images":
            jobs.request(folder, asked_for({wish.command: wish.value}, jobs.clone_settings(folder)))
