"""Share links: `/?model=mnist-vae-2d&z=0.5,-1.2`."""

import math


def parse_z(text: str | None, latent_dim: int) -> tuple[float, ...] | None:
    """The numbers of a link's z; None when they are not `latent_dim` finite numbers."""
    if not text or len(text) > 8192:
        return None
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        return None
    if len(numbers) != latent_dim or not all(math.isfinite(number) and abs(number) <= 1e4 for number in numbers):
        return None
    return numbers
