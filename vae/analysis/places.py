"""Boxes on a 2-D map, and three that are worth a look: a cluster, a seam between classes, a blank corner. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

OUTLIERS = 0.001  # the share of codes at each side that may lie outside the map
CELLS = 60  # along the longer side of the map
BOX_CELLS = 8  # along the side of a place
STRANGERS = 10  # so many of its own class does one code of another outweigh, where a cluster is looked for
HAIR = 1 + 1e-6  # so that rounding loses no code at the edge
PATCH_CELLS = 5  # along the side of the patch that a class's number stands in


@dataclass(frozen=True)
class Box:
    """A rectangle on a map: from `left` to `right` across, from `bottom` to `top` up, in units of z."""

    left: float
    right: float
    bottom: float
    top: float

    @classmethod
    def between(cls, x: Sequence[float], y: Sequence[float]) -> "Box":
        """The box of two opposite corners, given in any order."""
        return cls(min(x), max(x), min(y), max(y))

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.top - self.bottom)

    @property
    def middle(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.bottom + self.top) / 2

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Which of the points (N, 2) lie in it, edges included: bool (N,)."""
        x, y = points.T
        return (self.left <= x) & (x <= self.right) & (self.bottom <= y) & (y <= self.top)

    def lattice(self, n: int) -> np.ndarray:
        """The middles of its n x n equal cells, row by row from the upper left: (n * n, 2)."""
        shares = (np.arange(n) + 0.5) / n
        x = self.left + shares * (self.right - self.left)
        y = self.top - shares * (self.top - self.bottom)
        return np.stack(np.broadcast_arrays(x[np.newaxis, :], y[:, np.newaxis]), axis=-1).reshape(n * n, 2)


@dataclass(frozen=True)
class Places:
    """Three boxes of equal size on one map. A map without classes has no seam."""

    cluster: Box
    seam: Box | None
    blank: Box


def widest_dimensions(codes: np.ndarray) -> tuple[int, int]:
    """The two dimensions in which codes (N, d) spread most, in order; (0, 0) when there is only one."""
    if codes.shape[1] == 1:
        return 0, 0
    first, second = sorted(np.argsort(-codes.std(axis=0), kind="stable")[:2].tolist())
    return first, second


def bounds(points: np.ndarray) -> Box:
    """The box round points (N, 2), but for one in a thousand at each side."""
    low = np.quantile(points, OUTLIERS, axis=0, method="lower")
    high = np.quantile(points, 1 - OUTLIERS, axis=0, method="higher")
    flat = low == high  # all in one line, or in one spot: still a box
    low, high = low - 0.5 * flat, high + 0.5 * flat
    return Box(float(low[0]), float(high[0]), float(low[1]), float(high[1]))


def places(points: np.ndarray, labels: np.ndarray | None) -> Places:
    """Find the three places among codes (N, 2) with labels (N,), if there are any."""
    grid = _Grid(bounds(points))
    counts = grid.counts(points)
    full = _window_sums(counts, BOX_CELLS)
    if labels is None:
        return Places(grid.box_at(full), None, grid.box_at(_blankness(counts, full)))
    classes = [_window_sums(grid.counts(points[labels == label]), BOX_CELLS) for label in np.unique(labels)]
    most, second, third = np.sort([*classes, np.zeros_like(full), np.zeros_like(full)], axis=0)[:-4:-1]
    return Places(
        cluster=grid.box_at(most - STRANGERS * (full - most)),
        seam=grid.box_at(second - third) if second.any() else None,
        blank=grid.box_at(_blankness(counts, full)),
    )


def class_places(points: np.ndarray, labels: np.ndarray) -> dict[int, tuple[float, float]]:
    """Where each class of codes (N, 2) lies densest."""
    grid = _Grid(bounds(points))
    found = {}
    for label in np.unique(labels).tolist():
        patch = _window_sums(grid.counts(points[labels == label]), PATCH_CELLS)
        found[label] = grid.box_at(patch, PATCH_CELLS).middle
    return found


class _Grid:
    """Square cells over a box, at least a place's side of them each way."""

    def __init__(self, box: Box) -> None:
        self.cell = max(box.right - box.left, box.top - box.bottom) / CELLS * HAIR
        self.edges = [
            middle + self.cell * (np.arange(cells + 1) - cells / 2)
            for middle, length in zip(box.middle, (box.right - box.left, box.top - box.bottom), strict=True)
            for cells in [max(BOX_CELLS, int(np.ceil(length / self.cell - 1e-9)))]
        ]

    def counts(self, points: np.ndarray) -> np.ndarray:
        """How many points lie in each cell, by column and row."""
        return np.histogram2d(points[:, 0], points[:, 1], bins=self.edges)[0]

    def box_at(self, scores: np.ndarray, side: int = BOX_CELLS) -> Box:
        """The window of `side` cells with the greatest score."""
        column, row = np.unravel_index(scores.argmax(), scores.shape)
        (left, right), (bottom, top) = (
            (float(edges[at]), float(edges[at + side])) for edges, at in zip(self.edges, (column, row), strict=True)
        )
        return Box(left, right, bottom, top)


def _window_sums(counts: np.ndarray, side: int) -> np.ndarray:
    """How many points lie in each window of `side` x `side` cells."""
    return sliding_window_view(counts, (side, side)).sum(axis=(2, 3))


def _blankness(counts: np.ndarray, full: np.ndarray) -> np.ndarray:
    """Fewest points first; among equals, the one whose middle lies farthest from any cell that holds one."""
    held = np.argwhere(counts > 0) + 0.5
    middles = np.argwhere(np.ones_like(full)) + BOX_CELLS / 2
    nearest = np.full(len(middles), np.inf)
    for part in np.array_split(held, max(1, len(held) // 128)):
        squares = ((middles[:, np.newaxis] - part) ** 2).sum(axis=-1)
        nearest = np.minimum(nearest, squares.min(axis=1))
    farness = np.sqrt(nearest).reshape(full.shape)
    return farness / (2 * farness.max()) - full
