"""Stored codes: what was saved comes back, without torch, and anything else is refused in one line."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from small_checkpoints import codes_for, save

from vae.codes import Codes, load_codes
from vae.config import from_flat
from vae.errors import CheckpointError

MU = np.zeros((3, 2), np.float32)


@pytest.mark.parametrize("kind", ["ae", "vae"])
def test_stored_codes_come_back(tmp_path: Path, kind: str) -> None:
    config = from_flat({"kind": kind})
    save(tmp_path, config)
    expected, found = codes_for(config), load_codes(tmp_path)
    for name in ("mu", "sigma", "labels"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert (found.sigma is None) == (kind == "ae")


def test_a_draw_from_q_has_its_mean_and_spread() -> None:
    count = 40_000
    codes = Codes(np.full((count, 2), 3, np.float32), np.full((count, 2), 0.5, np.float32), None)
    z = codes.sample(np.random.default_rng(0))
    np.testing.assert_allclose(z.mean(axis=0), 3, atol=4 * 0.5 / count**0.5)
    np.testing.assert_allclose(z.std(axis=0), 0.5, atol=4 * 0.5 / (2 * count) ** 0.5)
    assert Codes(MU, None, None).sample(np.random.default_rng(0)) is MU


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ({"labels": np.zeros(3, np.int32)}, "holds no codes: wanted mu"),
        ({"mu": MU[0]}, "holds no codes"),
        ({"mu": MU[:0]}, "holds no codes"),
        ({"mu": MU.astype(np.float64)}, "holds no codes"),
        ({"mu": MU + np.inf}, "holds no codes"),
        ({"mu": MU, "sigma": MU[:2]}, "sigma must be float32, 0 or more, of the shape of mu, (3, 2)"),
        ({"mu": MU, "sigma": MU - 1}, "sigma must be"),
        ({"mu": MU, "labels": np.zeros(4, np.int32)}, "labels must be int32, one for each of the 3 codes"),
        ({"mu": MU, "labels": np.zeros(3, np.float32)}, "labels must be int32"),
        ({"mu": MU, "extra": MU}, "holds, beside codes, extra"),
    ],
)
def test_what_holds_no_codes_is_refused(tmp_path: Path, stored: dict[str, np.ndarray], said: str) -> None:
    path = tmp_path / "latents.safetensors"
    save_file(stored, path)
    with pytest.raises(CheckpointError) as refused:
        load_codes(tmp_path)
    assert str(refused.value).startswith(str(path))
    assert said in str(refused.value)


def test_a_file_that_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    path = tmp_path / "latents.safetensors"
    with pytest.raises(CheckpointError, match=r"latents.safetensors is missing: the model has no stored codes"):
        load_codes(tmp_path)
    for content in (b"", b"\x80\x04N.", bytes(100)):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"latents.safetensors is damaged"):
            load_codes(tmp_path)
