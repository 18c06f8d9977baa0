"""Play, pause, single epoch, speed: when the next batch may begin."""

import time
from collections.abc import Callable, Iterator

from vae.training.controls import Controls
from vae.training.events import Continued, Paused

LOOK_AGAIN = 0.05  # seconds, while paused or resting


class Transport:
    """Asks the controls before each batch, and waits as they say.

    Attributes:
        paused_seconds: spent in pauses, all together.
    """

    def __init__(self, controls: Callable[[], Controls]) -> None:
        self.paused_seconds = 0.0
        self._controls = controls
        self._asked = Controls()
        self._carried_out = -1  # the serial of the single epoch that has been done

    def permission(self, epoch: int) -> Iterator[Paused | Continued]:
        """Ends when the next batch may begin, or a stop is asked for; `asked` then says what holds for it."""
        self._asked = self._controls()
        if not self._holds():
            return
        began = time.perf_counter()
        yield Paused(epoch)
        while self._holds():
            time.sleep(LOOK_AGAIN)
            self._asked = self._controls()
        self.paused_seconds += time.perf_counter() - began
        if not self._asked.stop:
            yield Continued(epoch)

    @property
    def asked(self) -> Controls:
        return self._asked

    def rest(self, worked: float) -> None:
        """Sleep, after `worked` seconds of work, as long as the speed asks for; a stop or a new speed ends it early."""
        rested_from = time.perf_counter()
        while not self._asked.stop:
            left = worked * (1 / self._asked.speed - 1) - (time.perf_counter() - rested_from)
            if left <= 0:
                return
            time.sleep(min(left, LOOK_AGAIN))
            self._asked = self._controls()

    def epoch_done(self) -> None:
        if self._asked.single_epoch:
            self._carried_out = self._asked.serial

    def _holds(self) -> bool:
        if self._asked.stop:
            return False
        if self._asked.single_epoch:
            return self._asked.serial == self._carried_out
        return self._asked.paused
