"""Training by several processes: the run that one process makes, and no process left behind. Real processes, gloo."""

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file

from tests.serving import ROOT
from tests.training.warm_team import WarmProcess, warm_process
from vae.cli_options import option_name
from vae.config import from_flat, to_flat
from vae.training.controls import Controls
from vae.training.journal import read_events, read_state
from vae.training.run import run, run_config

PATIENCE = 240.0  # seconds until a training of a moment is given up
SMALL = {
    "dataset": "digits",
    "hidden": "32,16",
    "batch_size": 100,
    "epochs": 10,
}  # 37 images are left for the last batch
BY_TWO = ("--devices", 2)

pytestmark = pytest.mark.slow


def command(out: Path, *options: object, launcher: tuple[str, ...] = ()) -> list[str]:
    start = [sys.executable, "-m", *launcher] if launcher else [sys.executable]
    return [*start, "-m", "vae", "train", *map(str, options), "--out", str(out)]


def options_of(**changed: Any) -> list[object]:
    given = SMALL | changed
    return [word for name, value in given.items() for word in (option_name(name), value)]


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1"}


def trained(out: Path, *options: object, code: int = 0, launcher: tuple[str, ...] = ()) -> str:
    """Runs `train`; gives what it says, errors too."""
    done = subprocess.run(
        command(out, *options, launcher=launcher),
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmProcess]:
    with warm_process(tmp_path_factory.mktemp("warm"), PATIENCE) as process:
        yield process


def trained_by_two(warm: WarmProcess, out: Path, *options: object, code: int = 0) -> str:
    """The same by two processes that need not import all first; `code` is that of the one which leads."""
    leader, other = warm.command("train", *options, *BY_TWO, "--out", out)
    assert (leader.code, other.code) == (code, 0), leader.said + other.said
    return leader.said + other.said


def trained_here(out: Path, **changed: Any) -> Path:
    """By this process, alone."""
    for _ in run(from_flat(SMALL | changed), out):
        pass
    return out


def elbos(folder: Path, side: str = "test") -> list[float]:
    """The ELBO of each epoch."""
    return [event[side]["elbo"] for event in read_events(folder).events if event["event"] == "epoch_done"]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "weights.safetensors")


def card(folder: Path) -> Any:
    return json.loads((folder / "card.json").read_text())


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("two") / "run"
    trained(out, *options_of(), *BY_TWO, "--strategy", "ddp")
    return out


def test_two_processes_give_the_elbo_of_one_and_seeds_differ_far_more(two: Path, tmp_path: Path) -> None:
    by_one = [trained_here(tmp_path / str(seed), seed=seed) for seed in range(4)]
    alone = [card(folder)["metrics"]["elbo"] for folder in by_one]
    together = card(two)["metrics"]["elbo"]
    assert abs(together - alone[0]) < statistics.stdev(alone) / 3
    assert card(two)["training"]["computed"] == "2 processes on 1 machine, 32-true"
    assert card(by_one[0])["training"]["computed"] is None


def test_the_first_epoch_differs_by_rounding_alone(warm: WarmProcess, tmp_path: Path) -> None:
    small_conv = {"network": "conv", "hidden": "8", "epochs": 1}
    one = trained_here(tmp_path / "one", **small_conv)
    trained_by_two(warm, tmp_path / "two", *options_of(**small_conv))
    two = tmp_path / "two"
    for side in ("train", "test"):  # train: over the images of both processes, not of the first alone
        assert elbos(two, side) == pytest.approx(elbos(one, side), rel=1e-5)
    alone, together = weights(one), weights(two)
    for name, value in alone.items():
        torch.testing.assert_close(together[name], value, rtol=0, atol=1e-4)


def test_a_part_that_is_not_trained_stays_in_all_processes(warm: WarmProcess, tmp_path: Path) -> None:
    together, alone = tmp_path / "two", tmp_path / "one"
    trained_by_two(warm, together, *options_of(epochs=1))
    trained_here(alone, epochs=1)
    before = weights(together)
    trained_by_two(warm, together, "--resume", "--epochs", 2, "--trains", "decoder")
    go_on_here(alone, 2, Controls(trains="decoder"))
    for name, value in weights(together).items():
        assert torch.equal(value, before[name]) == name.startswith("encoder")
        torch.testing.assert_close(value, weights(alone)[name], rtol=0, atol=1e-4)


def test_an_autoencoder_in_bfloat16(warm: WarmProcess, tmp_path: Path) -> None:
    trained_by_two(warm, tmp_path / "half", *options_of(kind="ae", epochs=3), "--precision", "bf16-mixed")
    trained_here(tmp_path / "whole", kind="ae", epochs=3)
    half, whole = (card(tmp_path / name)["metrics"]["mse"] for name in ("half", "whole"))
    assert half != whole
    assert half == pytest.approx(whole, rel=0.05)
    assert all(value.dtype == torch.float32 for value in weights(tmp_path / "half").values())


def test_torchrun_starts_the_processes_as_well(two: Path, tmp_path: Path) -> None:
    trained(tmp_path, *options_of(), *BY_TWO, launcher=("torch.distributed.run", "--nproc-per-node=2"))
    assert elbos(tmp_path) == elbos(two)


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    parent = psutil.Process(process.pid)
    return [parent, *parent.children(recursive=True)]


@pytest.fixture
def going_on(tmp_path: Path) -> Any:
    """A run of two processes that has done an epoch: its folder, its process, and all of its processes."""
    out = tmp_path / "run"
    long = command(out, *options_of(epochs=10_000), *BY_TWO)
    with subprocess.Popen(
        long, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        wait_for(lambda: has_saved_an_epoch(out))
        members = family(process)
        yield out, process, members
        for member in members:
            if member.is_running():
                member.kill()


def go_on_here(out: Path, epochs: int, change: Controls | None = None) -> None:
    for _ in run(from_flat(to_flat(run_config(out)) | {"epochs": epochs}), out, resume=True, change=change):
        pass


def has_saved_an_epoch(out: Path) -> bool:
    return (out / "state.json").exists() and read_state(out).epoch > 0


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def all_gone(members: list[psutil.Process]) -> bool:
    return not any(member.is_running() and member.status() != psutil.STATUS_ZOMBIE for member in members)


def test_ctrl_c_stops_all_saves_and_either_number_goes_on(going_on: Any, warm: WarmProcess) -> None:
    out, process, members = going_on
    (out / "control.json").write_text('{"beta": 2.0}')
    wait_for(lambda: any(event["event"] == "changed" for event in read_events(out).events))
    process.send_signal(signal.SIGINT)
    wait_for(lambda: all_gone(members))
    state = read_state(out)
    assert state.status == "stopped"
    assert card(out)["training"]["epochs"] == state.epoch
    assert [change["new"] for change in card(out)["training"]["changes"]] == [2.0]
    after = state.epoch + 2
    trained_by_two(warm, out, "--resume", "--epochs", after)
    go_on_here(out, after + 1)
    assert card(out)["training"]["epochs"] == after + 1
    assert len(elbos(out)) == after + 1
    last = [event["beta"] for event in read_events(out).events if event["event"] == "epoch_done"][-3:]
    assert last == [2.0, 2.0, 2.0]


@pytest.mark.parametrize("which", [0, -1])
def test_when_one_is_killed_none_is_left_and_the_run_can_be_resumed(going_on: Any, which: int) -> None:
    out, _, members = going_on
    members[which].kill()
    wait_for(lambda: all_gone(members))
    done = read_state(out).epoch
    assert done >= 1
    go_on_here(out, done + 1)
    assert card(out)["training"]["epochs"] == done + 1


def test_an_error_of_the_first_process_is_one_line_and_ends_the_others(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep me")
    said = trained(tmp_path, *options_of(), *BY_TWO, code=2)
    assert "is not empty" in said
    assert "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_run_that_diverges_ends_in_all_processes(warm: WarmProcess, tmp_path: Path) -> None:
    diverging = options_of(epochs=50, learning_rate=10, network="conv")
    said = trained_by_two(warm, tmp_path, *diverging, code=2)
    assert "smaller learning rate" in said
    assert "Traceback" not in said
    assert read_state(tmp_path).status == "failed"
