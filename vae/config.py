"""The one description of a run: command line, form and saved card are all made from these types.

Only pydantic is imported here, so a page can read a card without waiting for torch.
"""

from itertools import pairwise
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from vae.errors import ConfigError

Kind = Literal["ae", "vae", "pca"]
Network = Literal["mlp", "conv"]
Activation = Literal["relu", "silu", "gelu", "tanh"]
Likelihood = Literal["bernoulli", "continuous-bernoulli", "gaussian", "gaussian-learned"]
Prior = Literal["normal"]
Loss = Literal["mse", "cross-entropy"]
Schedule = Literal["constant", "cosine"]
Storage = Literal["float32", "float16"]
Trains = Literal["both", "encoder", "decoder"]

# What may be changed while a run goes on has its bounds here, for the setting and for the request alike.
Beta = Annotated[float, Field(ge=0.0, le=1000.0)]
LearningRate = Annotated[float, Field(gt=0.0, le=10.0)]
GapImages = Annotated[int, Field(ge=0, le=512)]
Changeable = Literal["beta", "learning_rate", "trains", "exact_gap_images"]
CHANGEABLE: tuple[Changeable, ...] = get_args(Changeable)

LIKELIHOODS: tuple[Likelihood, ...] = get_args(Likelihood)
DEFAULT_SIGMA = {"gaussian": 0.1, "gaussian-learned": 0.01}

FOLDER = "folder:"  # begins the name of a set of pictures that a person brings

# What only one kind has: whose a setting is, what a kind implies when nothing is given, what others have in its place.
OWNERS: dict[str, Kind] = {"likelihood": "vae", "prior": "vae", "sigma": "vae", "loss": "ae"}
IMPLIED = {"vae": {"likelihood": "bernoulli", "prior": "normal"}, "ae": {"loss": "mse"}, "pca": {}}
INSTEAD: dict[Kind, str] = {
    "vae": "a VAE has a likelihood instead",
    "ae": "an AE has a loss instead",
    "pca": "a PCA is the least-squares fit and has no such choice",
}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _numbers(value: Any) -> Any:
    """Read '512,256' as the command line and a form give it, and the list that a card holds."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(value) if isinstance(value, list) else value


Width = Annotated[int, Field(ge=1, le=4096)]
Widths = Annotated[tuple[Width, ...], BeforeValidator(_numbers), Field(min_length=1, max_length=6)]
Epochs = Annotated[int, Field(ge=1, le=10_000)]
Restarts = Annotated[tuple[Epochs, ...], BeforeValidator(_numbers), Field(max_length=1000)]


class ModelConfig(_Frozen):
    """What the model is. Enough, with an image shape, to build it.

    A PCA has latent_dim and nothing else: it has no network, and the network's settings do not touch it.
    """

    kind: Kind = Field(
        default="vae",
        description="plain autoencoder (ae), variational autoencoder (vae) or principal components (pca), which are "
        "fitted in one step and have, beside d, no setting of network or training but seed and held-out",
    )
    latent_dim: int = Field(default=2, ge=1, le=256, description="number of latent dimensions d")
    network: Network = Field(default="mlp", description="fully connected (mlp) or convolutional (conv) layers")
    hidden: Widths = Field(
        default=(512, 256), description="widths from image to code, as 512,256; the decoder mirrors them"
    )
    activation: Activation = Field(default="relu", description="non-linearity between layers")
    likelihood: Likelihood | None = Field(default=None, description="p(x|z) of a VAE; bernoulli when not given")
    sigma: float | None = Field(
        default=None,
        ge=1e-3,
        le=10.0,
        description="gaussian: the fixed sigma of pixels in [0, 1]; gaussian-learned: the lower bound of theirs",
    )
    prior: Prior | None = Field(default=None, description="p(z) of a VAE; normal is N(0, I)")
    loss: Loss | None = Field(default=None, description="what an AE minimises, summed over pixels; mse when not given")

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, given: Any) -> Any:
        """Fill in what the kind implies, so that a card states it."""
        if not isinstance(given, dict):
            return given
        kind = str(given.get("kind", "vae"))
        implied = IMPLIED.get(kind, {})
        values = given | {name: value for name, value in implied.items() if given.get(name) is None}
        if kind == "vae" and values.get("sigma") is None:
            values["sigma"] = DEFAULT_SIGMA.get(str(values["likelihood"]))
        return values

    @model_validator(mode="after")
    def _fits_the_kind(self) -> Self:
        for name, owner in OWNERS.items():
            value = getattr(self, name)
            if value is not None and owner != self.kind:
                article = "an" if owner == "ae" else "a"
                raise ValueError(f"{name}={value!r} belongs to {article} {owner.upper()}; {INSTEAD[self.kind]}")
        if self.kind == "vae" and self.sigma is not None and self.likelihood not in DEFAULT_SIGMA:
            raise ValueError(f"sigma={self.sigma} has no meaning for the {self.likelihood} likelihood; leave it out")
        return self


class TrainingConfig(_Frozen):
    """How the model is trained."""

    beta: Beta = Field(default=1.0, description="weight of the KL term of a VAE; 1 is the ELBO")
    warmup_epochs: float = Field(
        default=0.0, ge=0.0, le=1000.0, description="epochs over which beta rises linearly from 0"
    )
    epochs: Epochs = Field(default=20, description="passes over the training images")
    batch_size: int = Field(default=256, ge=1, le=65_536, description="images per step")
    learning_rate: LearningRate = Field(default=3e-3, description="Adam's step size at the start")
    schedule: Schedule = Field(
        default="constant", description="learning rate over the run: constant, or a cosine down to 0"
    )
    restarts: Restarts = Field(
        default=(),
        description="epochs after which the cosine begins anew, as 20,40: there a run ended before it was continued",
    )
    trains: Trains = Field(
        default="both", description="which part takes steps; the other keeps its weights, bit for bit"
    )
    exact_gap_images: GapImages = Field(
        default=0,
        description="test images, binarised, whose exact log p(x) and gap to the ELBO are measured after each epoch; "
        "for a VAE with d = 2",
    )
    held_out: int = Field(
        default=0,
        ge=0,
        description="training images kept back and measured in place of the test set, to make choices on",
    )
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="the same seed gives the same run on a CPU")

    @property
    def ends(self) -> tuple[int, ...]:
        """The epochs after which a cosine has come down to 0."""
        return *self.restarts, self.epochs

    @model_validator(mode="after")
    def _restarts_are_of_a_cosine(self) -> Self:
        if self.restarts and self.schedule != "cosine":
            raise ValueError(f"restarts = {self.restarts}: the {self.schedule} schedule never ends; leave them out")
        if any(one >= other for one, other in pairwise(self.ends)):
            raise ValueError(f"restarts = {self.restarts}: must rise, and lie before the last of {self.epochs} epochs")
        return self


class RunConfig(_Frozen):
    """One run, whole: data set, model, training, and how the weights are stored."""

    dataset: str = Field(
        default="mnist", min_length=1, max_length=4096, description="name of the data set; see `datasets`"
    )
    image_size: int | None = Field(
        default=None,
        ge=8,
        le=256,
        description="folder: sets only: pictures become squares of this side; by default the size all of them share "
        "when it is at most 64, else 64",
    )
    model: ModelConfig = Field(default_factory=ModelConfig)
    training: TrainingConfig = Field(default_factory=TrainingConfig)
    storage: Storage = Field(
        default="float32", description="number format of the stored weights; figures are measured on it"
    )

    @model_validator(mode="after")
    def _size_is_for_folders(self) -> Self:
        if self.image_size is not None and not self.dataset.startswith(FOLDER):
            raise ValueError(
                f"image_size={self.image_size} is for {FOLDER} sets; the images of {self.dataset[:60]!r} have theirs"
            )
        return self

    @model_validator(mode="after")
    def _training_fits_the_model(self) -> Self:
        model, training = self.model, self.training
        if training.trains != "both" and model.kind == "pca":
            raise ValueError(
                f"trains = {training.trains!r}: a PCA is fitted in one step, both parts at once; leave it out"
            )
        if training.exact_gap_images and (model.kind, model.latent_dim) != ("vae", 2):
            raise ValueError(
                f"exact_gap_images = {training.exact_gap_images}: log p(x) is integrated for a VAE with latent_dim = 2 "
                f"only, and this is {_named(model)}; set it to 0"
            )
        return self


def _named(model: ModelConfig) -> str:
    return f"{'an' if model.kind == 'ae' else 'a'} {model.kind.upper()} with latent_dim = {model.latent_dim}"


def flat_fields() -> dict[str, tuple[Any, Any]]:
    """Every setting of a run by its own name: name -> (pydantic field, section it lives in or None)."""
    fields: dict[str, tuple[Any, Any]] = {
        name: (RunConfig.model_fields[name], None) for name in ("dataset", "image_size")
    }
    for section, model in (("model", ModelConfig), ("training", TrainingConfig)):
        fields |= {name: (field, section) for name, field in model.model_fields.items()}
    fields["storage"] = (RunConfig.model_fields["storage"], None)
    return fields


def from_flat(values: dict[str, Any]) -> RunConfig:
    """Build a run's config from settings by their own names (see `flat_fields`).

    Raises ConfigError naming the first setting that is wrong, its value and its bounds.
    """
    nested: dict[str, Any] = {"model": {}, "training": {}}
    known = flat_fields()
    for name, value in values.items():
        if name not in known:
            raise ConfigError(f"unknown setting {name!r}; known: {', '.join(known)}")
        section = known[name][1]
        (nested[section] if section else nested)[name] = value
    try:
        return RunConfig.model_validate(nested)
    except ValidationError as error:
        raise ConfigError(explain(error)) from None


def to_flat(config: RunConfig) -> dict[str, Any]:
    """A run's settings by their own names: what `from_flat` makes the same config of."""
    nested = config.model_dump()
    return {name: (nested[section] if section else nested)[name] for name, (_, section) in flat_fields().items()}


def explain(error: ValidationError) -> str:
    """One line a person can act on, from pydantic's list of faults."""
    fault = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in fault["loc"] if part not in ("model", "training"))
    message = fault["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    if not where:
        return message
    if fault["type"] == "extra_forbidden":
        return f"{where}: not a field this version knows"
    if fault["type"] == "missing":
        return f"{where}: missing"
    given = repr(fault["input"])
    return f"{where} = {given if len(given) <= 60 else given[:57] + '...'}: {message}"
