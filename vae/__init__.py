"""A small library for understanding variational autoencoders.

    import vae
    model = vae.load("checkpoints/mnist-vae-2d")
    q = model.encode(x)          # the approximate posterior, a torch distribution
    x_hat = model.images(z)      # the decoder's mean image

Names are imported when first used, so that reading a card does not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vae import analysis, evidence
    from vae import data as datasets
    from vae.checkpoint import load
    from vae.objective import elbo_terms

__version__ = "0.1.0"
__all__ = ["__version__", "analysis", "datasets", "elbo_terms", "evidence", "load"]

_LAZY = {
    "load": ("vae.checkpoint", "load"),
    "elbo_terms": ("vae.objective", "elbo_terms"),
    "datasets": ("vae.data", None),
    "analysis": ("vae.analysis", None),
    "evidence": ("vae.evidence", None),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'vae' has no attribute {name!r}")
    module, attribute = _LAZY[name]
    found = import_module(module)
    return getattr(found, attribute) if attribute else found
