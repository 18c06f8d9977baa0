"""What is said of the shipped models holds for them."""

from pathlib import Path

import numpy as np

from vae.card import read_card
from vae.codes import load_codes

CHECKPOINTS = Path(__file__).resolve().parent.parent / "checkpoints"
MEGABYTE = 1_000_000


def test_without_the_kl_term_sigma_falls_and_the_codes_leave_the_prior() -> None:
    """The two models differ in beta alone."""
    with_kl, without = (read_card(CHECKPOINTS / name).config for name in ("mnist-vae-2d", "mnist-vae0-2d"))
    assert (with_kl.training.beta, without.training.beta) == (1.0, 0.0)
    assert without.model_copy(update={"training": with_kl.training}) == with_kl
    assert without.training.model_copy(update={"beta": 1.0}) == with_kl.training
    codes = {name: load_codes(CHECKPOINTS / name) for name in ("mnist-vae-2d", "mnist-vae0-2d")}
    sigma = {name: float(np.median(code.sigma)) for name, code in codes.items() if code.sigma is not None}
    assert round(sigma["mnist-vae-2d"], 3) == 0.025
    assert f"{sigma['mnist-vae0-2d']:.0e}" == "3e-07"
    spread = {name: code.mu.std(axis=0) for name, code in codes.items()}
    assert (abs(spread["mnist-vae-2d"] - 1) < 0.1).all()
    assert (spread["mnist-vae0-2d"] > 5).all()


def test_all_that_ships_with_a_clone_stays_below_30_megabytes() -> None:
    files = [path for path in CHECKPOINTS.rglob("*") if path.is_file() and path.name != "resume.safetensors"]
    assert sum(path.stat().st_size for path in files) < 30 * MEGABYTE
