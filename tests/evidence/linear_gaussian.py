"""A VAE whose evidence and posterior have closed forms: linear decoder, Gaussian likelihood."""

import torch
from torch import Tensor, nn
from torch.distributions import Independent, MultivariateNormal, Normal

from vae.config import ModelConfig
from vae.models import VAE

SHAPE, PIXELS = (1, 8, 8), 64


class LinearGaussian:
    """x = W z + b + noise, z ~ N(0, I_2): then x ~ N(b, W W' + sigma^2 I), and z | x is normal too.

    With `orthogonal` columns of W the true posterior is diagonal, and a diagonal q can equal it.
    """

    def __init__(self, sigma: float, spread: float, seed: int = 0, orthogonal: bool = False, images: int = 8) -> None:
        generator = torch.Generator().manual_seed(seed)

        def normal(*size: int) -> Tensor:
            return torch.randn(*size, generator=generator, dtype=torch.float64)

        self.sigma, self.b = sigma, normal(PIXELS)
        self.w = spread * normal(PIXELS, 2)
        if orthogonal:
            self.w = spread * 8 * torch.linalg.qr(self.w)[0]
        z, noise = normal(images, 2), normal(images, PIXELS)
        self.flat = z @ self.w.T + self.b + sigma * noise

    @property
    def images(self) -> Tensor:
        return self.flat.unflatten(1, SHAPE)

    @property
    def log_evidence(self) -> Tensor:
        covariance = self.w @ self.w.T + self.sigma**2 * torch.eye(PIXELS, dtype=torch.float64)
        return MultivariateNormal(self.b, covariance).log_prob(self.flat)

    @property
    def covariance(self) -> Tensor:
        """Of p(z|x), the same for every x."""
        return torch.linalg.inv(torch.eye(2, dtype=torch.float64) + self.w.T @ self.w / self.sigma**2)

    @property
    def posterior(self) -> MultivariateNormal:
        """p(z|x) of the images."""
        return MultivariateNormal((self.flat - self.b) @ self.w @ self.covariance / self.sigma**2, self.covariance)

    def vae(self, encoder: str) -> VAE:
        """Its decoder, with an encoder that is "exact" (mean and variances of the posterior) or "untrained"."""
        model = VAE(ModelConfig(likelihood="gaussian", sigma=0.1), SHAPE).double()
        linear = nn.Linear(2, PIXELS).double()
        linear.weight.data, linear.bias.data = self.w, self.b
        model.decoder = nn.Sequential(linear, nn.Unflatten(1, SHAPE))
        model.likelihood = lambda raw: Independent(Normal(raw, raw.new_tensor(self.sigma)), 3)
        if encoder == "exact":
            to_mean = self.covariance @ self.w.T / self.sigma**2
            exact = nn.Linear(PIXELS, 4).double()
            exact.weight.data = torch.cat([to_mean, torch.zeros_like(to_mean)])
            exact.bias.data = torch.cat([-to_mean @ self.b, self.covariance.diagonal().log()])
            model.encoder = nn.Sequential(nn.Flatten(), exact)
        return model.eval().requires_grad_(False)
