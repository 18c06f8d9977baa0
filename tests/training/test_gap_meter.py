"""The gap of the same images after each epoch: which images, when log p(x) is measured anew, and what it costs."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_runs import config_of, events_of, names_of

from vae.config import from_flat
from vae.data import ImageSet, load
from vae.evidence import measure_gap
from vae.models import VAE, build
from vae.pixels import to_float
from vae.training import gap_meter
from vae.training.events import EpochDone, GapMeasured
from vae.training.gap_meter import GapMeter, evenly_chosen
from vae.training.journal import read_events


def model_of(**values: object) -> VAE:
    model = build(from_flat({"hidden": "12"} | values).model, (1, 8, 8))
    assert isinstance(model, VAE)
    return model


def digits() -> ImageSet:
    return load("digits", "test")


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(1, 50))
def test_the_choice_is_as_even_as_can_be_and_grows_by_adding(labels: list[int], count: int) -> None:
    images = np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1, 1)
    image_set = ImageSet(images, np.array(labels), tuple("abcde"), "made", "test", "none", "none")
    chosen = evenly_chosen(image_set, count)
    of_class, there = Counter(chosen.labels.tolist()), Counter(labels)  # type: ignore[union-attr]
    assert len(chosen) == min(count, len(labels))
    most = max(of_class.values())
    assert all(of_class[label] >= min(there[label], most - 1) for label in there)
    numbers = chosen.images.flatten().tolist()
    for label in there:  # the first of each class
        own = [k for k, each in enumerate(labels) if each == label]
        assert [k for k in numbers if labels[k] == label] == own[: of_class[label]]
    assert set(numbers) <= set(evenly_chosen(image_set, count + 1).images.flatten().tolist())


def test_without_classes_the_first_are_taken() -> None:
    bare = replace(digits(), labels=None, class_names=())
    assert np.array_equal(evenly_chosen(bare, 5).images, digits().images[:5])


@pytest.mark.parametrize(("likelihood", "binarized"), [("bernoulli", True), ("continuous-bernoulli", False)])
def test_the_figures_are_those_of_measure_gap(likelihood: str, binarized: bool) -> None:
    model = model_of(likelihood=likelihood)
    found = GapMeter(digits()).measure(model, epoch=7, images=20)
    assert found is not None
    chosen = evenly_chosen(digits(), 20)
    expected = measure_gap(model, to_float(torch.tensor((chosen.binarized() if binarized else chosen).images)))
    assert (found.epoch, found.images, found.binarized) == (7, 20, binarized)
    for name in ("log_evidence", "elbo", "reconstruction", "kl", "gap", "error"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name).mean().item())


def test_log_p_is_measured_anew_only_when_the_decoder_or_the_images_are_others(monkeypatch: pytest.MonkeyPatch) -> None:
    model, meter = model_of(), GapMeter(digits())
    log_evidence, measured = gap_meter.log_evidence, []
    monkeypatch.setattr(gap_meter, "log_evidence", lambda *given: measured.append(1) or log_evidence(*given))
    monkeypatch.setattr(gap_meter, "IMAGES_AT_ONCE", 4)

    def weights_of(part: str) -> torch.Tensor:
        return next(getattr(model, part).parameters()).data

    first = meter.measure(model, 0, 10)
    assert len(measured) == 3
    weights_of("encoder").mul_(1.5)
    second = meter.measure(model, 1, 10)
    assert len(measured) == 3
    assert first is not None
    assert second is not None
    assert second.log_evidence == first.log_evidence
    assert second.elbo != first.elbo
    weights_of("decoder")[0, 0] += 1e-3
    third = meter.measure(model, 2, 10)
    assert len(measured) == 6
    assert third is not None
    assert third.log_evidence != second.log_evidence
    meter.measure(model, 3, 12)
    assert len(measured) == 9


def test_nothing_is_told_where_there_is_nothing_to_tell() -> None:
    meter = GapMeter(digits())
    assert meter.measure(model_of(), 0, 0) is None
    assert meter.measure(model_of(latent_dim=3), 0, 4) is None
    assert meter.measure(build(from_flat({"kind": "ae", "hidden": "12"}).model, (1, 8, 8)), 0, 4) is None
    assert meter.measure(model_of(), 0, 4, is_stopped=lambda: True) is None
    beyond = model_of()
    list(beyond.encoder.parameters())[-1].data[2:] += 1000  # log sigma^2: the ELBO is minus infinity
    assert meter.measure(beyond, 0, 4) is None
    assert meter.measure(model_of(), 0, 4) is not None  # the same decoder: what the encoder spoilt was not kept


def test_it_is_told_before_training_and_after_each_epoch_and_counts_in_no_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: clock.__setitem__(0, clock[0] + 1e-6) or clock[0])
    measure = GapMeter.measure

    def slow(*given: object, **more: object) -> GapMeasured | None:
        clock[0] += 1000.0
        return measure(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(GapMeter, "measure", slow)
    events = events_of(config_of(epochs=2, exact_gap_images=3), tmp_path)
    assert names_of(events) == [
        *("GapMeasured", "Started", "EpochDone", "GapMeasured", "Saved"),
        *("EpochDone", "GapMeasured", "Saved", "Saved", "Done"),
    ]
    assert [event.epoch for event in events if isinstance(event, GapMeasured)] == [0, 1, 2]
    assert all(event.seconds < 1 for event in events if isinstance(event, EpochDone))
    assert clock[0] > 3000
    told = [event for event in read_events(tmp_path).events if event["event"] == "gap_measured"]
    assert set(told[0]) == {"n", "time", "event", "epoch", "images", "binarized", "log_evidence", "elbo",
                            "reconstruction", "kl", "gap", "error"}  # fmt: skip
    assert all(event["log_evidence"] - event["elbo"] == pytest.approx(event["gap"], abs=1e-3) for event in told)
