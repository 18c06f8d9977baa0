"""Every kind of model, with every network, fits every image it says it fits."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.distributions import Distribution

from vae.config import LIKELIHOODS, ModelConfig
from vae.errors import ConfigError
from vae.models import PCA, VAE, Model, build
from vae.network_sizes import Shape, count_parameters

SHAPES: list[Shape] = [(1, 8, 8), (1, 28, 20), (1, 28, 28), (3, 64, 64), (1, 9, 63), (3, 8, 64), (1, 15, 17)]
PCAS = [{"kind": "pca"}]
AES = [{"kind": "ae", "loss": "mse"}, {"kind": "ae", "loss": "cross-entropy"}]
VAES = [{"kind": "vae", "likelihood": name} for name in LIKELIHOODS]
SMALL = {"latent_dim": 3, "hidden": (8, 6)}


def config_of(**values: object) -> ModelConfig:
    return ModelConfig.model_validate(SMALL | values)


def weights_of(model: Model) -> list[torch.Tensor]:
    return list(model.state_dict().values())


def check_shapes(config: ModelConfig, shape: Shape) -> None:
    model = build(config, shape)
    x, z = torch.rand(2, *shape), torch.randn(5, config.latent_dim)
    if isinstance(model, VAE):
        q, p = model.encode(x), model.decode(z)
        assert isinstance(p, Distribution)
        assert (q.batch_shape, q.event_shape) == ((2,), (config.latent_dim,))
        assert (p.batch_shape, p.event_shape) == ((5,), shape)
        assert model.prior.event_shape == (config.latent_dim,)
        assert model.log_joint(x, z[:2]).shape == (2,)
        assert torch.equal(model.latents(x), q.mean)
        assert torch.equal(model.images(z), p.mean)
    else:
        assert torch.equal(model.latents(x), model.encode(x))
        decoded = model.decode(z)
        assert torch.equal(model.images(z), decoded.clamp(0, 1) if isinstance(model, PCA) else decoded)
        assert model.loss(x).shape == (2,)
    images = model.images(z)
    assert model.latents(x).shape == (2, config.latent_dim)
    assert images.shape == (5, *shape)
    assert ((images >= 0) & (images <= 1)).all()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("network", ["mlp", "conv"])
@pytest.mark.parametrize("kind", AES + VAES + PCAS, ids=lambda kind: "-".join(kind.values()))
def test_shapes(kind: dict[str, str], network: str, shape: Shape) -> None:
    check_shapes(config_of(network=network, **kind), shape)


@settings(max_examples=25)
@given(st.sampled_from([1, 3]), st.integers(8, 64), st.integers(8, 64), st.sampled_from(["mlp", "conv"]))
def test_any_size_within_the_bounds_fits(channels: int, height: int, width: int, network: str) -> None:
    check_shapes(config_of(network=network), (channels, height, width))


@given(
    kind=st.sampled_from(AES + VAES + PCAS),
    network=st.sampled_from(["mlp", "conv"]),
    hidden=st.lists(st.integers(1, 99), min_size=1, max_size=4),
    latent_dim=st.integers(1, 64),
    shape=st.tuples(st.sampled_from([1, 3]), st.integers(8, 64), st.integers(8, 64)),
)
def test_parameters_are_counted_before_there_are_any(
    kind: dict[str, str], network: str, hidden: list[int], latent_dim: int, shape: Shape
) -> None:
    config = config_of(network=network, hidden=tuple(hidden), latent_dim=latent_dim, **kind)
    with torch.device("meta"):
        model = build(config, shape)
    assert count_parameters(config, shape) == sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("network", ["mlp", "conv"])
@pytest.mark.parametrize("shape", [(1, 7, 8), (1, 8, 7), (1, 65, 8), (3, 8, 65), (2, 8, 8), (4, 8, 8), (0, 8, 8)])
def test_any_size_beyond_the_bounds_is_refused(network: str, shape: Shape) -> None:
    channels, height, width = shape
    with pytest.raises(ConfigError, match=f"{channels} channels and {height}x{width} pixels .* 8 to 64 pixels"):
        build(config_of(network=network), shape)


@pytest.mark.parametrize("activation", ["relu", "silu", "gelu", "tanh"])
@pytest.mark.parametrize("network", ["mlp", "conv"])
def test_the_activation_is_the_one_asked_for(network: str, activation: str) -> None:
    model = build(config_of(network=network, activation=activation), (1, 16, 16))
    names = {type(layer).__name__.lower() for part in (model.encoder, model.decoder) for layer in part}
    assert names & {"relu", "silu", "gelu", "tanh"} == {activation}
    # The outputs are unbounded: neither a mean, a log variance nor a logit may be cut.
    assert isinstance(model.encoder[-1], torch.nn.Linear)


def test_hidden_widths_run_from_image_to_code_and_back() -> None:
    model = build(config_of(), (1, 8, 8))
    widths = [
        [layer.out_features for layer in part if isinstance(layer, torch.nn.Linear)]
        for part in (model.encoder, model.decoder)
    ]
    assert widths == [[8, 6, 2 * 3], [6, 8, 64]]


def test_conv_looks_at_ever_smaller_images() -> None:
    model = build(config_of(network="conv"), (1, 28, 20))
    x, sizes = torch.zeros(1, 1, 28, 20), []
    for layer in model.encoder:
        x = layer(x)
        if isinstance(layer, torch.nn.Conv2d):
            sizes.append(tuple(x.shape[2:]))
    assert sizes == [(14, 10), (7, 5)]


def test_the_prior_is_standard_normal() -> None:
    model = build(config_of(), (1, 8, 8))
    assert isinstance(model, VAE)
    assert model.prior.mean.tolist() == [0, 0, 0]
    assert model.prior.variance.tolist() == [1, 1, 1]


def test_the_encoder_gives_log_variances() -> None:
    model = build(config_of(), (1, 8, 8))
    assert isinstance(model, VAE)
    x = torch.rand(4, 1, 8, 8)
    mu, log_variance = model.encoder(x)[:, :3], model.encoder(x)[:, 3:]
    torch.testing.assert_close(model.encode(x).mean, mu)
    torch.testing.assert_close(model.encode(x).variance, log_variance.exp())


def test_the_same_seed_gives_the_same_weights() -> None:
    one, same, other = (weights_of(build(config_of(), (1, 8, 8), seed)) for seed in (1, 1, 2))
    assert all(map(torch.equal, one, same))
    assert not any(map(torch.equal, one, other))


def test_building_neither_uses_nor_moves_the_global_generator() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first = weights_of(build(config_of(network="conv"), (1, 8, 8)))
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(6)
    assert all(map(torch.equal, first, weights_of(build(config_of(network="conv"), (1, 8, 8)))))
