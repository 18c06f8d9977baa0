"""One image at a time, the browser's network runtime beside torch: how fast, and how far apart.

Run as `python -m benchmarks.decode`. Four fresh decoders come first, then the encoder and the decoder of every
folder in checkpoints/.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from playwright.sync_api import Page, sync_playwright
from safetensors import safe_open
from safetensors.torch import save
from torch import nn

import vae
from tests.browser.conftest import launch_chromium
from ui.explorer.sources import runtime_source
from vae.export import network_payload
from vae.models import PCA, VAE, Model
from vae.models.layers import describe

CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"
RUNS, INPUTS = 400, 16
ORIGIN = "https://benchmark.test/"
# An isolated origin, where the browser's clock ticks every 5 microseconds instead of every 100.
ISOLATED = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
MEASURE = """async ([part, inputs, runs]) => {
  const network = loadNetwork(await (await fetch("weights")).arrayBuffer(), part);
  const images = inputs.map((input) => Float32Array.from(input));
  const meaning = part === "decoder" ? outputOf(network.metadata).mean : (raw, out) => (out.set(raw), out);
  const size = part === "decoder" ? elementCount(metadataShape(network.metadata)) : elementCount(network.outputShape);
  const outputs = images.map((input) => Array.from(meaning(network.run(input), new Float32Array(size))));
  for (let i = 0; i < runs; i++) network.run(images[i % images.length]);
  const times = [];
  for (let i = 0; i < runs; i++) {
    const begin = performance.now();
    network.run(images[i % images.length]);
    times.push(performance.now() - begin);
  }
  return { outputs, times };
}"""


class Subject(NamedTuple):
    name: str
    network: nn.Sequential
    inputs: torch.Tensor  # (INPUTS, ...), as the network takes them
    payload: bytes
    part: Literal["encoder", "decoder"]
    meaning: Callable[[torch.Tensor], torch.Tensor]  # from the network's outputs to what is compared: images, or codes


def decoders() -> Iterator[Subject]:
    """Fresh decoders of four sizes."""
    grey, colour = (1, 28, 28), (3, 64, 64)
    yield _decoder("2-256-512-784", grey, 2, _mlp(2, 256, 512, 784), nn.Unflatten(1, grey))
    yield _decoder("10-512-512-784", grey, 10, _mlp(10, 512, 512, 784), nn.Unflatten(1, grey))
    yield _decoder("conv to 28x28 (64-32-1)", grey, 2, *_conv(2, 7, 64, 32, 1))
    yield _decoder("conv to 64x64x3 (128-64-32-32-3)", colour, 10, *_conv(10, 4, 128, 64, 32, 32, 3))


def shipped() -> Iterator[Subject]:
    """Both parts of every checkpoint, as the explorer fetches them."""
    for weights in sorted(CHECKPOINTS.glob("*/weights.safetensors")):
        with safe_open(weights, framework="numpy") as file:
            metadata = file.metadata()
        model, name = vae.load(weights.parent), weights.parent.name
        images = torch.rand(INPUTS, *json.loads(metadata["shape"]))
        codes = torch.randn(INPUTS, int(metadata["latent_dim"]))
        mean = _mean_of(model)
        encoder, decoder = (network_payload(weights, part) for part in ("encoder", "decoder"))
        yield Subject(f"{name} encoder", model.encoder, images, encoder, "encoder", lambda code: code)
        yield Subject(f"{name} decoder", model.decoder, codes, decoder, "decoder", mean)


def _mean_of(model: Model) -> Callable[[torch.Tensor], torch.Tensor]:
    """From the decoder's raw output to the image that is shown."""
    match model:
        case VAE():
            return lambda raw: model.likelihood(raw).mean
        case PCA():
            return lambda raw: raw.clamp(0, 1)
    return torch.sigmoid


def _mlp(*widths: int) -> nn.Sequential:
    layers = [layer for a, b in pairwise(widths) for layer in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


def _conv(latent: int, side: int, *channels: int) -> Iterator[nn.Module]:
    small = (channels[0], side, side)
    yield from (nn.Linear(latent, channels[0] * side * side), nn.ReLU(), nn.Unflatten(1, small))
    for i, (coarse, fine) in enumerate(pairwise(channels)):
        yield nn.ConvTranspose2d(coarse, fine, kernel_size=4, stride=2, padding=1)
        if i < len(channels) - 2:
            yield nn.ReLU()


def _decoder(name: str, shape: tuple[int, int, int], latent: int, *layers: nn.Module) -> Subject:
    network = nn.Sequential(*layers)
    common = {"format": "vae-network", "version": "1", "shape": json.dumps(shape), "latent_dim": str(latent)}
    tensors = {f"decoder.{key}": tensor for key, tensor in network.state_dict().items()}
    payload = save(tensors, common | {"output": "bernoulli", "decoder": json.dumps(describe(network, "decoder"))})
    return Subject(name, network, torch.randn(INPUTS, latent), payload, "decoder", torch.sigmoid)


def in_torch(subject: Subject) -> tuple[list[float], torch.Tensor]:
    """Milliseconds of each run, and the outputs (INPUTS, numbers)."""
    times = []
    with torch.inference_mode():
        outputs = subject.meaning(subject.network(subject.inputs)).flatten(1)
        for i in range(2 * RUNS):
            single = subject.inputs[i % INPUTS, None]
            begin = time.perf_counter()
            subject.network(single)
            times.append(1000 * (time.perf_counter() - begin))
    return times[RUNS:], outputs


def in_browser(page: Page, subject: Subject) -> tuple[list[float], torch.Tensor]:
    """Milliseconds of each run, and the outputs (INPUTS, numbers)."""
    page.route(ORIGIN, lambda route: route.fulfill(body="<!doctype html>", content_type="text/html", headers=ISOLATED))
    page.route(ORIGIN + "weights", lambda route: route.fulfill(body=subject.payload))
    page.goto(ORIGIN)
    page.add_script_tag(content=runtime_source())
    result = page.evaluate(MEASURE, [subject.part, subject.inputs.flatten(1).tolist(), RUNS])
    return result["times"], torch.tensor(result["outputs"])


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print("milliseconds                         browser:                    torch, 1 thread:     ratio of         max")
    print("network                              fastest  median     p95     fastest  median      fastest  difference")
    with sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        for subject in (*decoders(), *shipped()):
            page = browser.new_page()
            ours, found = in_browser(page, subject)
            page.close()
            theirs, expected = in_torch(subject)
            # The fastest run says what the code can do; the others also say what else the machine was doing.
            print(
                f"{subject.name:<34} {min(ours):>9.3f} {statistics.median(ours):>7.3f} "
                f"{statistics.quantiles(ours, n=20)[-1]:>7.3f} {min(theirs):>11.3f} {statistics.median(theirs):>7.3f} "
                f"{min(ours) / min(theirs):>12.1f} {(found - expected).abs().max().item():>11.1e}"
            )
        browser.close()


if __name__ == "__main__":
    main()
