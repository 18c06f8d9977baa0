"""All figures of one model's latent space, from its stored codes."""

import numpy as np
import torch

from vae.analysis.confidence import class_entropy, confident_share
from vae.analysis.empty_space import empty_share
from vae.analysis.figures import COMPONENTS, PAIRS, SAMPLES, LatentFigures
from vae.analysis.mixture import fit_mixture
from vae.analysis.prior_match import mmd_to_prior
from vae.analysis.roughness import roughness
from vae.classifier.classifier import Classifier
from vae.codes import Codes
from vae.models import Model

DECODE_BATCH = 1024


def latent_figures(
    model: Model,
    codes: Codes,
    classifier: Classifier | None,
    components: int = COMPONENTS,
    samples: int = SAMPLES,
    seed: int = 0,
) -> LatentFigures:
    """The figures of `model`, in eval mode, with the `codes` of its test set; `DEFINITIONS` says what each means.

    The codes used are `codes.sample`: draws from q for a VAE, the codes themselves otherwise. MSE and 5-NN accuracy are
    those of the model's card. Equal seeds give equal figures, and the same draws from N(0, I) to models of equal d.

    Raises ConfigError when there are fewer codes than components, or the classifier takes other images.
    """
    prior_seed, mixture_seed, pair_seed, code_seed = np.random.SeedSequence(seed).generate_state(4).tolist()
    z = codes.sample(np.random.default_rng(code_seed))
    from_prior = np.random.default_rng(prior_seed).standard_normal((samples, z.shape[1]), dtype=np.float32)
    from_mixture = fit_mixture(z, components, seed).sample(samples, mixture_seed)
    confident_prior, entropy_prior = _seen(model, from_prior, classifier)
    confident_mixture, entropy_mixture = _seen(model, from_mixture, classifier)
    metrics = model.card.metrics if model.card else None
    return LatentFigures(
        confident_prior=confident_prior,
        entropy_prior=entropy_prior,
        confident_mixture=confident_mixture,
        entropy_mixture=entropy_mixture,
        empty_share=empty_share(z) if z.shape[1] == 2 else None,
        mmd=mmd_to_prior(z),
        roughness=_median_roughness(model, z, np.random.default_rng(pair_seed)),
        mse=metrics.mse if metrics else None,
        knn_accuracy=metrics.knn_accuracy if metrics else None,
        median_sigma=None if codes.sigma is None else float(np.median(codes.sigma)),
    )


@torch.no_grad()
def _seen(model: Model, z: np.ndarray, classifier: Classifier | None) -> tuple[float | None, float | None]:
    """Share of confident samples, and the entropy of their classes."""
    if classifier is None:
        return None, None
    batches = torch.from_numpy(z).split(DECODE_BATCH)
    probabilities = np.concatenate([classifier.probabilities(model.images(batch)) for batch in batches])
    return confident_share(probabilities), class_entropy(probabilities)


def _median_roughness(model: Model, z: np.ndarray, rng: np.random.Generator) -> float | None:
    """Over random pairs of different codes; None when no pair decodes to two images."""
    starts = rng.integers(len(z), size=PAIRS)
    ends = (starts + rng.integers(1, len(z), size=PAIRS)) % len(z)
    ratios = roughness(model.images, z[starts], z[ends])
    return float(np.nanmedian(ratios)) if np.isfinite(ratios).any() else None
