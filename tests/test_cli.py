"""The command line as people and scripts meet it: its figures, one line for an error, and a Ctrl-C that saves."""

import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import vae
from vae.analysis.evaluate import evaluate
from vae.card import read_card
from vae.cli import main
from vae.cli_options import option_name
from vae.config import flat_fields, from_flat
from vae.data import load, names
from vae.training.run import run

ROOT = Path(__file__).parents[1]
COMMANDS = ("train", "evaluate", "sample", "models", "datasets")
NO_NETWORK = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
PATIENCE = 300  # seconds, for a process that hangs
EVALUATED = {
    *("model", "dataset", "split", "images", "elbo", "reconstruction", "kl", "kl_per_dimension", "mse"),
    *("active_units", "knn_accuracy"),
}
SMALL = ("--dataset", "digits", "--hidden", "12", "--seed", "3")


def environment(**more: str) -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "NO_COLOR": "1"} | more


def process(*arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vae", *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env=environment(**more), capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def here(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The same in this process, which spares the wait for torch. A warning is an error's line here, too."""
    words = ["vae", *map(str, arguments)]
    with (
        mock.patch.object(sys, "argv", words),
        redirect_stdout(io.StringIO()) as out,
        redirect_stderr(io.StringIO()) as err,
        shown_warnings() as warned,
        pytest.raises(SystemExit) as end,
    ):
        main()
    said = err.getvalue() + "".join(f"{warning.message}\n" for warning in warned)
    assert isinstance(end.value.code, int)
    return subprocess.CompletedProcess(words, end.value.code, out.getvalue(), said)


@contextmanager
def shown_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """What Python would print on stderr, did pytest not take it."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("default")
        for silent in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
            warnings.simplefilter("ignore", silent)
        yield warned


def check_refused(code: int, errors: str, *said: str) -> None:
    assert code == 2
    assert len(errors.splitlines()) == 1
    assert errors.startswith("error: ")
    assert "Traceback" not in errors
    assert all(part in errors for part in said)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "runs" / "first [bold]"  # a name that a console could take for a command
    done = here("train", *SMALL, "--epochs", 2, "--out", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(re.findall(r"^epoch +\d  -ELBO: train +\d+\.\d+  test ", done.stdout, re.MULTILINE)) == 2
    assert f"done: 2 epochs in 0 s, in {folder}" in re.sub(r"in \d+ s", "in 0 s", done.stdout)
    return folder


# --- what each command does


def test_train_makes_a_checkpoint_of_what_was_asked_for(trained: Path) -> None:
    card = vae.load(trained).card
    assert card is not None
    assert card.config == from_flat({"dataset": "digits", "hidden": (12,), "seed": 3, "epochs": 2})
    assert card.name == "first [bold]"
    assert card.training.epochs == 2


def test_evaluate_prints_one_object(trained: Path) -> None:
    done = here("evaluate", trained, "--json", "--split", "train")
    assert (done.returncode, done.stderr) == (0, "")
    figures: dict[str, Any] = json.loads(done.stdout)
    assert figures.keys() >= EVALUATED
    assert (figures["model"], figures["dataset"], figures["split"]) == ("first [bold]", "digits", "train")
    assert figures["images"] == 1437
    assert figures["elbo"] == pytest.approx(figures["reconstruction"] - figures["kl"])
    assert figures["kl"] == pytest.approx(sum(figures["kl_per_dimension"]))
    assert len(figures["kl_per_dimension"]) == 2
    assert figures["elbo"] < 0 < figures["mse"]
    assert 0 <= figures["knn_accuracy"] <= 1


def test_evaluate_adds_the_evidence_and_the_gap(trained: Path, called: Callable[..., str]) -> None:
    added = ("--quadrature", "--importance-samples", 500, "--limit", 64)
    figures = json.loads(called("evaluate", trained, "--json", "--binarize", *added))
    assert figures["elbo"] < figures["importance_bound"] < figures["log_evidence"] + 0.05
    assert figures["gap"] == pytest.approx(figures["log_evidence"] - figures["elbo"])
    assert figures["elbo"] == pytest.approx(figures["reconstruction"] - figures["kl"], abs=1e-3)
    sampled = json.loads(called("evaluate", trained, "--json", "--binarize", "--limit", 64))
    assert figures["elbo"] != sampled["elbo"] == pytest.approx(figures["elbo"], abs=0.3)
    assert 0 < figures["gap_error"] < 0.1


def test_an_ended_run_is_carried_on_with_its_encoder_alone(tmp_path: Path, called: Callable[..., str]) -> None:
    out = tmp_path / "run"
    called("train", *SMALL, "--epochs", 2, "--out", out)
    before = load_file(out / "weights.safetensors")
    changed = ("--trains", "encoder", "--learning-rate", 1e-3, "--exact-gap-images", 4)
    shown = called("train", "--out", out, "--resume", "--epochs", 4, *changed)
    assert "trains = encoder from here on (was both)" in shown
    found = re.findall(r"^after epoch (\d): log p\(x\) (\S+)  ELBO .*, 4 binarised test images$", shown, re.M)
    assert [epoch for epoch, _ in found] == ["2", "3", "4"]
    assert len({evidence for _, evidence in found}) == 1
    after = load_file(out / "weights.safetensors")
    assert {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])} == {"encoder"}
    changes = read_card(out).training.changes
    assert {(change.epoch, change.batch, change.name, change.new) for change in changes} == {
        (3, 0, "trains", "encoder"),
        (3, 0, "learning_rate", 1e-3),
        (3, 0, "exact_gap_images", 4),
    }


def test_a_card_carries_what_evaluate_measures(trained: Path) -> None:
    model = vae.load(trained)
    assert model.card is not None
    assert model.card.metrics == evaluate(model, load("digits", "test"), model.card.name)


def test_evaluate_is_readable_too(trained: Path, called: Callable[..., str]) -> None:
    shown = called("evaluate", trained, "--binarize")
    assert "first [bold] on digits, test" in shown
    assert re.search(r"binarized +│ True", shown)
    assert re.search(r"elbo +│ -\d+\.\d{4} ", shown)


def test_sample_writes_a_picture(trained: Path, tmp_path: Path) -> None:
    done = here("sample", trained, "--count", 10, "--out", tmp_path / "samples.png")
    assert (done.returncode, done.stderr) == (0, "")
    assert "10 images drawn from the prior" in done.stdout
    with Image.open(tmp_path / "samples.png") as picture:
        assert picture.format == "PNG"
        assert picture.size == (4 * 8 * 4, 3 * 8 * 4)  # four to a row, three rows, 8 pixels drawn 4 wide
        assert len(picture.getcolors(10_000) or ()) > 10


def test_the_seed_decides_the_sample(trained: Path, tmp_path: Path, called: Callable[..., str]) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        called("sample", trained, "--count", 4, "--seed", seed, "--out", tmp_path / name)
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c


def test_models_lists_cards(trained: Path) -> None:
    card = vae.load(trained).card
    assert card is not None
    assert card.metrics is not None
    assert card.metrics.elbo is not None
    broken = trained.parent / "broken"
    broken.mkdir()
    (broken / "card.json").write_text("{}")
    done = process("models", "--folder", trained.parent)
    row = next(line for line in done.stdout.splitlines() if str(trained) in line)
    assert done.returncode == 0
    assert all(
        f" {said} " in row for said in ("vae", "digits", "2", f"{-card.metrics.elbo:.2f}", f"{card.parameters:,}")
    )
    assert done.stderr.splitlines() == [f"left out: {broken}/card.json is not a card this version reads: name: missing"]


def test_models_of_an_empty_folder(tmp_path: Path, called: Callable[..., str]) -> None:
    assert "no models found; `python -m vae train" in called("models", "--folder", tmp_path)


def test_datasets_lists_what_can_be_loaded(tmp_path: Path) -> None:
    done = process("datasets", VAE_DATA_DIR=str(tmp_path))
    rows = {line.split()[1]: line for line in done.stdout.splitlines() if line.startswith("│")}
    assert (done.returncode, done.stderr) == (0, "")
    assert rows.keys() >= set(names())
    assert " built in " in rows["digits"]
    assert " no " in rows["mnist"]
    assert str(tmp_path) in rows["mnist"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    done = process(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: python -m vae {command} [OPTIONS]")
    if command == "train":
        assert all(f"  {option_name(setting)} " in done.stdout for setting in flat_fields())


def test_without_a_command_there_is_help() -> None:
    done = process()
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"  {command} " in done.stdout for command in COMMANDS)


# --- errors


def test_a_set_that_is_not_here_and_cannot_be_downloaded(tmp_path: Path) -> None:
    # In a process of its own: urllib keeps the proxies that it found when it was first asked.
    done = process("train", "--dataset", "kmnist", "--out", tmp_path / "run", VAE_DATA_DIR=str(tmp_path), **NO_NETWORK)
    check_refused(done.returncode, done.stderr, "train-images-idx3-ubyte", str(tmp_path))
    assert not (tmp_path / "run").exists()


def test_a_model_that_is_not_here(tmp_path: Path) -> None:
    done = process("evaluate", tmp_path / "no-model")
    check_refused(done.returncode, done.stderr, f"{tmp_path}/no-model/card.json cannot be read: no such file")
    assert done.stdout == ""


@pytest.fixture
def called() -> Callable[..., str]:
    """Runs a command in this process; gives what it printed."""

    def call(*arguments: object, code: int = 0) -> str:
        done = here(*arguments)
        if code:
            check_refused(done.returncode, done.stderr)
            return done.stderr
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return call


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("trane", "No such command 'trane'"),
        ("train", "Missing option '--out'"),
        ("train --out x --epoch", "No such option"),
        ("train --out x --epochs many", "'--epochs'"),
        ("train --out x --epochs 0", "epochs = 0: input should be greater than or equal to 1"),
        ("train --out x --model gan", "kind = 'gan': input should be 'ae', 'vae' or 'pca'"),
        ("train --out x --model ae --likelihood bernoulli", "likelihood='bernoulli' belongs to a VAE"),
        ("train --out x --model pca --loss mse", "loss='mse' belongs to an AE; a PCA is the least-squares fit"),
        ("train --out x --model pca --latent-dim 65 --dataset digits", "latent_dim = 65: there are no more"),
        ("train --out x --dataset nothing", "no data set named 'nothing'"),
        ("train --out x --dataset digits --held-out 5000", "held_out = 5000 leaves nothing of 1437"),
        ("train --out x --resume", "x holds no run to resume"),
        ("train --out MODEL --dataset digits", "MODEL is not empty"),
        ("train --out MODEL --resume --beta 2 --model ae --seed 4", "own settings; leave out --model, --seed"),
        ("train --out MODEL --resume --epochs 9 --beta -1", "beta = -1.0: input should be"),
        (
            "train --out MODEL --resume --trains encoder",
            "all its 2 epochs behind it, and nothing is left to be changed",
        ),
        ("train --out MODEL --resume --epochs 1", "the run has 2 behind it"),
        ("train --out MODEL --resume --epochs 0", "epochs = 0"),
        ("train --out MODEL/card.json/x --dataset digits", "MODEL/card.json/x: Not a directory"),
        ("evaluate", "Missing argument"),
        ("evaluate MODEL --split validation", "no split named 'validation'"),
        ("evaluate MODEL --dataset shapes", "takes images of shape (1, 8, 8)"),
        ("evaluate MODEL/card.json", "MODEL/card.json/card.json cannot be read: Not a directory"),
        ("sample MODEL --out missing/a.png", "missing/a.png: No such file or directory"),
        ("sample MODEL --out MODEL", "MODEL: Is a directory"),
        ("sample MODEL --out a.png --count 0", "'--count'"),
    ],
)
def test_an_error_is_one_line_that_says_what_was_wrong(
    arguments: str,
    said: str,
    trained: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    called: Callable[..., str],
) -> None:
    monkeypatch.chdir(tmp_path)
    model = str(trained)
    message = called(*(word.replace("MODEL", model) for word in arguments.split()), code=2)
    assert said.replace("MODEL", model) in message
    assert list(tmp_path.iterdir()) == []


def test_an_autoencoder_has_no_prior_to_sample_from(tmp_path: Path, called: Callable[..., str]) -> None:
    shown = called("train", *SMALL, "--model", "ae", "--epochs", 1, "--out", tmp_path / "ae")
    assert re.search(r"epoch +1  mse per image: train +\d", shown)
    message = called("sample", tmp_path / "ae", "--out", tmp_path / "a.png", code=2)
    assert "kind 'ae' has no prior" in message
    figures = json.loads(called("evaluate", tmp_path / "ae", "--json"))
    assert figures["elbo"] is figures["kl"] is figures["active_units"] is None
    assert figures["mse"] > 0


def test_a_pca_is_fitted_in_one_step(tmp_path: Path, called: Callable[..., str]) -> None:
    folder = tmp_path / "pca"
    shown = called("train", "--dataset", "digits", "--model", "pca", "--latent-dim", 2, "--out", folder)
    assert re.search(r"^2 principal components; squared error per image: train \d+\.\d+  test \d+\.\d+$", shown, re.M)
    assert "epoch" not in shown
    figures = json.loads(called("evaluate", folder, "--json"))
    assert figures["elbo"] is figures["kl"] is figures["active_units"] is None
    assert 0 < figures["mse"] < 0.1
    assert "kind 'pca' has no prior" in called("sample", folder, "--out", tmp_path / "a.png", code=2)
    assert "kind 'pca' has no log p(x)" in called("evaluate", folder, "--quadrature", code=2)
    assert re.search(r"│ pca +│ digits", called("models", "--folder", tmp_path))
    assert "this one is: there is nothing left to do" in called("train", "--out", folder, "--resume")


def test_a_run_that_diverges_is_an_error(tmp_path: Path, called: Callable[..., str]) -> None:
    deep = ("--hidden", "12,12,12")  # so that the numbers overflow, and are not merely bad
    settings = (*SMALL, *deep, "--learning-rate", 10, "--batch-size", 2000)
    message = called("train", *settings, "--out", tmp_path / "run", code=2)
    assert "a smaller learning rate usually mends it. Whole epochs kept" in message


# --- Ctrl-C


def test_ctrl_c_saves_and_the_command_it_names_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "a run"
    command = [sys.executable, "-m", "vae", "train", *SMALL, "--epochs", "10000", "--out", str(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as training:
        assert training.stdout is not None
        assert next(line for line in training.stdout if line.startswith("epoch   2"))
        training.send_signal(signal.SIGINT)
        said, errors = training.communicate(timeout=PATIENCE)
    assert (training.returncode, errors) == (0, "")
    kept = re.search(r"stopped in epoch \d+. Whole epochs kept: (\d+)\.", said)
    resume = re.search(r"^Go on with: python (.+)$", said, re.MULTILINE)
    assert kept
    assert resume
    card = vae.load(folder).card
    assert card is not None
    assert card.training.epochs == int(kept[1]) >= 2

    epochs = int(kept[1]) + 2
    option, module, *go_on = shlex.split(resume[1])
    assert (option, module) == ("-m", "vae")
    assert here(*go_on, "--epochs", epochs).returncode == 0
    settings = {"dataset": "digits", "hidden": (12,), "seed": 3, "epochs": epochs}
    list(run(from_flat(settings), tmp_path / "uninterrupted"))
    for name in ("weights.safetensors", "latents.safetensors"):
        assert (folder / name).read_bytes() == (tmp_path / "uninterrupted" / name).read_bytes()
