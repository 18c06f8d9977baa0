"""Descriptions of layers: what they say, and what they refuse."""

import json
from collections import OrderedDict

import pytest
import torch
from torch import nn
from torch.nn import functional

from vae.errors import ExportError
from vae.models.layers import describe

ACTIVATIONS = {
    "ReLU": functional.relu,
    "SiLU": functional.silu,
    "GELU": functional.gelu,
    "Tanh": torch.tanh,
    "Sigmoid": torch.sigmoid,
}


def rebuilt(layers: list[dict], tensors: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """Runs a description by torch's functions alone: the description must be enough."""
    for layer in layers:
        weight, bias = tensors.get(layer.get("weight", "")), tensors.get(layer.get("bias") or "")
        match layer["type"]:
            case "Linear":
                assert weight is not None
                x = functional.linear(x, weight, bias)
            case "Conv2d":
                assert weight is not None
                x = functional.conv2d(x, weight, bias, layer["stride"], layer["padding"])
            case "ConvTranspose2d":
                assert weight is not None
                x = functional.conv_transpose2d(
                    x, weight, bias, layer["stride"], layer["padding"], layer["output_padding"]
                )
            case "Flatten":
                x = x.reshape(len(x), -1)
            case "Unflatten":
                x = x.reshape(len(x), *layer["shape"])
            case name:
                x = ACTIVATIONS[name](x)
    return x


def test_a_description_is_enough_to_run_the_network() -> None:
    torch.manual_seed(0)
    shared = nn.GELU()
    network = nn.Sequential(
        nn.Conv2d(2, 3, (3, 5), (2, 1), (1, 2), bias=False),
        nn.ReLU(),
        nn.Sequential(OrderedDict(deep=nn.Conv2d(3, 4, 2), soft=nn.SiLU())),
        nn.Flatten(),
        shared,
        nn.Linear(4 * 4 * 8, 12),
        shared,
        nn.Unflatten(1, (3, 2, 2)),
        nn.ConvTranspose2d(3, 2, 3, 2, (1, 0), output_padding=(1, 0)),
        nn.Tanh(),
        nn.Sigmoid(),
    )
    tensors = {f"decoder.{name}": tensor for name, tensor in network.state_dict().items()}
    layers = json.loads(json.dumps(describe(network, "decoder")))
    x = torch.randn(2, 2, 9, 9)
    assert torch.equal(rebuilt(layers, tensors, x), network(x))
    assert {layer[role] for layer in layers for role in ("weight", "bias") if layer.get(role)} == set(tensors)


def test_the_agreed_form() -> None:
    upsampling = nn.ConvTranspose2d(3, 1, 4, 2, 1, output_padding=(0, 1), bias=False)
    network = nn.Sequential(nn.Linear(2, 12), nn.Unflatten(1, (3, 2, 2)), upsampling)
    assert describe(network, "decoder") == [
        {"type": "Linear", "weight": "decoder.0.weight", "bias": "decoder.0.bias"},
        {"type": "Unflatten", "shape": [3, 2, 2]},
        {
            "type": "ConvTranspose2d",
            "weight": "decoder.2.weight",
            "bias": None,
            "stride": [2, 2],
            "padding": [1, 1],
            "output_padding": [0, 1],
        },
    ]


class Doubled(nn.ReLU):
    """Looks like a ReLU to isinstance, and is none."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(input)


@pytest.mark.parametrize(
    ("layer", "found", "supported"),
    [
        (nn.Softplus(), "a Softplus", "Linear, Conv2d, ConvTranspose2d, ReLU, SiLU, GELU, Tanh, Sigmoid, Flatten"),
        (Doubled(), "a Doubled", "ReLU"),
        (nn.ModuleList([nn.ReLU()]), "a ModuleList", "ReLU"),
        (nn.Conv2d(4, 4, 3, groups=2), "groups=2", "groups=1"),
        (nn.ConvTranspose2d(4, 4, 3, groups=4), "groups=4", "groups=1"),
        (nn.Conv2d(4, 4, 3, dilation=(1, 2)), "dilation=(1, 2)", "dilation=1"),
        (nn.ConvTranspose2d(4, 4, 3, dilation=2), "dilation=(2, 2)", "dilation=1"),
        (nn.Conv2d(4, 4, 3, padding_mode="reflect"), "padding_mode='reflect'", "padding_mode='zeros'"),
        (nn.Conv2d(4, 4, 4, padding="same"), "padding='same'", "padding in pixels"),
        (nn.Linear(4, 4, dtype=torch.float64), "torch.float64", "torch.float32 and torch.float16"),
        (nn.GELU(approximate="tanh"), "approximate='tanh'", "approximate='none'"),
        (nn.Flatten(0), "start_dim=0", "start_dim=1, end_dim=-1"),
        (nn.Flatten(1, 2), "end_dim=2", "start_dim=1, end_dim=-1"),
        (nn.Unflatten(2, (2, 2)), "dim=2", "dim=1"),
        (nn.Unflatten(1, (2, -1)), "unflattened_size=(2, -1)", "sizes that are all given"),
    ],
)
def test_what_cannot_be_described_is_named(layer: nn.Module, found: str, supported: str) -> None:
    with pytest.raises(ExportError) as caught:
        describe(nn.Sequential(nn.ReLU(), layer), "encoder")
    message = str(caught.value)
    assert "Layer encoder.1 " in message
    assert found in message
    assert supported in message.partition("Supported: ")[2]


def test_only_a_sequential_is_described() -> None:
    with pytest.raises(ExportError, match=r"The decoder is a Linear; only a plain nn\.Sequential"):
        describe(nn.Linear(2, 2), "decoder")  # pyright: ignore[reportArgumentType]
