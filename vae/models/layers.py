"""Describes a network's layers in plain words, so that a runtime without torch can run it."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from vae.errors import ExportError

Layer = dict[str, Any]


def describe(network: nn.Sequential, prefix: str) -> list[Layer]:
    """The layers of `network` in order, each a dict that JSON can hold.

    Tensors are called by their names in a state dict under `prefix` ("decoder" gives "decoder.0.weight") and keep
    torch's layout; nested Sequentials are laid flat. Raises ExportError, naming the layer, for anything that such a
    description cannot express.
    """
    if type(network) is not nn.Sequential:
        raise ExportError(f"The {prefix} is a {type(network).__name__}; only a plain nn.Sequential can be exported.")
    return list(_walk(network, prefix))


def _walk(network: nn.Sequential, prefix: str) -> Iterator[Layer]:
    for name, module in network.named_modules(prefix=prefix, remove_duplicate=False):
        kind = type(module)  # exact: a subclass may compute something else
        if kind is nn.Sequential:
            continue
        if kind not in _DESCRIPTIONS:
            supported = ", ".join(supported.__name__ for supported in _DESCRIPTIONS)
            raise ExportError(f"Layer {name} is a {kind.__name__}, which cannot be exported. Supported: {supported}.")
        yield {"type": kind.__name__} | _DESCRIPTIONS[kind](module, name)


def _require(holds: bool, name: str, found: str, supported: str) -> None:
    if not holds:
        raise ExportError(f"Layer {name} has {found}, which cannot be exported. Supported: {supported}.")


def _tensors(layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d, name: str) -> Layer:
    dtype = layer.weight.dtype
    _require(dtype in (torch.float32, torch.float16), name, f"weights of {dtype}", "torch.float32 and torch.float16")
    return {"weight": f"{name}.weight", "bias": None if layer.bias is None else f"{name}.bias"}


def _convolution(layer: nn.Conv2d | nn.ConvTranspose2d, name: str) -> Layer:
    _require(layer.groups == 1, name, f"groups={layer.groups}", "groups=1")
    _require(tuple(layer.dilation) == (1, 1), name, f"dilation={layer.dilation}", "dilation=1")
    _require(layer.padding_mode == "zeros", name, f"padding_mode={layer.padding_mode!r}", "padding_mode='zeros'")
    _require(not isinstance(layer.padding, str), name, f"padding={layer.padding!r}", "padding in pixels")
    return _tensors(layer, name) | {"stride": list(layer.stride), "padding": list(layer.padding)}


def _transposed(layer: nn.ConvTranspose2d, name: str) -> Layer:
    return _convolution(layer, name) | {"output_padding": list(layer.output_padding)}


def _gelu(layer: nn.GELU, name: str) -> Layer:
    _require(layer.approximate == "none", name, f"approximate={layer.approximate!r}", "approximate='none'")
    return {}


def _flatten(layer: nn.Flatten, name: str) -> Layer:
    dims = (layer.start_dim, layer.end_dim)
    _require(dims == (1, -1), name, f"start_dim={dims[0]}, end_dim={dims[1]}", "start_dim=1, end_dim=-1")
    return {}


def _unflatten(layer: nn.Unflatten, name: str) -> Layer:
    _require(layer.dim == 1, name, f"dim={layer.dim!r}", "dim=1")
    sizes = tuple(layer.unflattened_size)
    explicit = all(isinstance(size, int) and size > 0 for size in sizes)
    _require(explicit, name, f"unflattened_size={sizes}", "sizes that are all given")
    return {"shape": list(sizes)}


def _plain(layer: nn.Module, name: str) -> Layer:
    return {}


_DESCRIPTIONS: dict[type[nn.Module], Callable[[Any, str], Layer]] = {
    nn.Linear: _tensors,
    nn.Conv2d: _convolution,
    nn.ConvTranspose2d: _transposed,
    nn.ReLU: _plain,
    nn.SiLU: _plain,
    nn.GELU: _gelu,
    nn.Tanh: _plain,
    nn.Sigmoid: _plain,
    nn.Flatten: _flatten,
    nn.Unflatten: _unflatten,
}
