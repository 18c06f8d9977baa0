"""Where training images come from, batch by batch: held in memory, or read as they are needed."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from torch import Tensor


class Images(Protocol):
    """Any source of training images."""

    def __len__(self) -> int: ...

    def batches(self, indices: Sequence[Tensor]) -> Iterator[Tensor]:
        """uint8 (B, C, H, W) for each tensor of indices (B,), in their order."""
        ...


class Held:
    """Images in memory, uint8 (N, C, H, W)."""

    def __init__(self, pixels: Tensor) -> None:
        self._pixels = pixels

    def __len__(self) -> int:
        return len(self._pixels)

    def batches(self, indices: Sequence[Tensor]) -> Iterator[Tensor]:
        return (self._pixels[batch] for batch in indices)

    @property
    def pixels(self) -> Tensor:
        return self._pixels
