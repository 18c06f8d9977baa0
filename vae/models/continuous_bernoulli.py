"""The continuous Bernoulli in terms of its logit: torch's own clamps the probability, and loses both tails by it."""

import torch
from torch import Tensor
from torch.distributions import ContinuousBernoulli
from torch.nn.functional import binary_cross_entropy_with_logits

NEAR_ZERO = 0.25  # below, where the closed forms cancel, their series are exact to float32


class LogitContinuousBernoulli(ContinuousBernoulli):
    """p(x) = C(l) s^x (1 - s)^(1 - x) on [0, 1], s = sigmoid(l), C(l) = l / tanh(l / 2).

    Loaiza-Ganem and Cunningham 2019, arXiv:1907.06845. At a logit of 30, float32 torch's mean is off by 0.03.
    """

    @property
    def mean(self) -> Tensor:
        """1 / (1 - e^-l) - 1 / l."""
        near, logit = self._split()
        square = self.logits.square()
        series = 0.5 + self.logits * (1 / 12 - square * (1 / 720 - square / 30240))
        return torch.where(near, series, -1 / torch.expm1(-logit) - 1 / logit)

    def log_prob(self, value: Tensor) -> Tensor:
        near, logit = self._split()
        square = self.logits.square()
        series = torch.log(2 + square * (1 / 6 - square / 360))
        log_normalizer = torch.where(near, series, torch.log(logit / torch.tanh(logit / 2)))
        logits, value = torch.broadcast_tensors(self.logits, value)
        return log_normalizer - binary_cross_entropy_with_logits(logits, value, reduction="none")

    def _split(self) -> tuple[Tensor, Tensor]:
        """Where the logit is near 0, and logits that are safe to divide by: a gradient must not meet 0 / 0."""
        near = self.logits.abs() < NEAR_ZERO
        return near, torch.where(near, torch.ones_like(self.logits), self.logits)
