"""Facts about a point under the prior N(0, I). No torch: a page asks for them after every drag."""

import math
from collections.abc import Sequence


def log_density(z: Sequence[float]) -> float:
    """log N(z; 0, I), in nats."""
    return -0.5 * (len(z) * math.log(2 * math.pi) + sum(value * value for value in z))


def share_farther_out(z: Sequence[float]) -> float:
    """P(|Z| > |z|) for Z ~ N(0, I): |Z|^2 is chi-squared with d degrees of freedom."""
    from scipy.special import gammaincc  # when first asked: a page that only opens need not wait for it

    return float(gammaincc(len(z) / 2, sum(value * value for value in z) / 2))
