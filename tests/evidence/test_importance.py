"""Importance-weighted bounds against a model whose evidence has a closed form: linear decoder, Gaussian likelihood."""

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Independent, MultivariateNormal, Normal

from vae.config import ModelConfig
from vae.evidence import importance_bound
from vae.models import VAE
from vae.objective import elbo_terms

SHAPE = (1, 8, 8)
SIGMA = 0.7


@pytest.fixture(scope="module")
def linear_model() -> VAE:
    """p(x|z) = N(Wz + b, sigma^2), so p(x) = N(b, WW' + sigma^2 I); q is not the posterior."""
    model = VAE(ModelConfig(likelihood="gaussian", sigma=SIGMA), SHAPE)
    torch.manual_seed(0)
    model.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 4))
    linear = nn.Linear(2, 64)
    nn.init.normal_(linear.weight, std=0.3)
    model.decoder = nn.Sequential(linear, nn.Unflatten(1, SHAPE))
    model.likelihood = lambda raw: Independent(Normal(raw, torch.tensor(SIGMA)), 3)
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def images() -> Tensor:
    return torch.rand(16, *SHAPE, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def exact(linear_model: VAE, images: Tensor) -> Tensor:
    linear = linear_model.decoder[0]
    assert isinstance(linear, nn.Linear)
    covariance = linear.weight @ linear.weight.T + SIGMA**2 * torch.eye(64)
    return MultivariateNormal(linear.bias.double(), covariance.double()).log_prob(images.double().flatten(1))


def test_the_bounds_rise_to_the_evidence_and_stay_below(linear_model: VAE, images: Tensor, exact: Tensor) -> None:
    generator = torch.Generator().manual_seed(2)
    elbo = torch.stack([elbo_terms(linear_model, images, generator).elbo for _ in range(400)]).mean()
    few, many = (importance_bound(linear_model, images, samples).mean() for samples in (10, 20_000))
    assert elbo < few < many <= exact.mean() + 0.02
    assert exact.mean() - many < 0.2


def test_one_importance_sample_is_one_draw_of_the_elbo(linear_model: VAE, images: Tensor) -> None:
    draws = torch.stack([importance_bound(linear_model, images, 1, seed).mean() for seed in range(300)])
    generator = torch.Generator().manual_seed(3)
    elbos = torch.stack([elbo_terms(linear_model, images, generator).elbo.mean() for _ in range(300)])
    standard_error = (draws.var() / 300 + elbos.var() / 300).sqrt()
    assert (draws.mean() - elbos.mean()).abs() < 5 * standard_error
