"""The browser's network runtime on a page of its own, and what its tests give it and ask of it."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from playwright.sync_api import Browser, Page
from safetensors.torch import save
from torch import nn

from ui.explorer.sources import runtime_source
from vae.models.layers import describe

TOLERANCE = 1e-5
RUN = """([file, part, inputs]) => {
  const network = loadNetwork(Uint8Array.from(atob(file), (c) => c.charCodeAt(0)), part);
  return {
    inputSize: network.inputSize,
    outputShape: network.outputShape,
    outputs: inputs.map((input) => Array.from(network.run(Float32Array.from(input)))),
  };
}"""
PARSE = "(file) => parseSafetensors(Uint8Array.from(atob(file), (c) => c.charCodeAt(0)))"


@contextmanager
def runtime_page(browser: Browser, simd: bool) -> Iterator[Page]:
    """A page with the runtime, as a browser has it that knows WebAssembly's SIMD, or as one has it that does not."""
    page = browser.new_page()
    if not simd:
        page.add_init_script("WebAssembly.Module = class { constructor() { throw new Error('no SIMD'); } };")
    # A page of a real origin: about:blank may not start a module worker from a blob.
    page.route("http://runtime.test/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    page.goto("http://runtime.test/")
    page.add_script_tag(content=runtime_source())
    assert page.evaluate("linearModule === null") != simd
    yield page
    page.close()


def base64_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def metadata(shape: tuple[int, int, int], latent: int, **more: str) -> dict[str, str]:
    common = {"format": "vae-network", "version": "1", "shape": json.dumps(shape), "latent_dim": str(latent)}
    return common | {"output": "bernoulli"} | more


def weights_file(network: nn.Sequential, part: str, common: dict[str, str]) -> bytes:
    tensors = {f"{part}.{name}": tensor for name, tensor in network.state_dict().items()}
    return save(tensors, common | {part: json.dumps(describe(network, part))})


def conv_encoder(shape: tuple[int, int, int], activation: Callable[[], nn.Module], outputs: int) -> nn.Sequential:
    layers = nn.Sequential(
        nn.Conv2d(shape[0], 8, 4, 2, 1), activation(), nn.Conv2d(8, 13, 4, 2, 1), activation(), nn.Flatten()
    )
    return nn.Sequential(*layers, nn.Linear(layers(torch.zeros(1, *shape)).shape[1], outputs))


def conv_decoder(shape: tuple[int, int, int], activation: Callable[[], nn.Module], latent: int) -> nn.Sequential:
    channels, height, width = shape
    small = (13, height // 4, width // 4)
    first = ((height // 2) % 2, (width // 2) % 2)
    last = (height % 2, width % 2)
    return nn.Sequential(
        nn.Linear(latent, 13 * small[1] * small[2]),
        activation(),
        nn.Unflatten(1, small),
        nn.ConvTranspose2d(13, 8, 4, 2, 1, output_padding=first),
        activation(),
        nn.ConvTranspose2d(8, channels, 4, 2, 1, output_padding=last),
    )
