"""What is said of a run before it begins, against what can be counted."""

import math

import pytest
import torch
from made_runs import small

from vae.config import ModelConfig
from vae.data import load
from vae.errors import ConfigError, DataError
from vae.jobs import JobSettings
from vae.jobs.forecast import forecast
from vae.jobs.sizes import SIZES, parameters_of, sizes_of
from vae.library import list_cards
from vae.models import build


@pytest.mark.parametrize("name", ["digits", "shapes"])
def test_the_sizes_of_embedded_sets_are_theirs(name: str) -> None:
    train, test = load(name, "train"), load(name, "test")
    assert SIZES[name] == (len(train), len(test), train.shape)


def test_the_sizes_of_the_other_sets_are_those_on_the_shipped_cards() -> None:
    for entry in list_cards().cards:
        data = entry.card.data
        train, test, shape = SIZES[data.name]
        assert (train - entry.card.config.training.held_out, test, shape) == (
            data.train_images,
            data.test_images,
            data.shape,
        )


@pytest.mark.parametrize(
    "values",
    [{}, {"kind": "ae", "network": "conv"}, {"likelihood": "gaussian-learned", "latent_dim": 20}],
    ids=["vae", "ae, conv", "learned sigma"],
)
def test_parameters_are_those_of_the_model(values: dict[str, object]) -> None:
    config = small(**values)
    model = build(config.model, (1, 8, 8))
    assert forecast(config).parameters == parameters_of(config) == sum(p.numel() for p in model.parameters())


def test_time_grows_with_the_epochs_and_the_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae.jobs.forecast._training_rate", lambda *_: (1000.0, 5))
    monkeypatch.setattr("vae.jobs.forecast._measuring_rate", lambda *_: 4000.0)
    one, hundred = forecast(small(epochs=1)).seconds, forecast(small(epochs=101)).seconds
    assert hundred - one == pytest.approx(100 * (1437 / 1000 + 360 / 4000), rel=1e-3)
    held_out = forecast(small(epochs=101, held_out=437)).seconds
    assert hundred - held_out == pytest.approx(101 * 437 / 1000)
    monkeypatch.setattr("vae.jobs.forecast._gap_seconds", lambda _, images, __: images / 8)
    measuring, none = (forecast(small(exact_gap_images=count)).seconds for count in (10, 0))
    assert measuring - none == pytest.approx(4 * 10 / 8)


def test_a_probe_measures_at_least_a_step_and_says_so() -> None:
    said = forecast(small(batch_size=10_000), JobSettings(most_running=1))
    assert "measured on" in said.measured
    assert 0 < said.seconds < math.inf


def test_the_probe_leaves_torch_as_it_was() -> None:
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    forecast(small())
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), state)


def test_memory_holds_at_least_weights_moments_and_images() -> None:
    config = small(dataset="mnist", hidden=(512, 256))
    said = forecast(config)
    assert said.memory > 4 * 4 * said.parameters + 70_000 * 784
    wider = forecast(small(dataset="mnist", hidden=(1024, 1024)))
    assert wider.memory > said.memory


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="latent_dim = 65"):
        forecast(small(kind="pca", latent_dim=65))
    with pytest.raises(DataError, match="no data set named 'nothing'"):
        sizes_of("nothing")
    assert forecast(small(kind="pca")).parameters == sum(
        p.numel() for p in build(ModelConfig(kind="pca"), (1, 8, 8)).parameters()
    )
