"""The browser's network runtime against torch, in a real Chromium: layers alone and put together."""

import json
from typing import Any

import numpy as np
import pytest
import torch
import wasmtime
from playwright.sync_api import Page
from safetensors.torch import save
from torch import nn

from tests.browser.network_runtime import (
    RUN,
    TOLERANCE,
    base64_text,
    conv_decoder,
    conv_encoder,
    metadata,
    weights_file,
)
from tests.serving import ROOT
from ui.explorer.sources import runtime_source
from vae.export import network_payload
from vae.models.layers import describe

pytestmark = pytest.mark.browser


ACTIVATIONS: list[type[nn.Module]] = [nn.ReLU, nn.SiLU, nn.GELU, nn.Tanh, nn.Sigmoid]


def assert_equals_torch(
    page: Page, network: nn.Sequential, part: str, shape: tuple[int, int, int], latent: int, seed: int = 0
) -> None:
    """Three inputs in a row, so that anything left over from one run would show in the next."""
    size = shape if part == "encoder" else (latent,)
    inputs = torch.randn(3, *size, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        expected = network.float()(inputs)
    file = base64_text(weights_file(network, part, metadata(shape, latent)))
    result = page.evaluate(RUN, [file, part, inputs.flatten(1).tolist()])
    assert result["inputSize"] == inputs[0].numel()
    assert result["outputShape"] == list(expected.shape[1:])
    assert np.abs(np.array(result["outputs"]) - expected.flatten(1).numpy()).max() <= TOLERANCE


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_mlp(runtime: Page, seed: int) -> None:
    torch.manual_seed(seed)
    shape = (1, 28, 28)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(784, 102), nn.ReLU(), nn.Linear(102, 10))
    decoder = nn.Sequential(nn.Linear(5, 102), nn.ReLU(), nn.Linear(102, 784), nn.Unflatten(1, shape))
    assert_equals_torch(runtime, encoder, "encoder", shape, 5, seed)
    assert_equals_torch(runtime, decoder, "decoder", shape, 5, seed)


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 20), (3, 64, 64), (1, 13, 9)])
@pytest.mark.parametrize("seed", [0, 1])
def test_convolutional(runtime: Page, shape: tuple[int, int, int], seed: int) -> None:
    torch.manual_seed(seed)
    assert_equals_torch(runtime, conv_encoder(shape, nn.ReLU, 6), "encoder", shape, 3, seed)
    assert_equals_torch(runtime, conv_decoder(shape, nn.ReLU, 3), "decoder", shape, 3, seed)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_inside_a_network(runtime: Page, activation: type[nn.Module]) -> None:
    torch.manual_seed(0)
    shape = (1, 12, 12)
    assert_equals_torch(runtime, conv_encoder(shape, activation, 4), "encoder", shape, 2)
    assert_equals_torch(runtime, conv_decoder(shape, activation, 2), "decoder", shape, 2)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activations_over_their_whole_range(runtime: Page, activation: type[nn.Module]) -> None:
    network = nn.Sequential(activation(), nn.Flatten())
    values = torch.cat([torch.linspace(-12, 12, 1020), torch.tensor([-1e4, -200.0, 200.0, 1e4])])
    common = metadata((1, 32, 32), 1024)
    file = base64_text(weights_file(network, "encoder", common))
    result = runtime.evaluate(RUN, [file, "encoder", [values.tolist()]])
    expected = network(values.view(1, 1, 32, 32).double())
    assert np.abs(np.array(result["outputs"]) - expected.numpy()).max() <= TOLERANCE


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(3, 5, 3, 1, 0),
        nn.Conv2d(3, 4, 3, 1, 1, bias=False),
        nn.Conv2d(3, 1, (5, 2), (3, 1), (2, 4)),
        nn.Conv2d(3, 6, 1, 3),
        nn.Conv2d(3, 2, (9, 11)),
        nn.ConvTranspose2d(3, 5, 3, 1, 1),
        nn.ConvTranspose2d(3, 4, 4, 2, 1, bias=False),
        nn.ConvTranspose2d(3, 2, 3, 2, 1, output_padding=1),
        nn.ConvTranspose2d(3, 7, (2, 5), (3, 2), (0, 3), output_padding=(2, 1)),
        nn.ConvTranspose2d(3, 3, 1, 4, 0, output_padding=3),
        nn.ConvTranspose2d(3, 1, 6, 2, 5),
    ],
    ids=str,
)
def test_any_convolution(runtime: Page, layer: nn.Module) -> None:
    assert_equals_torch(runtime, nn.Sequential(layer, nn.Flatten(), _to_two(layer)), "encoder", (3, 9, 11), 2)


def _to_two(layer: nn.Module) -> nn.Linear:
    """A last layer that ends in two numbers, small weights so that no error hides in cancellation."""
    return nn.Linear(layer(torch.zeros(1, 3, 9, 11)).numel(), 2)


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_half_precision_weights(runtime: Page, part: str) -> None:
    torch.manual_seed(0)
    shape = (1, 16, 16)
    network = conv_encoder(shape, nn.GELU, 4) if part == "encoder" else conv_decoder(shape, nn.GELU, 2)
    assert_equals_torch(runtime, network.half(), part, shape, 2)


def test_an_exported_part_runs_in_a_worker(runtime: Page, tmp_path: Any) -> None:
    """The route that the page takes: weights on disk, one part cut out, run where there is no window."""
    torch.manual_seed(0)
    shape = (1, 16, 12)
    encoder, decoder = conv_encoder(shape, nn.SiLU, 4), conv_decoder(shape, nn.SiLU, 2)
    layers = {"encoder": json.dumps(describe(encoder, "encoder")), "decoder": json.dumps(describe(decoder, "decoder"))}
    tensors = nn.ModuleDict({"encoder": encoder, "decoder": decoder}).state_dict()
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(save(tensors, metadata(shape, 2) | layers))
    script = """([source, file]) => new Promise((resolve, reject) => {
      const onmessage = `onmessage = ({ data }) => {
        const network = loadNetwork(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)), "decoder");
        postMessage(Array.from(network.run(Float32Array.of(0.5, -1.25))));
      };`;
      const url = URL.createObjectURL(new Blob([source, onmessage], { type: "text/javascript" }));
      const worker = new Worker(url, { type: "module" });
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage(file);
    })"""
    result = runtime.evaluate(script, [runtime_source(), base64_text(network_payload(weights, "decoder"))])
    expected = decoder(torch.tensor([[0.5, -1.25]])).detach().flatten().numpy()
    assert np.abs(np.array(result) - expected).max() <= TOLERANCE


def test_run_reuses_its_output_and_leaves_its_input(runtime: Page) -> None:
    network = nn.Sequential(nn.ReLU(), nn.Unflatten(1, (1, 2, 2)))
    file = base64_text(weights_file(network, "decoder", metadata((1, 2, 2), 4)))
    script = """(file) => {
      const network = loadNetwork(Uint8Array.from(atob(file), (c) => c.charCodeAt(0)), "decoder");
      const z = Float32Array.of(-1, 2, -3, 4);
      const first = network.run(z);
      const second = network.run(Float32Array.of(5, 6, 7, 8));
      return { same: first === second, z: Array.from(z) };
    }"""
    assert runtime.evaluate(script, file) == {"same": True, "z": [-1, 2, -3, 4]}


def test_the_compiled_kernel_is_its_text() -> None:
    folder = ROOT / "ui" / "explorer"
    assert wasmtime.wat2wasm((folder / "linear.wat").read_text()) == (folder / "linear.wasm").read_bytes()
