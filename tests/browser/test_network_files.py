"""Weights files as the browser's network runtime reads them: exactly, or not at all and with the reason."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Error, Page
from safetensors.torch import save
from torch import nn

from tests.browser.network_runtime import PARSE, RUN, base64_text, metadata, weights_file
from vae.models.layers import describe

pytestmark = pytest.mark.browser


LINEAR = {"type": "Linear", "weight": "w", "bias": "b"}
CONVOLUTION = {"type": "Conv2d", "weight": "k", "bias": None, "stride": [1, 1], "padding": [1, 1]}
UNFLATTEN = {"type": "Unflatten", "shape": [1, 2, 2]}


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
