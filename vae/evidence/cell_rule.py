"""The integral of exp(g) over a square, from few values of g: interpolate g, then integrate what was interpolated.

g is a log density. It is far smoother than its exponential (for a Gaussian, a parabola however narrow), so a cubic
through 4 x 4 values follows it where a rule for exp(g) itself would need many more, and each value costs a run of the
decoder, while the interpolant costs almost nothing.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.polynomial import legendre
from torch import Tensor

NODES = 4  # a side, where g is asked for
FINE = 20  # a side, where the interpolant is integrated: fine enough for g that falls by LARGEST_FALL
LARGEST_FALL = 40.0  # nats between nodes of one cell, beyond which it must be divided
FINE_ERROR = 1e-6  # of the integral: what the fine points leave at such a fall, and float32 at any
TINY = 1e-300


class CellIntegral(NamedTuple):
    """Logarithms, (P,) each, for a cell of unit area."""

    value: Tensor
    error: Tensor


def _tensor_product(matrix: np.ndarray) -> Tensor:
    return torch.from_numpy(np.kron(matrix, matrix).T.copy())


def _interpolation(degree: int) -> Tensor:
    """From values at the nodes to values of the polynomial at the fine points (16, 400).

    Of a degree below 3 it is the polynomial nearest to the values in the mean square over the cell.
    """
    fine, _ = legendre.leggauss(FINE)
    nodes, _ = legendre.leggauss(NODES)
    coefficients = np.linalg.inv(legendre.legvander(nodes, NODES - 1))[: degree + 1]
    return _tensor_product(legendre.legvander(fine, degree) @ coefficients)


_AXIS = torch.from_numpy(legendre.leggauss(NODES)[0])
NODES_OF_CELL = torch.cartesian_prod(_AXIS, _AXIS)  # (16, 2) in [-1, 1]^2
_CUBIC, _SQUARE = _interpolation(NODES - 1), _interpolation(NODES - 2)
_WEIGHTS = torch.from_numpy(np.outer(*[legendre.leggauss(FINE)[1] / 2] * 2).flatten())


def integrate(g: Tensor) -> CellIntegral:
    """log of the integral of exp(g) over cells of unit area, for values (P, 16) at NODES_OF_CELL.

    The error is the integral of the *absolute* difference between exp of the cubic and exp of the quadratic
    interpolant: differences of opposite signs within a cell do not cancel, as they would between two sums.
    """
    cubic, square = g @ _CUBIC, g @ _SQUARE
    top = torch.maximum(cubic, square).amax(dim=1, keepdim=True)
    cubic, square = (cubic - top).exp(), (square - top).exp()
    value, error = cubic @ _WEIGHTS, (cubic - square).abs() @ _WEIGHTS
    error = error + FINE_ERROR * value
    return CellIntegral((value + TINY).log() + top[:, 0], (error + TINY).log() + top[:, 0])
