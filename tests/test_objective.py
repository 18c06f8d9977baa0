"""The objective against closed forms: of the KL term, and of a linear-Gaussian VAE, whose evidence is known exactly."""

import math
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch import Tensor, nn
from torch.distributions import Independent, Normal, kl_divergence

from vae import objective
from vae.config import LIKELIHOODS, ModelConfig
from vae.models import VAE, Autoencoder, build
from vae.objective import Terms, elbo_terms, kl_per_dimension, reparameterize, terms

SHAPE, PIXELS, D = (1, 8, 8), 64, 2
NOISE = 0.5  # sigma of the linear-Gaussian likelihood
finite = st.floats(-20, 20)
positive = st.floats(1e-3, 1e3)


def diagonal_normal(mu: Any, sigma: Any) -> Independent:
    return Independent(Normal(torch.as_tensor(mu, dtype=torch.float64), torch.as_tensor(sigma)), 1)


STANDARD = diagonal_normal([0.0], torch.ones(1, dtype=torch.float64))


class LinearGaussian:
    """x = W z + b + noise, z ~ N(0, I): then x ~ N(b, W W' + s^2 I) and z | x is normal too."""

    def __init__(self, orthogonal: bool, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.w = np.linalg.qr(rng.normal(size=(PIXELS, D)))[0] * [1.5, 0.3]
        if not orthogonal:  # then the posterior leans; otherwise it is diagonal, and the encoder can be exact
            self.w[:, 1] += self.w[:, 0]
        self.b = rng.random(PIXELS)
        self.posterior_covariance = np.linalg.inv(np.eye(D) + self.w.T @ self.w / NOISE**2)
        self.x = self.b + rng.normal(size=(4, D)) @ self.w.T + rng.normal(0, NOISE, (4, PIXELS))

    @property
    def images(self) -> Tensor:
        return torch.from_numpy(self.x).reshape(-1, *SHAPE)

    @property
    def log_evidence(self) -> np.ndarray:
        covariance: Any = self.w @ self.w.T + NOISE**2 * np.eye(PIXELS)
        return stats.multivariate_normal.logpdf(self.x, self.b, covariance)

    def gap(self, q: Independent) -> np.ndarray:
        """KL(q(z|x) || p(z|x)) for each image, by torch's own formula for full covariances."""
        means = (self.x - self.b) @ self.w @ self.posterior_covariance / NOISE**2
        posterior = torch.distributions.MultivariateNormal(
            torch.from_numpy(means), torch.from_numpy(self.posterior_covariance)
        )
        approximate = torch.distributions.MultivariateNormal(q.mean, torch.diag_embed(q.variance))
        return kl_divergence(approximate, posterior).numpy()

    def vae(self) -> VAE:
        """A VAE whose decoder is this model, and whose encoder gives the posterior's mean and its variances."""
        model = VAE(ModelConfig(likelihood="gaussian", sigma=NOISE), SHAPE)
        to_mean = self.posterior_covariance @ self.w.T / NOISE**2
        encoder, decoder = nn.Linear(PIXELS, 2 * D), nn.Linear(D, PIXELS)
        log_variances = np.log(np.diag(self.posterior_covariance))
        set_weights(encoder, np.vstack([to_mean, np.zeros_like(to_mean)]), np.append(-to_mean @ self.b, log_variances))
        set_weights(decoder, self.w, self.b)
        model.encoder = nn.Sequential(nn.Flatten(), encoder)
        model.decoder = nn.Sequential(decoder, nn.Unflatten(1, SHAPE))
        model.likelihood = lambda raw: Independent(Normal(raw, NOISE), 3)
        return model.double().requires_grad_(False)


def set_weights(layer: nn.Linear, weight: np.ndarray, bias: np.ndarray) -> None:
    layer.weight.data, layer.bias.data = torch.from_numpy(weight), torch.from_numpy(bias)


class Halved(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, : SHAPE[1]]


class Doubled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, x], dim=2)


def sampled_elbo(model: VAE, images: Tensor, samples: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error of the one-sample ELBO of each image."""
    many = images.repeat_interleave(samples, dim=0)
    draws = elbo_terms(model, many, torch.Generator().manual_seed(1)).elbo.reshape(len(images), samples)
    return draws.mean(1).numpy(), draws.std(1).numpy() / samples**0.5


# --- the KL term


@given(st.lists(st.tuples(finite, positive), min_size=1, max_size=5))
def test_kl_is_kingmas_formula(pairs: list[tuple[float, float]]) -> None:
    mu, sigma = np.array(pairs).T
    kl = kl_per_dimension(diagonal_normal(mu[None], sigma[None]), STANDARD)[0].numpy()
    np.testing.assert_allclose(kl, (mu**2 + sigma**2 - 1 - np.log(sigma**2)) / 2, rtol=1e-9, atol=1e-9)
    assert (kl >= -1e-12).all()


def test_kl_summed_over_dimensions_is_that_of_the_joint() -> None:
    q = diagonal_normal(torch.randn(3, 4), torch.rand(3, 4, dtype=torch.float64) + 0.1)
    prior = diagonal_normal(torch.zeros(4), torch.ones(4, dtype=torch.float64))
    torch.testing.assert_close(kl_per_dimension(q, prior).sum(1), kl_divergence(q, prior))


@pytest.mark.parametrize(("mu", "sigma"), [(0.0, 1.0), (1.3, 0.4), (-3.0, 0.05), (0.2, 2.5)])
def test_kl_is_what_monte_carlo_finds(mu: float, sigma: float) -> None:
    z = np.random.default_rng(0).normal(mu, sigma, 200_000)
    log_ratio = stats.norm.logpdf(z, mu, sigma) - stats.norm.logpdf(z)
    kl = kl_per_dimension(diagonal_normal([[mu]], torch.tensor([[sigma]], dtype=torch.float64)), STANDARD).item()
    assert abs(log_ratio.mean() - kl) <= 4 * log_ratio.std() / len(z) ** 0.5 + 1e-12


# --- the ELBO


@pytest.mark.parametrize("seed", range(3))
def test_the_elbo_falls_short_of_the_evidence_by_the_gap(seed: int) -> None:
    """log p(x) = ELBO + KL(q(z|x) || p(z|x)); the true posterior leans, and q, which is diagonal, cannot."""
    truth = LinearGaussian(orthogonal=False, seed=seed)
    model = truth.vae()
    elbo, error = sampled_elbo(model, truth.images)
    gap = truth.gap(model.encode(truth.images))
    assert (gap > 0.1).all()
    assert (elbo <= truth.log_evidence + 4 * error).all()
    assert (np.abs(truth.log_evidence - gap - elbo) <= 4 * error).all()


def test_the_elbo_of_a_poor_encoder_is_far_below() -> None:
    truth = LinearGaussian(orthogonal=True)
    model = truth.vae()
    cast(nn.Linear, model.encoder[1]).bias.data[0] += 1
    elbo, error = sampled_elbo(model, truth.images)
    gap = truth.gap(model.encode(truth.images))
    assert (gap > 1).all()
    assert (np.abs(truth.log_evidence - gap - elbo) <= 4 * error).all()


def test_the_elbo_of_the_exact_posterior_is_the_evidence() -> None:
    truth = LinearGaussian(orthogonal=True)
    elbo, error = sampled_elbo(truth.vae(), truth.images)
    assert (np.abs(elbo - truth.log_evidence) <= 4 * error).all()


def test_with_the_exact_posterior_every_single_sample_gives_the_evidence() -> None:
    """p(x, z) / q(z|x) = p(x) whatever z: no variance is left."""
    truth = LinearGaussian(orthogonal=True)
    model = truth.vae()
    q = model.encode(truth.images)
    for z in (q.sample(), torch.zeros(4, D, dtype=torch.float64), q.mean + 3):
        ratio = model.log_joint(truth.images, z) - q.log_prob(z)
        np.testing.assert_allclose(ratio.numpy(), truth.log_evidence, rtol=1e-9)


def test_the_terms_are_those_of_the_equation() -> None:
    model, x = build(ModelConfig(hidden=(8,)), SHAPE), torch.rand(5, *SHAPE)
    assert isinstance(model, VAE)
    found = elbo_terms(model, x, torch.Generator().manual_seed(3))
    q = model.encode(x)
    z = q.mean + q.stddev * torch.randn(5, D, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(found.elbo, model.decode(z).log_prob(x) - kl_divergence(q, model.prior))
    assert found.kl.shape == (5, D)


@given(st.floats(0, 1000))
def test_beta_weighs_the_kl_and_nothing_else(beta: float) -> None:
    given_terms = Terms(torch.tensor([-3.0, -5.0]).double(), torch.tensor([[1.0, 0.5], [0.25, 2.0]]).double())
    assert given_terms.loss(beta).item() == pytest.approx(4 + beta * (1.5 + 2.25) / 2)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_an_image_of_twice_the_pixels_has_twice_the_reconstruction_term(likelihood: str) -> None:
    """Nothing averages over pixels: the same picture tiled once more, from the same code."""
    config = ModelConfig.model_validate({"likelihood": likelihood, "hidden": (4,)})
    once = build(config, SHAPE)
    assert isinstance(once, VAE)
    x, twice = torch.rand(3, *SHAPE), VAE(config, (1, 16, 8))
    twice.encoder = nn.Sequential(Halved(), once.encoder)
    twice.decoder = nn.Sequential(once.decoder, Doubled())
    small = elbo_terms(once, x, torch.Generator().manual_seed(0))
    large = elbo_terms(twice, torch.cat([x, x], dim=2), torch.Generator().manual_seed(0))
    torch.testing.assert_close(large.reconstruction, 2 * small.reconstruction)
    torch.testing.assert_close(large.kl, small.kl)


@pytest.mark.parametrize("loss", ["mse", "cross-entropy"])
def test_an_autoencoder_has_a_loss_summed_over_pixels_and_no_kl(loss: str) -> None:
    model, x = (
        build(ModelConfig.model_validate({"kind": "ae", "loss": loss, "hidden": (8,)}), SHAPE),
        torch.rand(5, *SHAPE),
    )
    assert isinstance(model, Autoencoder)
    found, image, truth = terms(model, x), model.images(model.latents(x)).detach().numpy(), x.numpy()
    squared = (image - truth) ** 2
    entropy = -truth * np.log(image) - (1 - truth) * np.log(1 - image)
    expected = (squared if loss == "mse" else entropy).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(-found.reconstruction.detach().numpy(), expected, rtol=1e-4)
    assert found.kl.shape == (5, 0)
    torch.testing.assert_close(found.elbo, found.reconstruction)


@pytest.mark.parametrize("log_variance", [-80.0, -200.0, -1e4])
def test_the_kl_of_a_sigma_that_vanishes_stays_a_number(log_variance: float) -> None:
    """With beta = 0 sigma falls until float32 has no square of it; 0 times an infinite KL would end the training."""
    model = build(ModelConfig(hidden=(8,)), SHAPE)
    assert isinstance(model, VAE)
    last = cast(nn.Linear, model.encoder[-1])
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.tensor([0.5, -1.0, log_variance, log_variance]))
    found = terms(model, torch.rand(3, *SHAPE))
    sigma = max(math.exp(log_variance / 2), 1e-18)
    expected = [(sigma**2 + mu**2 - 1) / 2 - math.log(sigma) for mu in (0.5, -1.0)]
    torch.testing.assert_close(found.kl, torch.tensor([expected] * 3))
    loss = found.loss(beta=0.0)
    loss.backward()
    torch.testing.assert_close(loss, -found.reconstruction.mean())
    assert all(torch.isfinite(weights.grad).all() for weights in model.parameters() if weights.grad is not None)


# --- reparameterisation


def test_the_gradient_of_z_is_one_for_mu_and_epsilon_for_sigma() -> None:
    mu, sigma = torch.randn(3, D, requires_grad=True), torch.rand(3, D, requires_grad=True)
    z = reparameterize(Independent(Normal(mu, sigma), 1), torch.Generator().manual_seed(7))
    z.sum().backward()
    epsilon = torch.randn(3, D, generator=torch.Generator().manual_seed(7))
    torch.testing.assert_close(mu.grad, torch.ones_like(mu))
    torch.testing.assert_close(sigma.grad, epsilon)
    torch.testing.assert_close(z, mu + sigma * epsilon)


def reconstruction_gradient(model: VAE) -> Tensor | None:
    """Of the encoder's last layer, whose first rows give mu and last rows log sigma^2."""
    layer = cast(nn.Linear, model.encoder[-1])
    layer.weight.grad = None
    elbo_terms(model, torch.rand(6, *SHAPE)).reconstruction.sum().backward()
    return layer.weight.grad


def test_without_it_no_gradient_reaches_mu_and_sigma(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build(ModelConfig(hidden=(8,), activation="tanh"), SHAPE)
    assert isinstance(model, VAE)
    gradient = reconstruction_gradient(model)
    assert gradient is not None
    assert (gradient.abs().sum(dim=1) > 0).all()  # both dimensions' mu, both dimensions' sigma
    monkeypatch.setattr(objective, "reparameterize", lambda q, generator: q.sample())
    assert reconstruction_gradient(model) is None


def test_the_generator_decides_the_noise() -> None:
    q = diagonal_normal(torch.zeros(2, D), torch.ones(2, D, dtype=torch.float64))
    torch.manual_seed(0)
    first = reparameterize(q, torch.Generator().manual_seed(1))
    torch.manual_seed(9)
    assert torch.equal(first, reparameterize(q, torch.Generator().manual_seed(1)))
    assert not torch.equal(first, reparameterize(q, torch.Generator().manual_seed(2)))
