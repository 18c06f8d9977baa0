"""How many processes on how many machines: what is refused before any of them begins."""

from typing import Any

import pytest
import torch

from vae.config import from_flat
from vae.errors import ConfigError
from vae.training.fabric import check_shareable, launch
from vae.training.machines import Machines, machines


def test_a_launcher_that_starts_another_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert machines(devices=2).processes == 2
    with pytest.raises(ConfigError, match="2 processes were started, but --devices 3 --nodes 1 means 3"):
        machines(devices=3)


def test_what_cannot_be_shared_is_refused_kindly(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="a PCA is fitted in one step by one process"):
        check_shareable(from_flat({"kind": "pca"}), 1)
    with pytest.raises(ConfigError, match="batch-size = 3: 4 processes share each batch"):
        check_shareable(from_flat({"batch_size": 3}), 4)
    check_shareable(from_flat({"batch_size": 4}), 4)
    with pytest.raises(ConfigError, match="16-mixed needs a CUDA device"):
        launch(Machines(precision="16-mixed"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ConfigError, match="--devices 3: this machine has 2 CUDA devices"):
        launch(Machines(accelerator="cuda", devices=3))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"devices": 0}, "devices = 0"),
        ({"nodes": 5000}, "nodes = 5000"),
        ({"precision": "8-true"}, "precision = '8-true'"),
        ({"strategy": "magic"}, "strategy = 'magic'"),
        ({"workers": -1}, "workers = -1"),
    ],
)
def test_numbers_out_of_bounds_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        machines(**given)


def test_only_what_needs_fabric_asks_for_it() -> None:
    assert Machines().is_this_process_alone
    assert Machines(workers=4).is_this_process_alone
    for more in (
        {"devices": 2},
        {"nodes": 2},
        {"strategy": "ddp"},
        {"precision": "bf16-mixed"},
        {"accelerator": "auto"},
    ):
        assert not Machines.model_validate(more).is_this_process_alone
