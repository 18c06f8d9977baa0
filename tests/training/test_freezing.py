"""Freeze one, train the other: what stands still does so to the last bit, and the exact gap tells what moved."""

import json
from pathlib import Path
from typing import cast

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save_file
from small_runs import config_of, epochs_of, events_of, stopped_run, tensors_of

import vae
from vae.card import Change
from vae.config import RunConfig, Trains
from vae.data import load
from vae.errors import CheckpointError, ConfigError
from vae.evidence import Gap, measure_gap
from vae.models import VAE, Model, build
from vae.pixels import to_float
from vae.training.controls import Controls
from vae.training.journal import read_events
from vae.training.loop import TrainingState, train
from vae.training.resume import load_state

OTHER: dict[str, str] = {"encoder": "decoder", "decoder": "encoder"}


def resume_with(folder: Path, config: RunConfig, **changed: object) -> list[dict[str, object]]:
    """Go on with the run in `folder` up to the end in `config`; the events of the log that are new."""
    last = read_events(folder).events[-1]["n"]
    events_of(config, folder, resume=True, change=Controls.model_validate(changed))
    return list(read_events(folder, after=last).events)


# --- steps


def parts_of(model: Model) -> dict[str, dict[str, torch.Tensor]]:
    return {
        part: {name: value.clone() for name, value in getattr(model, part).state_dict().items()}
        for part in ("encoder", "decoder")
    }


def moments_of(state: TrainingState) -> dict[str, list[dict[str, torch.Tensor]]]:
    """Adam's slots of each part that has any."""
    found: dict[str, list[dict[str, torch.Tensor]]] = {"encoder": [], "decoder": []}
    for name, weights in state.model.named_parameters():
        slots = state.optimizer.state.get(weights)
        if slots:
            found[name.split(".")[0]].append({slot: value.clone() for slot, value in slots.items()})
    return found


@pytest.mark.parametrize("kind", ["vae", "ae"])
@pytest.mark.parametrize("trains", ["encoder", "decoder"])
def test_a_frozen_part_keeps_its_weights_and_moments_bit_for_bit(kind: str, trains: Trains) -> None:
    config = config_of(kind=kind, epochs=3)
    images = torch.from_numpy(load("digits", "train").images[:300].copy())
    state = TrainingState.fresh(build(config.model, (1, 8, 8)), config.training.learning_rate)
    asked = [Controls()]
    seen: list[tuple[dict[str, dict[str, torch.Tensor]], dict[str, list[dict[str, torch.Tensor]]]]] = []
    for event in train(state, config.training, images, images, lambda: asked[-1]):
        if type(event).__name__ == "EpochDone":  # after one epoch of both, one of one part, and one of both again
            seen.append((parts_of(state.model), moments_of(state)))
            asked.append(Controls(trains=trains if len(seen) == 1 else "both"))
    (weights, moments), (frozen_weights, frozen_moments), (later_weights, later_moments) = seen
    frozen = OTHER[trains]
    assert len(moments[frozen]) == len(weights[frozen])
    for before, after in ((weights, frozen_weights), (moments, frozen_moments)):
        torch.testing.assert_close(after[frozen], before[frozen], rtol=0, atol=0)
        with pytest.raises(AssertionError):
            torch.testing.assert_close(after[trains], before[trains], rtol=0, atol=0)
    for name, value in frozen_weights[frozen].items():
        assert not torch.equal(later_weights[frozen][name], value)
    assert later_moments[frozen][0]["step"] == 2 * moments[frozen][0]["step"]  # its steps, not those it stood still in


def test_a_part_that_was_never_trained_has_no_moments_and_its_run_resumes(tmp_path: Path) -> None:
    config = config_of(trains="encoder")
    stopped_run(config, tmp_path, epoch=3)
    saved = load_file(tmp_path / "resume.safetensors")
    moved = {int(name.split(".")[1]) for name in saved if name.startswith("adam.")}
    model = build(config.model, (1, 8, 8))
    assert moved == {k for k, (name, _) in enumerate(model.named_parameters()) if name.startswith("encoder.")}
    state = load_state(tmp_path, config, load("digits", "train").hash)
    assert moments_of(state)["decoder"] == []
    # ... and the other half may begin to learn late.
    events_of(config, tmp_path, resume=True, change=Controls(trains="decoder"))
    assert all(slots for slots in moments_of(load_state(tmp_path, config, load("digits", "train").hash)).values())


def test_half_the_moments_of_a_part_are_damage(tmp_path: Path) -> None:
    config = config_of(trains="encoder")
    stopped_run(config, tmp_path, epoch=2)
    path = tmp_path / "resume.safetensors"
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    tensors = {name: value for name, value in load_file(path).items() if not name.startswith("adam.0.")}
    save_file(tensors, path, header["__metadata__"])
    with pytest.raises(CheckpointError, match="Adam's moments do not fit the weights"):
        events_of(config, tmp_path, resume=True)


# --- what it does to log p(x)


def gap_on_training_images(folder: Path) -> Gap:
    images = load("digits", "train").head(48).binarized().images
    return measure_gap(cast(VAE, vae.load(folder)), to_float(torch.tensor(images))).average()


def narrow(epochs: int) -> RunConfig:
    """With so small a weight on the KL, q is far narrower than the posterior: there is a gap to be closed."""
    return config_of(hidden=(32,), batch_size=64, beta=0.1, epochs=epochs)


def test_training_only_the_encoder_closes_the_gap_and_leaves_log_p(tmp_path: Path) -> None:
    events_of(narrow(10), tmp_path)
    before = gap_on_training_images(tmp_path)
    told = resume_with(tmp_path, narrow(16), trains="encoder", beta=1.0, exact_gap_images=20)
    measured = [event for event in told if event["event"] == "gap_measured"]
    assert [event["epoch"] for event in measured] == list(range(10, 17))
    assert len({event["log_evidence"] for event in measured}) == 1  # the very same number
    assert len({event["elbo"] for event in measured}) == 7
    after = gap_on_training_images(tmp_path)
    assert abs(after.log_evidence - before.log_evidence) <= after.error + before.error
    assert before.gap > 1.5
    assert after.gap + after.error < before.gap - before.error - 1


def test_training_only_the_decoder_moves_log_p_and_leaves_the_kl(tmp_path: Path) -> None:
    events_of(narrow(4), tmp_path)
    before = gap_on_training_images(tmp_path)
    told = resume_with(tmp_path, narrow(7), trains="decoder", exact_gap_images=20)
    measured = [event for event in told if event["event"] == "gap_measured"]
    assert [event["epoch"] for event in measured] == [4, 5, 6, 7]
    assert len({event["log_evidence"] for event in measured}) == 4
    assert len({event["kl"] for event in measured}) == 1
    after = gap_on_training_images(tmp_path)
    assert after.elbo > before.elbo + after.error + before.error
    assert abs(after.log_evidence - before.log_evidence) > after.error + before.error


def test_measuring_changes_nothing_of_the_training(tmp_path: Path) -> None:
    plain = epochs_of(events_of(config_of(), tmp_path / "plain"))
    measured = epochs_of(events_of(config_of(exact_gap_images=3), tmp_path / "measured"))
    assert plain == measured
    assert tensors_of(tmp_path / "plain") == tensors_of(tmp_path / "measured")


# --- what cannot be


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"kind": "pca", "trains": "encoder"}, "trains = 'encoder': a PCA is fitted in one step, both parts at once"),
        ({"latent_dim": 3, "exact_gap_images": 4}, "exact_gap_images = 4: .* this is a VAE with latent_dim = 3"),
        ({"kind": "ae", "exact_gap_images": 4}, "exact_gap_images = 4: .* this is an AE"),
        ({"exact_gap_images": 513}, "exact_gap_images = 513: input should be less than or equal to 512"),
        ({"trains": "neither"}, "trains = 'neither': input should be 'both', 'encoder' or 'decoder'"),
    ],
)
def test_what_a_model_cannot_have_is_said(values: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config_of(**values)


def test_a_change_holds_only_what_its_setting_may_be() -> None:
    assert Change(epoch=1, batch=0, name="beta", old=1, new=2.5).new == 2.5
    assert Change(epoch=1, batch=0, name="exact_gap_images", old=0, new=64).new == 64
    assert Change.model_validate_json('{"epoch":1,"batch":0,"name":"trains","old":"both","new":"encoder"}', strict=True)
    for name, new in (("trains", "neither"), ("trains", 1.0), ("beta", "both"), ("beta", -1.0), ("beta", "4"),
                      ("exact_gap_images", 0.5), ("seed", 1), ("exact_gap_images", 1000)):  # fmt: skip
        with pytest.raises(ValidationError):
            Change.model_validate({"epoch": 1, "batch": 0, "name": name, "old": new, "new": new})


def test_nothing_is_changed_of_a_run_with_no_epoch_left(tmp_path: Path) -> None:
    events_of(config_of(), tmp_path)
    with pytest.raises(ConfigError, match="all its 4 epochs behind it"):
        events_of(config_of(), tmp_path, resume=True, change=Controls(trains="encoder"))
