"""Where a run is, how fast it goes, and how long it still takes."""

import time

from vae.analysis.averages import Averages
from vae.training.events import Continued, EpochDone, Event, Paused, Progress, Started
from vae.training.journal import Moving


class Pace:
    """Listens to a run.

    The time left follows from the last epoch, with its measuring and saving but without its pauses; or from the present
    rate, when that is slower or there is no such epoch.
    """

    def __init__(self) -> None:
        self.moving: Moving | None = None
        self._epochs = self._images = 0
        self._seconds_per_image = 0.0  # over the last epoch, all told
        self._epoch_began = self._pause_began = time.monotonic()

    def hear(self, event: Event) -> None:
        match event:
            case Started():
                self._epochs, self._images = event.epochs, event.images
                self._epoch_began = time.monotonic()
            case Paused():
                self._pause_began = time.monotonic()
            case Continued():
                self._epoch_began += time.monotonic() - self._pause_began
            case Progress():
                self._move(event.epoch, event.images_done, event.images_per_second, event.terms)
            case EpochDone():
                now = time.monotonic()
                self._seconds_per_image = (now - self._epoch_began) / self._images
                self._epoch_began = now
                self._move(event.epoch, self._images, event.images_per_second, event.train)

    def _move(self, epoch: int, images_done: int, images_per_second: float, terms: Averages) -> None:
        images_left = (self._epochs - epoch + 1) * self._images - images_done
        self.moving = Moving(
            epoch=epoch,
            images_done=images_done,
            images=self._images,
            images_per_second=images_per_second,
            seconds_left=images_left * max(self._seconds_per_image, 1 / images_per_second),
            elbo=terms.elbo,
            reconstruction=terms.reconstruction,
            kl=terms.kl,
        )
