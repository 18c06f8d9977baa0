"""log p(x) by an adaptive grid over a 2-D latent space: not a bound, but the number itself, and its error.

Squares of side 1 cover [-8, 8]^2, and more where the encoder points beyond. Where an image's error sits, its squares
are halved, again and again, until the errors of all its squares add up to the tolerance. Squares are the same for all
images, so the decoder runs once for a square, whoever asks for it.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.special import log_ndtr

from vae.errors import ConfigError
from vae.evidence import cell_rule
from vae.evidence.likelihoods import log_likelihoods
from vae.models import VAE

TOLERANCE = 5e-3  # nats; the true error is a hundredth of it on the models that ship
LEAST_REACH, LARGEST_REACH = 8, 32  # a standard normal leaves 2e-15 of its mass outside [-8, 8]^2
HALVINGS = 15  # down to squares of 3e-5: float32 tells their nodes apart, and hardly anything narrower
IMAGES_AT_ONCE = 128
CELLS_AT_ONCE = 128
MOST_CELLS = 512  # of one image divided at once; what exceeds it stays in the error
UNSEEN_RISE = 0.25  # how far a peak between nodes may rise above them, in falls from the highest node to the lowest
SURPRISE = 4.0  # nats by which a clue may exceed all nodes of its square before they are held to have missed a peak


class Evidence(NamedTuple):
    """Both (N,), in nats."""

    value: Tensor
    error: Tensor


class _Clues(NamedTuple):
    """Places where the encoder expects the posterior of each image."""

    z: Tensor  # (N, K, 2)
    log_joint: Tensor  # (N, K)
    log_likelihood: Tensor  # (N, K)


class _Found(NamedTuple):
    """Logarithms for each image and cell (N, C), -inf where the image does not ask."""

    value: Tensor
    error: Tensor
    least: Tensor  # a cautious value, to judge errors by

    @classmethod
    def nothing(cls, active: Tensor) -> "_Found":
        return cls(*torch.full((3, *active.shape), -math.inf, dtype=torch.float64))


@torch.no_grad()
def log_evidence(model: VAE, x: Tensor, tolerance: float = TOLERANCE) -> Evidence:
    """log p(x) = log of the integral of p(x|z) p(z) dz, for images (N, C, H, W) under a model with d = 2.

    `error` adds up three things: what two interpolants disagree about in each square; what a peak between the nodes
    of a square could hold, as far as the values at the nodes and near the encoder's mean tell; and the prior's mass
    outside the grid times the largest p(x|z) that was seen. `tolerance` (nats) is aimed at; `error` says what was
    reached: a little more for some images, and far more for a posterior below 3e-5 across, one in hundreds of pieces,
    or one outside the grid.

    It can still be wrong, error and all, in one case: a peak that neither the encoder points at nor any of the
    surrounding nodes (a quarter apart at first) feels, as a decoder may have that changes abruptly within a region
    smaller than that.

    Raises ConfigError when d is not 2, or tolerance is not a positive number.
    """
    check_two_dimensional(model)
    if not 0 < tolerance < math.inf:
        raise ConfigError(f"tolerance = {tolerance}: wanted a positive number of nats")
    parts = [_integrate(model, batch, tolerance) for batch in x.split(IMAGES_AT_ONCE)]
    return Evidence(*(torch.cat(each) for each in zip(*parts, strict=True)))


def check_two_dimensional(model: VAE) -> None:
    """Raises ConfigError when the latent space is no plane."""
    if model.config.latent_dim != 2:
        raise ConfigError(f"quadrature needs a 2-D latent space; this model has d = {model.config.latent_dim}")


def _integrate(model: VAE, x: Tensor, tolerance: float) -> Evidence:
    clues = _ask_the_encoder(model, x)
    highest = clues.log_likelihood.amax(dim=1)
    value = torch.full((len(x),), -math.inf, dtype=torch.float64)
    error = value.clone()
    reach = _reach(clues)
    side, centres = 1.0, _unit_squares(reach)
    active = torch.ones(len(x), len(centres), dtype=torch.bool)
    for halving in range(HALVINGS + 1):
        found, seen = _measure(model, x, clues, centres, side, active)
        highest = torch.maximum(highest, seen)
        least = torch.logaddexp(value, found.least.logsumexp(dim=1))
        settled = _settle(found.error, error, least + math.log(tolerance / 2))
        settled |= torch.tensor(halving == HALVINGS)
        value = torch.logaddexp(value, found.value.where(settled, -math.inf).logsumexp(dim=1))
        error = torch.logaddexp(error, found.error.where(settled, -math.inf).logsumexp(dim=1))
        open_cells = active & ~settled
        needed = open_cells.any(dim=0)
        if not needed.any():
            break
        side, centres = side / 2, _quarters(centres[needed], side)
        active = open_cells[:, needed].repeat_interleave(4, dim=1)
    outside = math.log(4) + log_ndtr(torch.tensor(-reach, dtype=torch.float64)) + highest
    share = (torch.logaddexp(error, outside) - value).exp()
    return Evidence(value, 2 * share.log1p())  # the factor covers -log(1 - share), should the integral be too large


def _ask_the_encoder(model: VAE, x: Tensor) -> _Clues:
    """The mean of q(z|x), and one standard deviation from it along each axis."""
    q = model.encode(x)
    steps = q.mean.new_tensor([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
    z = q.mean[:, None] + q.stddev[:, None] * steps
    flat = z.flatten(0, 1)
    log_likelihood = model.decode(flat).log_prob(x.repeat_interleave(len(steps), dim=0)).double()
    log_joint = log_likelihood + model.prior.log_prob(flat).double()
    return _Clues(z.double(), log_joint.unflatten(0, z.shape[:2]), log_likelihood.unflatten(0, z.shape[:2]))


def _reach(clues: _Clues) -> int:
    """Half the grid's width: where the encoder of a model without KL term puts its codes, the prior is no guide."""
    furthest = clues.z.abs().max().nan_to_num(posinf=LARGEST_REACH).clamp(LEAST_REACH, LARGEST_REACH)
    return math.ceil(furthest.item())


def _unit_squares(reach: int) -> Tensor:
    """Centres of the squares of side 1 that cover [-reach, reach]^2."""
    axis = torch.arange(-reach, reach, dtype=torch.float64) + 0.5
    return torch.cartesian_prod(axis, axis)


def _quarters(centres: Tensor, side: float) -> Tensor:
    signs = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    return (centres[:, None] + side / 4 * torch.cartesian_prod(signs, signs)).flatten(0, 1)


def _measure(
    model: VAE, x: Tensor, clues: _Clues, centres: Tensor, side: float, active: Tensor
) -> tuple[_Found, Tensor]:
    """The integrals over the active cells, and the highest log p(x|z) met on the way (N,)."""
    found = _Found.nothing(active)
    highest = torch.full((len(x),), -math.inf, dtype=torch.float64)
    flat = x.double().flatten(1)
    for first in range(0, len(centres), CELLS_AT_ONCE):
        block = slice(first, first + CELLS_AT_ONCE)
        asking = active[:, block].any(dim=1).nonzero()[:, 0]
        z = (centres[block, None] + side / 2 * cell_rule.NODES_OF_CELL).to(x.dtype)
        log_likelihood = log_likelihoods(model.decode(z.flatten(0, 1)), flat[asking]).unflatten(1, z.shape[:2])
        highest[asking] = torch.maximum(highest[asking], log_likelihood.amax(dim=(1, 2)))
        log_joint = log_likelihood + model.prior.log_prob(z).double()
        row, cell = active[asking][:, block].nonzero().T
        image = asking[row]
        clue = _clue_within(clues, image, centres[block][cell], side)
        for target, source in zip(found, _judge(log_joint[row, cell], clue), strict=True):
            target[image, first + cell] = source + 2 * math.log(side)
    return found, highest


def _clue_within(clues: _Clues, image: Tensor, centres: Tensor, side: float) -> Tensor:
    """The highest log joint (P,) among an image's clues in the cell at its centre, -inf where there is none."""
    inside = (clues.z[image] - centres[:, None]).abs().amax(dim=2) <= side / 2
    return clues.log_joint[image].where(inside, -math.inf).amax(dim=1)


def _judge(log_joint: Tensor, clue: Tensor) -> _Found:
    """Value and error (P,) of cells of unit area from values (P, 16) at their nodes and the highest clue (P,)."""
    value, error = cell_rule.integrate(log_joint)
    at_nodes = log_joint.amax(dim=1)
    top = torch.maximum(at_nodes, clue)
    fall = top - log_joint.amin(dim=1)
    unseen = (fall > cell_rule.LARGEST_FALL) | (top > at_nodes + SURPRISE)
    hidden_peak = top + UNSEEN_RISE * fall
    # A Gaussian that falls so far within a cell fills about 1 / fall of it.
    cautious = torch.minimum(value, top - fall.log1p())
    return _Found(
        value, torch.where(unseen, torch.maximum(error, hidden_peak), error), torch.where(unseen, cautious, value)
    )


def _settle(error: Tensor, spent: Tensor, allowed: Tensor) -> Tensor:
    """Which cells (N, C) need no division: those of smallest error, while they fit into what an image is allowed.

    All of it is given out when that ends the matter, and otherwise half, so that smaller cells have a share too.
    """
    ordered, order = (error - allowed[:, None]).exp().sort(dim=1)
    total = ordered.cumsum(dim=1)
    left = (1 - (spent - allowed).exp()).clamp_min(0.01)
    given = torch.where(total[:, -1] <= left, left, left / 2)
    fits = total <= given[:, None]
    fits |= torch.arange(error.shape[1]) < error.shape[1] - MOST_CELLS
    return torch.zeros_like(fits).scatter(1, order, fits)
