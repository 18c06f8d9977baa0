"""Whether a straight path between two codes decodes to a straight path between two images."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

DECODE_BATCH = 1024


@torch.no_grad()
def roughness(decode: Callable[[Tensor], Tensor], starts: np.ndarray, ends: np.ndarray, steps: int = 50) -> np.ndarray:
    """Length of each decoded straight path over the distance of its ends (N,): 1 for a linear decoder, never less.

    `decode` maps codes (M, d) to images (M, ...); starts and ends are (N, d). The path is cut into `steps` equal
    pieces in latent space, lengths and distances are Euclidean over pixels: the sum of |x_k+1 - x_k| over |x_K - x_0|.
    A path with turns or jumps to and fro is longer than the way from end to end. NaN where both ends decode to the same
    image, and so for equal ends: there is no way to measure by.
    """
    weights = np.linspace(0, 1, steps + 1)[:, np.newaxis]
    ratios = []
    paths_at_once = max(1, DECODE_BATCH // (steps + 1))
    for first in range(0, len(starts), paths_at_once):
        start = starts[first : first + paths_at_once, np.newaxis].astype(np.float64)
        end = ends[first : first + paths_at_once, np.newaxis].astype(np.float64)
        codes = torch.from_numpy(((1 - weights) * start + weights * end).astype(np.float32))  # (n, steps + 1, d)
        images = decode(codes.flatten(0, 1)).flatten(1).unflatten(0, codes.shape[:2]).double()
        length = images.diff(dim=1).norm(dim=2).sum(dim=1)
        ratios.append((length / (images[:, -1] - images[:, 0]).norm(dim=1)).numpy())
    whole = np.concatenate(ratios) if ratios else np.zeros(0)
    return np.where(np.isfinite(whole), whole, np.nan)
