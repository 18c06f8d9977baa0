"""A disk that fills up under a run: a small one is mounted where that is allowed."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_runs import small

from vae.training.journal import FILM, read_events, read_state
from vae.training.run import run

CONFIG = small(hidden=(64,), epochs=30)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 500 kB: room for some epochs of `CONFIG`."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=500k", "none", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here; test_resume.py tries a full disk without it")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_ends_a_run_that_can_be_resumed_when_there_is_room(small_disk: Path, tmp_path: Path) -> None:
    folder = small_disk / "run"
    with pytest.raises(OSError, match="No space left on device"):
        list(run(CONFIG, folder))
    state = read_state(folder)
    assert state.status == "failed"
    assert "No space left on device" in (state.reason or "")
    assert 0 < state.epoch < 30
    assert not list(folder.rglob(".*.safetensors.*"))  # no half file takes up room

    for frame in (folder / FILM).iterdir():
        frame.unlink()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("VAE_FILM_BYTES", "30000")
        list(run(CONFIG, folder, resume=True))
    list(run(CONFIG, tmp_path / "whole"))
    for name in ("weights.safetensors", "latents.safetensors"):
        assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    log = read_events(folder)
    assert {event["epoch"] for event in log.events if event["event"] == "epoch_done"} == set(range(1, 31))
