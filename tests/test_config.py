"""One description of a run: it survives being written down, and every fault in it is named."""

import re
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from vae import config as c
from vae.config import LIKELIHOODS, ModelConfig, RunConfig, TrainingConfig, flat_fields, from_flat, to_flat
from vae.errors import ConfigError

# setting: (lowest, highest) that is accepted, then what lies just outside
BOUNDS: dict[str, tuple[list[float], list[float]]] = {
    "latent_dim": ([1, 256], [0, -3, 257]),
    "sigma": ([0.001, 10.0], [0.0009, 0.0, -0.1, 10.1]),
    "beta": ([0.0, 1000.0], [-1e-9, 1000.1]),
    "warmup_epochs": ([0.0, 1000.0], [-0.5, 1000.1]),
    "epochs": ([1, 10_000], [0, -1, 10_001]),
    "batch_size": ([1, 65_536], [0, 65_537]),
    "learning_rate": ([1e-12, 10.0], [0.0, -1e-3, 10.1]),
    "image_size": ([8, 256], [7, 0, 257]),
    "exact_gap_images": ([0, 512], [-1, 513]),
    "held_out": ([0, 10**9], [-1]),
    "seed": ([0, 2**31 - 1], [-1, 2**31]),
}
CHOICES = {
    "kind": c.Kind,
    "network": c.Network,
    "activation": c.Activation,
    "likelihood": c.Likelihood,
    "prior": c.Prior,
    "loss": c.Loss,
    "schedule": c.Schedule,
    "trains": c.Trains,
    "storage": c.Storage,
}

common = st.fixed_dictionaries(
    {},
    optional={
        "dataset": st.text(min_size=1, max_size=40),
        "latent_dim": st.integers(1, 256),
        "network": st.sampled_from(get_args(c.Network)),
        "hidden": st.lists(st.integers(1, 4096), min_size=1, max_size=6).map(tuple),
        "activation": st.sampled_from(get_args(c.Activation)),
        "beta": st.floats(0, 1000),
        "warmup_epochs": st.floats(0, 1000),
        "epochs": st.integers(1, 10_000),
        "batch_size": st.integers(1, 65_536),
        "learning_rate": st.floats(0, 10, exclude_min=True),
        "schedule": st.sampled_from(get_args(c.Schedule)),
        "held_out": st.integers(0, 10**9),
        "seed": st.integers(0, 2**31 - 1),
        "storage": st.sampled_from(get_args(c.Storage)),
    },
)
sigma = st.fixed_dictionaries({}, optional={"sigma": st.floats(0.001, 10)})
of_a_kind = st.one_of(
    st.fixed_dictionaries({"kind": st.just("ae")}, optional={"loss": st.sampled_from(get_args(c.Loss))}),
    st.just({"kind": "pca"}),
    st.fixed_dictionaries({}, optional={"likelihood": st.sampled_from(["bernoulli", "continuous-bernoulli"])}),
    st.builds(lambda name, rest: {"likelihood": name} | rest, st.sampled_from(["gaussian", "gaussian-learned"]), sigma),
)
valid_settings = st.builds(lambda a, b: a | b, common, of_a_kind)


def config_or_message(values: dict[str, Any]) -> RunConfig | str:
    try:
        return from_flat(values)
    except ConfigError as error:
        return str(error)


@pytest.mark.parametrize(
    ("restarts", "message"),
    [
        ((20,), "lie before the last of 20 epochs"),
        ((8, 8), "must rise"),
        ((8, 3), "must rise"),
        ((0,), "greater than or equal to 1"),
        ("8,x", "restarts"),
        ((3,) * 1001, "restarts"),
    ],
)
def test_restarts_rise_and_lie_within_a_run(restarts: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        from_flat({"schedule": "cosine", "restarts": restarts})
    assert from_flat({"schedule": "cosine", "restarts": "8, 12"}).training.ends == (8, 12, 20)


def test_only_a_cosine_begins_anew() -> None:
    with pytest.raises(ConfigError, match="the constant schedule never ends; leave them out"):
        from_flat({"restarts": (8,)})


@given(valid_settings)
def test_a_config_survives_being_written_down(values: dict[str, Any]) -> None:
    config = from_flat(values)
    assert RunConfig.model_validate_json(config.model_dump_json(), strict=True) == config
    assert from_flat(to_flat(config)) == config
    assert to_flat(config).items() >= values.items()


@given(valid_settings)
def test_settings_may_come_as_text(values: dict[str, Any]) -> None:
    """As a command line and a form give them: '512,256', '3e-3'."""
    typed = {
        name: ",".join(map(str, value)) if isinstance(value, tuple) else str(value) for name, value in values.items()
    }
    assert from_flat(typed) == from_flat(values)


def test_bounds_are_listed_for_every_number() -> None:
    numbers = {
        name
        for name, (field, _) in flat_fields().items()
        if {int, float} & {field.annotation, *get_args(field.annotation)}
    }
    assert numbers == BOUNDS.keys()


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, (inside, _) in BOUNDS.items() for value in inside])
def test_a_bound_itself_is_accepted(name: str, value: float) -> None:
    others: dict[str, Any] = {"likelihood": "gaussian"} if name == "sigma" else {}
    if name == "image_size":
        others = {"dataset": "folder:pictures"}
    assert to_flat(from_flat({name: value, **others}))[name] == value


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, (_, beyond) in BOUNDS.items() for value in beyond])
def test_a_number_out_of_bounds_is_refused_by_name_and_value(name: str, value: float) -> None:
    others: dict[str, Any] = {"likelihood": "gaussian"} if name == "sigma" else {}
    if name == "image_size":
        others = {"dataset": "folder:pictures"}
    with pytest.raises(ConfigError, match=re.escape(f"{name} = {value!r}: ")):
        from_flat({name: value, **others})


@pytest.mark.parametrize("dataset", ["mnist", "digits", "npz:folder:a", "folder"])
def test_an_image_size_is_for_folders(dataset: str) -> None:
    assert from_flat({"dataset": "folder:a", "image_size": "28"}).image_size == 28
    with pytest.raises(ConfigError, match=f"image_size=28 is for folder: sets; the images of '{dataset}'"):
        from_flat({"dataset": dataset, "image_size": 28})


@pytest.mark.parametrize("name", ["sigma", "beta", "warmup_epochs", "learning_rate"])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_number_must_be_finite(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} = .*finite number"):
        from_flat({name: float(value), "likelihood": "gaussian"})


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("value", ["no-such", "", 0, False])
def test_a_choice_that_is_none_is_refused_with_those_there_are(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"{name} = {value!r}") as refused:
        from_flat({name: value})
    assert all(option in str(refused.value) for option in get_args(CHOICES[name]))


@pytest.mark.parametrize("text", ["", ",", "0", "512,4097", "1,1,1,1,1,1,1", "a,b", "1.5", "-4"])
def test_widths_that_no_network_has_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="hidden"):
        from_flat({"hidden": text})


@pytest.mark.parametrize("name", flat_fields())
@settings(max_examples=25)
@given(value=st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())))
def test_whatever_is_given_makes_a_config_or_one_line_that_names_the_setting(name: str, value: Any) -> None:
    made = config_or_message({name: value})
    if isinstance(made, RunConfig):
        assert RunConfig.model_validate_json(made.model_dump_json()) == made
    else:
        assert name in made
        assert len(made.splitlines()) == 1


def test_an_unknown_setting_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"unknown setting 'latent_dims'; known: .*latent_dim"):
        from_flat({"latent_dims": 2})


@pytest.mark.parametrize("kind", ["ae", "vae", "pca"])
def test_a_config_states_what_its_kind_implies(kind: str) -> None:
    stated = from_flat({"kind": kind}).model.model_dump(include={"likelihood", "prior", "sigma", "loss"})
    implied = {"ae": {"loss": "mse"}, "vae": {"likelihood": "bernoulli", "prior": "normal"}, "pca": {}}
    assert stated == dict.fromkeys(stated) | implied[kind]


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_only_a_gaussian_has_a_sigma(likelihood: str) -> None:
    assert (from_flat({"likelihood": likelihood}).model.sigma is not None) == likelihood.startswith("gaussian")
    if likelihood.startswith("gaussian"):
        assert from_flat({"likelihood": likelihood, "sigma": 0.25}).model.sigma == 0.25
    else:
        with pytest.raises(ConfigError, match=rf"sigma=0\.25 has no meaning for the {likelihood} likelihood"):
            from_flat({"likelihood": likelihood, "sigma": 0.25})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "ae", "likelihood": "bernoulli"}, "likelihood='bernoulli' belongs to a VAE"),
        ({"kind": "ae", "prior": "normal"}, "prior='normal' belongs to a VAE"),
        ({"kind": "ae", "sigma": 0.1}, "sigma=0.1 belongs to a VAE"),
        (
            {"kind": "pca", "likelihood": "bernoulli"},
            "belongs to a VAE; a PCA is the least-squares fit",
        ),
        ({"kind": "pca", "prior": "normal"}, "prior='normal' belongs to a VAE"),
        ({"kind": "pca", "sigma": 0.1}, r"sigma=0\.1 belongs to a VAE"),
        ({"kind": "pca", "loss": "mse"}, "loss='mse' belongs to an AE; a PCA is the least-squares fit"),
        ({"kind": "vae", "loss": "mse"}, "loss='mse' belongs to an AE"),
        ({"loss": "cross-entropy"}, "loss='cross-entropy' belongs to an AE"),
    ],
)
def test_a_setting_of_the_other_kind_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        from_flat(values)


@pytest.mark.parametrize("model", [ModelConfig, TrainingConfig, RunConfig])
def test_a_config_never_changes(model: type[ModelConfig | TrainingConfig | RunConfig]) -> None:
    config = model()
    name = next(iter(model.model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(config, name, getattr(config, name))
    with pytest.raises(ValidationError, match="extra"):
        model.model_validate({"no_such_field": 1})
