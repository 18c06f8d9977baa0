"""What a small latent space makes knowable: bounds on log p(x), and log p(x) itself."""

from vae.evidence.importance import importance_bound
from vae.evidence.quadrature import Evidence, log_evidence

__all__ = ["Evidence", "importance_bound", "log_evidence"]
