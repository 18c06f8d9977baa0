"""What a small latent space makes knowable: bounds on log p(x), log p(x) itself, and the gap between."""

from vae.evidence.gap import Gap, measure_gap
from vae.evidence.importance import importance_bound
from vae.evidence.plain_grid import plain_log_evidence
from vae.evidence.quadrature import Evidence, log_evidence

__all__ = ["Evidence", "Gap", "importance_bound", "log_evidence", "measure_gap", "plain_log_evidence"]
