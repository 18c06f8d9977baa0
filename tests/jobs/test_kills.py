"""kill -9 at random moments of a run, of its saves, and of its end: it resumes, and ends as if nothing had happened."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kill_driver import settings

from vae.training.journal import film_frames
from vae.training.run import run

ROOT = Path(__file__).parents[2]
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
PATIENCE = 900  # seconds, for a process that hangs


def killed(folder: Path, kills: int, epochs: int, saves: str) -> list[dict[str, Any]]:
    driver = Path(__file__).with_name("kill_driver.py")
    command = [sys.executable, driver, folder, str(kills), str(epochs), "0", saves]
    done = subprocess.run(
        command,
        env=os.environ | ONE_THREAD | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize(("kills", "epochs", "saves"), [(30, 200, "fast"), (20, 100, "slow"), (12, 2, "slow")])
def test_a_run_killed_again_and_again_is_the_run_that_was_not(
    tmp_path: Path, kills: int, epochs: int, saves: str
) -> None:
    found = killed(tmp_path / "runs", kills, epochs, saves)
    assert sum(each["killed"] for each in found) == kills
    if saves == "slow":
        assert sum(each["saving"] for each in found) >= 5

    epoch = {each["run"]: 0 for each in found}
    for each in found:
        assert each["epoch"] >= epoch[each["run"]], "what was saved is there"
        epoch[each["run"]] = each["epoch"]
        if each["epoch"]:
            assert set(range(1, each["epoch"] + 1)) <= set(each["log"])
            assert set(range(each["epoch"] + 1)) <= set(each["frames"])

    list(run(settings(epochs), tmp_path / "whole"))
    ended = {each["run"] for each in found if not each["killed"]}
    assert ended == epoch.keys()
    for name in ended:
        folder = tmp_path / "runs" / name
        for file in ("weights.safetensors", "latents.safetensors"):
            assert (folder / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
        frames = {number: path.read_bytes() for number, path in film_frames(tmp_path / "whole").items()}
        assert {number: path.read_bytes() for number, path in film_frames(folder).items()} == frames
        assert not list(folder.rglob(".*.safetensors.*"))
