"""The browser's network runtime against torch, in a real Chromium."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import wasmtime
from playwright.sync_api import Error, Page
from safetensors.torch import save
from torch import nn
from torch.distributions import ContinuousBernoulli
from torch.nn.functional import softplus

import vae
from tests.serving import ROOT
from tests.small_checkpoints import save as save_checkpoint
from ui.explorer.sources import runtime_source
from vae.checkpoint import WEIGHTS
from vae.config import ModelConfig, RunConfig, Storage
from vae.export import network_payload
from vae.models import PCA
from vae.models.layers import describe

pytestmark = pytest.mark.browser

TOLERANCE = 1e-5
ACTIVATIONS: list[type[nn.Module]] = [nn.ReLU, nn.SiLU, nn.GELU, nn.Tanh, nn.Sigmoid]
RUN = """([file, part, inputs]) => {
  const network = loadNetwork(Uint8Array.from(atob(file), (c) => c.charCodeAt(0)), part);
  return {
    inputSize: network.inputSize,
    outputShape: network.outputShape,
    outputs: inputs.map((input) => Array.from(network.run(Float32Array.from(input)))),
  };
}"""
RUN_TO_IMAGES = """([file, inputs]) => {
  const network = loadNetwork(Uint8Array.from(atob(file), (c) => c.charCodeAt(0)), "decoder");
  const { mean } = outputOf(network.metadata);
  return inputs.map((z) => {
    const raw = network.run(Float32Array.from(z));
    return Array.from(mean(raw, new Float32Array(raw.length)));
  });
}"""
PARSE = "(file) => parseSafetensors(Uint8Array.from(atob(file), (c) => c.charCodeAt(0)))"
HEAD = """([metadata, raw, size]) => {
  const head = outputOf(metadata);
  const values = Float32Array.from(raw, Number);
  return {
    channels: head.channels,
    mean: Array.from(head.mean(values, new Float32Array(size))),
    sigma: head.sigma && Array.from(head.sigma(values, new Float32Array(size))),
  };
}"""


@pytest.fixture(params=["wasm", "script"])
def runtime(page: Page, request: pytest.FixtureRequest) -> Page:
    """A page with the runtime, as a browser has it that knows WebAssembly's SIMD, and as one has it that does not."""
    if request.param == "script":
        page.add_init_script("WebAssembly.Module = class { constructor() { throw new Error('no SIMD'); } };")
    # A page of a real origin: about:blank may not start a module worker from a blob.
    page.route("http://runtime.test/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    page.goto("http://runtime.test/")
    page.add_script_tag(content=runtime_source())
    assert page.evaluate("linearModule === null") == (request.param == "script")
    return page


def base64_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def metadata(shape: tuple[int, int, int], latent: int, **more: str) -> dict[str, str]:
    common = {"format": "vae-network", "version": "1", "shape": json.dumps(shape), "latent_dim": str(latent)}
    return common | {"output": "bernoulli"} | more


def weights_file(network: nn.Sequential, part: str, common: dict[str, str]) -> bytes:
    tensors = {f"{part}.{name}": tensor for name, tensor in network.state_dict().items()}
    return save(tensors, common | {part: json.dumps(describe(network, part))})


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


def test_half_precision_is_widened_exactly(runtime: Page) -> None:
    """All 65,536 patterns: subnormals, infinities, NaN and both zeros among them."""
    halves = np.arange(65536, dtype=np.uint16).view(np.float16)
    file = base64_text(save({"odd": torch.zeros(3, dtype=torch.float16), "z": torch.from_numpy(halves)}))
    script = "(file) => { const { data } = (%s)(file).tensors.z; return Array.from(new Int32Array(data.buffer)); }"
    bits = np.array(runtime.evaluate(script % PARSE, file), dtype=np.int64).astype(np.int32)
    widened, expected = bits.view(np.float32), halves.astype(np.float32)
    nan = np.isnan(expected)
    assert np.array_equal(np.isnan(widened), nan)
    assert np.array_equal(bits[~nan], expected[~nan].view(np.int32))


def test_weights_may_lie_at_any_byte(runtime: Page) -> None:
    file = save({"a": torch.tensor([1.5, -2.0])})
    script = """(file) => [0, 1, 2, 3].map((offset) => {
      const bytes = Uint8Array.from(atob(file), (c) => c.charCodeAt(0));
      const moved = new Uint8Array(bytes.length + offset);
      moved.set(bytes, offset);
      return Array.from(parseSafetensors(moved.subarray(offset)).tensors.a.data);
    })"""
    assert runtime.evaluate(script, base64_text(file)) == [[1.5, -2.0]] * 4


def test_labels_keep_their_integers(runtime: Page) -> None:
    file = base64_text(save({"labels": torch.tensor([7, -1, 2**31 - 1], dtype=torch.int32)}))
    script = f"(file) => Array.from(({PARSE})(file).tensors.labels.data)"
    assert runtime.evaluate(script, file) == [7, -1, 2**31 - 1]


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


def head(page: Page, common: dict[str, str], raw: torch.Tensor, size: int) -> dict[str, Any]:
    # As text, since JSON has no infinities.
    result = page.evaluate(HEAD, [common, [str(value).replace("inf", "Infinity") for value in raw.tolist()], size])
    assert result["channels"] == json.loads(common["shape"])[0]
    return result


LOGITS = torch.cat([torch.linspace(-30, 30, 1999), torch.linspace(-0.3, 0.3, 2001)])


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


def with_header(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def tensor(dtype: str = "F32", shape: Any = (2,), offsets: Any = (0, 8)) -> bytes:
    return with_header({"a": {"dtype": dtype, "shape": shape, "data_offsets": offsets}}, bytes(8))


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (b"", "cut short: 0 bytes"),
        (b"1234567", "cut short: 7 bytes"),
        (with_header({}, length=2**62), "cut short"),
        (with_header(b"{]"), "not JSON"),
        (with_header(b"\xff\xfe"), "not JSON"),
        (with_header([1]), "not a record"),
        (with_header({"__metadata__": {"a": 1}}), "not a record of strings"),
        (with_header({"a": 3}), "Tensor a has type undefined"),
        (tensor(dtype="F64"), "Tensor a has type F64"),
        (tensor(shape=None), "no usable shape"),
        (tensor(shape=(-2,)), "no usable shape"),
        (tensor(shape=(2.5,)), "no usable shape"),
        (tensor(offsets=(0, 8, 9)), "no usable shape"),
        (tensor(offsets=(0, 12), shape=(3,)), "lies at 0 to 12 of 8"),
        (tensor(offsets=(8, 0)), "lies at 8 to 0"),
        (tensor(shape=(3,)), "needs 12 bytes"),
        (tensor(shape=(2**40, 2**40)), "needs"),
        (save({"a": torch.zeros(9)})[:-1], "lies at"),
    ],
)
def test_broken_files_are_refused(runtime: Page, file: bytes, message: str) -> None:
    with pytest.raises(Error) as caught:
        runtime.evaluate(PARSE, base64_text(file))
    assert message in caught.value.message


LINEAR = {"type": "Linear", "weight": "w", "bias": "b"}
CONVOLUTION = {"type": "Conv2d", "weight": "k", "bias": None, "stride": [1, 1], "padding": [1, 1]}
UNFLATTEN = {"type": "Unflatten", "shape": [1, 2, 2]}


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([LINEAR, {"type": "Softmax"}], "Layer 1 of the decoder (Softmax): this kind of layer is unknown"),
        ([{"type": "toString"}], "(toString): this kind of layer is unknown"),
        ([None], "Layer 0 of the decoder (undefined)"),
        ({"type": "Linear"}, 'the weights\' "decoder" is not a list'),
        ([LINEAR, LINEAR], "Layer 1 of the decoder (Linear): it takes [2] and is given [4]"),
        ([LINEAR | {"weight": "elsewhere"}], "its tensor elsewhere is not in the file"),
        ([LINEAR | {"weight": "b"}], "its tensor b has shape [4]"),
        ([LINEAR | {"weight": "integers"}], "its tensor integers holds integers, not weights"),
        ([LINEAR | {"bias": "short"}], "its bias has 1 numbers; it should have 4"),
        ([{"type": "Linear"}], "its tensor undefined is not in the file"),
        ([{"type": "Flatten"}], "ends in shape [2]; it should give 4 numbers"),
        ([LINEAR, {"type": "Unflatten", "shape": [1, 2, 3]}], "[4] cannot become [1,2,3]"),
        ([LINEAR, {"type": "Unflatten"}], "is no shape"),
        ([LINEAR, {"type": "Unflatten", "shape": [-1, -4]}], "is no shape"),
        ([LINEAR, CONVOLUTION], "takes an image of 1 channels and is given [4]"),
        ([LINEAR, UNFLATTEN, CONVOLUTION | {"padding": [0, 0]}], "is no shape"),
        ([LINEAR, UNFLATTEN, CONVOLUTION | {"padding": [10**9, 0]}], "is no shape"),
        ([LINEAR, UNFLATTEN, CONVOLUTION | {"padding": [9999, 9999], "stride": [9999, 9999]}], "is no shape"),
        ([LINEAR, UNFLATTEN, CONVOLUTION | {"stride": [0, 1]}], "not a pair of counts"),
        ([LINEAR, UNFLATTEN, CONVOLUTION | {"stride": 1}], "not a pair of counts"),
        ([LINEAR, UNFLATTEN, CONVOLUTION | {"type": "ConvTranspose2d", "padding": [9, 9]}], "is no shape"),
    ],
)
def test_layers_that_do_not_fit_are_refused(runtime: Page, layers: Any, message: str) -> None:
    tensors = {"w": torch.zeros(4, 2), "b": torch.zeros(4), "short": torch.zeros(1), "k": torch.zeros(1, 1, 3, 3)}
    tensors["integers"] = torch.zeros(4, 2, dtype=torch.int32)
    file = base64_text(save(tensors, metadata((1, 2, 2), 2) | {"decoder": json.dumps(layers)}))
    with pytest.raises(Error) as caught:
        runtime.evaluate(RUN, [file, "decoder", []])
    assert message.lower() in caught.value.message.lower()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "onnx"}, 'of format "onnx"'),
        ({"version": "2"}, '"vae-network" 2'),
        ({"latent_dim": "0"}, "[0] is no shape"),
        ({"latent_dim": "many"}, '"latent_dim" is not JSON'),
        ({"shape": "[1, 99999, 99999]"}, "is no shape"),
        ({"decoder": "["}, '"decoder" is not JSON'),
        ({"output": "gaussian-learned"}, "it should give 8 numbers"),
    ],
)
def test_metadata_that_is_refused(runtime: Page, change: dict[str, str], message: str) -> None:
    network = nn.Sequential(nn.Linear(2, 4), nn.Unflatten(1, (1, 2, 2)))
    file = save(
        {f"decoder.{name}": value for name, value in network.state_dict().items()},
        metadata((1, 2, 2), 2) | {"decoder": json.dumps(describe(network, "decoder"))} | change,
    )
    with pytest.raises(Error) as caught:
        runtime.evaluate(RUN, [base64_text(file), "decoder", []])
    assert message in caught.value.message


def test_a_part_that_is_not_there_and_an_input_of_another_size(runtime: Page) -> None:
    network = nn.Sequential(nn.Linear(2, 4))
    file = base64_text(weights_file(network, "decoder", metadata((1, 2, 2), 2)))
    with pytest.raises(Error, match='no "encoder"'):
        runtime.evaluate(RUN, [file, "encoder", []])
    with pytest.raises(Error, match="takes 2 numbers, not 3"):
        runtime.evaluate(RUN, [file, "decoder", [[1, 2, 3]]])


def test_the_compiled_kernel_is_its_text() -> None:
    folder = ROOT / "ui" / "explorer"
    assert wasmtime.wat2wasm((folder / "linear.wat").read_text()) == (folder / "linear.wasm").read_bytes()
