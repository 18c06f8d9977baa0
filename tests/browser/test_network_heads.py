"""What the browser's network runtime makes of a decoder's raw output, against torch."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Error, Page
from torch.distributions import ContinuousBernoulli
from torch.nn.functional import softplus

import vae
from tests.browser.network_runtime import TOLERANCE, base64_text, metadata
from tests.small_checkpoints import save as save_checkpoint
from vae.checkpoint import WEIGHTS
from vae.config import ModelConfig, RunConfig, Storage
from vae.export import network_payload
from vae.models import PCA

pytestmark = pytest.mark.browser


LOGITS = torch.cat([torch.linspace(-30, 30, 1999), torch.linspace(-0.3, 0.3, 2001)])
RUN_TO_IMAGES = """([file, inputs]) => {
  const network = loadNetwork(Uint8Array.from(atob(file), (c) => c.charCodeAt(0)), "decoder");
  const { mean } = outputOf(network.metadata);
  return inputs.map((z) => {
    const raw = network.run(Float32Array.from(z));
    return Array.from(mean(raw, new Float32Array(raw.length)));
  });
}"""
HEAD = """([metadata, raw, size]) => {
  const head = outputOf(metadata);
  const values = Float32Array.from(raw, Number);
  return {
    channels: head.channels,
    mean: Array.from(head.mean(values, new Float32Array(size))),
    sigma: head.sigma && Array.from(head.sigma(values, new Float32Array(size))),
  };
}"""


def head(page: Page, common: dict[str, str], raw: torch.Tensor, size: int) -> dict[str, Any]:
    # As text, since JSON has no infinities.
    result = page.evaluate(HEAD, [common, [str(value).replace("inf", "Infinity") for value in raw.tolist()], size])
    assert result["channels"] == json.loads(common["shape"])[0]
    return result


@pytest.mark.parametrize("output", ["image", "bernoulli", "gaussian"])
def test_sigmoid_heads(runtime: Page, output: str) -> None:
    raw = torch.cat([LOGITS, torch.tensor([-torch.inf, -1e6, 1e6, torch.inf])])
    result = head(runtime, metadata((1, 1, len(raw)), 2, output=output), raw, len(raw))
    assert result["sigma"] is None
    assert np.abs(np.array(result["mean"]) - raw.sigmoid().numpy()).max() <= 1e-7


def test_linear_head_is_clamped(runtime: Page) -> None:
    raw = torch.cat([LOGITS, torch.tensor([-torch.inf, 0.0, 0.25, 1.0, 1.0001, torch.inf])])
    result = head(runtime, metadata((1, 1, len(raw)), 2, output="linear"), raw, len(raw))
    assert result["sigma"] is None
    assert np.array_equal(np.array(result["mean"]), raw.numpy().clip(0, 1))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 9, 13)])
@pytest.mark.parametrize("storage", ["float32", "float16"])
def test_a_pca_draws_what_its_model_does(
    runtime: Page, tmp_path: Path, shape: tuple[int, int, int], storage: Storage
) -> None:
    """A stored model, as the explorer fetches it: codes far enough out that the line leaves [0, 1] on both sides."""
    config = RunConfig(model=ModelConfig(kind="pca", latent_dim=3), storage=storage)
    save_checkpoint(tmp_path, config, shape)
    model = vae.load(tmp_path)
    assert isinstance(model, PCA)
    z = torch.tensor([[0.0, 0.0, 0.0], [0.3, -0.2, 0.1], [30.0, -40.0, 50.0]])
    file = base64_text(network_payload(tmp_path / WEIGHTS, "decoder"))
    result = runtime.evaluate(RUN_TO_IMAGES, [file, z.tolist()])
    assert model.decode(z).min() < -1 < 2 < model.decode(z).max()
    assert np.abs(np.array(result) - model.images(z).flatten(1).numpy()).max() <= TOLERANCE


def test_continuous_bernoulli_head(runtime: Page) -> None:
    """Against torch in double precision; beyond these logits its own form loses digits to cancellation and clamping."""
    raw = LOGITS[LOGITS.abs() < 15]
    result = head(runtime, metadata((1, 1, len(raw)), 2, output="continuous-bernoulli"), raw, len(raw))
    expected = ContinuousBernoulli(logits=raw.double()).mean
    assert result["sigma"] is None
    assert np.abs(np.array(result["mean"]) - expected.numpy()).max() <= 1e-7


def test_continuous_bernoulli_head_against_quadrature(runtime: Page) -> None:
    """The mean of the density proportional to e^(logit u) on [0, 1], by Gauss-Legendre nodes."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    u = (nodes + 1) / 2
    density = weights * np.exp(LOGITS.double().numpy()[:, None] * (u - (LOGITS > 0).numpy()[:, None]))
    expected = (density * u).sum(1) / density.sum(1)
    result = head(runtime, metadata((1, 1, len(LOGITS)), 2, output="continuous-bernoulli"), LOGITS, len(LOGITS))
    assert np.abs(np.array(result["mean"]) - expected).max() <= 1e-7


def test_continuous_bernoulli_head_at_extreme_logits(runtime: Page) -> None:
    """For |x| this large the mean is 1 / |x| away from the nearer end."""
    raw = torch.tensor([-torch.inf, -1e30, -1000.0, -100.0, 100.0, 1000.0, 1e30, torch.inf])
    result = head(runtime, metadata((1, 2, 4), 2, output="continuous-bernoulli"), raw, 8)
    expected = [0, 1e-30, 0.001, 0.01, 0.99, 0.999, 1, 1]
    assert result["mean"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_learned_sigma_head(runtime: Page, channels: int) -> None:
    floor = 0.01
    torch.manual_seed(channels)
    size = channels * 60
    raw = torch.cat([torch.randn(size) * 5, torch.linspace(-40, 4, size - 2), torch.tensor([-1e6, 9.0])])
    common = metadata((channels, 6, 10), 2, output="gaussian-learned", sigma_floor=str(floor))
    result = head(runtime, common, raw, size)
    raw_mean, raw_sigma = raw.double().chunk(2)
    sigma = (np.log(floor) + softplus(raw_sigma - np.log(floor), threshold=1000)).exp()
    assert np.abs(np.array(result["mean"]) - raw_mean.sigmoid().numpy()).max() <= 1e-7
    assert result["sigma"] == pytest.approx(sigma.tolist(), rel=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"output": "poisson"}, 'Unknown output "poisson"'),
        ({"output": "gaussian-learned"}, 'sigma_floor is "undefined"'),
        ({"output": "gaussian-learned", "sigma_floor": "-1"}, 'sigma_floor is "-1"'),
        ({"shape": "[1, 28]"}, "is not [C, H, W]"),
    ],
)
def test_heads_that_are_refused(runtime: Page, change: dict[str, str], message: str) -> None:
    with pytest.raises(Error) as caught:
        head(runtime, metadata((1, 2, 2), 2) | change, torch.zeros(4), 4)
    assert message in caught.value.message
