"""Picture files made for a test."""

from pathlib import Path

import numpy as np
from PIL import Image

RNG = np.random.default_rng(7)


def noise(height: int = 12, width: int = 12, channels: int = 3) -> np.ndarray:
    """uint8 (H, W, 3), or (H, W) for one channel."""
    return RNG.integers(256, size=(height, width, 3) if channels == 3 else (height, width), dtype=np.uint8)


def save(path: Path, pixels: np.ndarray | None = None, **options: object) -> Path:
    """Write a picture; random colours when none are given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise() if pixels is None else pixels).save(path, **options)  # pyright: ignore[reportArgumentType]
    return path


def save_many(root: Path, *folders: str, count: int = 10, channels: int = 3, side: int = 12) -> None:
    """`count` PNGs in each folder."""
    for folder in folders or (".",):
        for number in range(count):
            save(root / folder / f"{number}.png", noise(side, side, channels))
