"""What a run will take, before it begins: its parameters are counted, its memory reckoned, its time probed."""

import math
import time

import torch

from vae.analysis.averages import MEASURE_BATCH, measure
from vae.analysis.evaluate import ELBO_SAMPLES
from vae.config import ModelConfig, Network, RunConfig
from vae.errors import ConfigError
from vae.evidence import Evidence, measure_gap
from vae.jobs.prober import Forecast
from vae.jobs.settings import JobSettings
from vae.jobs.sizes import parameters_of, sizes_of
from vae.models import VAE, Model, build
from vae.network_sizes import Shape
from vae.training.controls import Controls
from vae.training.loop import train
from vae.training.state import TrainingState

PROBE_SECONDS = 0.6  # of training steps
FEWEST_STEPS = 2
LARGEST_STEP: dict[Network, int] = {"mlp": 400_000, "conv": 100_000}  # pixels; a larger batch is no quicker an image
START_SECONDS = 5.0  # until a process has loaded what it needs
SAVED_BYTES = 14  # a parameter, after each epoch: weights, Adam's moments, the film's halves
SAVING_RATE = 200_000_000  # bytes a second, as measured, waiting for the disk
GAP_TIMES = 5  # the whole gap takes as long as its expectation under q so often, on trained models of digits and MNIST
GAP_PROBE = 8  # images
PROCESS_BYTES = 920_000_000  # measured: a process that has loaded torch, its CUDA libraries too, and no data yet
COPIES_OF_DATA = 6  # bytes as read, as held and as trained on, and what a test set is measured with
COPIES_OF_WEIGHTS = 6  # weights, gradients, Adam's two moments, the last good epoch, what is being saved


def forecast(config: RunConfig, settings: JobSettings | None = None) -> Forecast:
    """Train for a moment on random images of the data's shape, with the threads a run gets, and reckon from there.

    Takes about a second. Raises ConfigError for a model that cannot be, DataError.
    """
    settings = settings or JobSettings.from_environment()
    train_count, test_count, shape = sizes_of(config.dataset, config.image_size)
    parameters = parameters_of(config)
    memory = _memory(config, parameters, train_count, test_count, shape)
    if config.model.kind == "pca":
        return Forecast(parameters, memory, START_SECONDS, "a PCA is fitted in one step of a few seconds; not measured")
    trained = max(1, train_count - config.training.held_out)
    model = build(config.model, shape, config.training.seed)
    threads = torch.get_num_threads()
    torch.set_num_threads(settings.threads)
    try:
        training_rate, steps = _training_rate(model, config, trained, shape)
        measuring_rate = _measuring_rate(model, test_count, shape)
        gap_seconds = _gap_seconds(model, min(config.training.exact_gap_images, test_count), shape)
    finally:
        torch.set_num_threads(threads)
    per_epoch = trained / training_rate + test_count / measuring_rate + SAVED_BYTES * parameters / SAVING_RATE
    per_epoch += gap_seconds
    at_the_end = (ELBO_SAMPLES + 2) * test_count / measuring_rate
    return Forecast(
        parameters,
        memory,
        START_SECONDS + config.training.epochs * per_epoch + at_the_end,
        f"{training_rate:,.0f} images/s, measured on {steps} training steps on this machine, {settings.threads} "
        f"{'thread' if settings.threads == 1 else 'threads'}",
    )


def _training_rate(model: Model, config: RunConfig, images: int, shape: Shape) -> tuple[float, int]:
    """Images per second of the training loop itself, and the steps it was measured on."""
    batch = min(config.training.batch_size, images, _images_a_step(config.model, shape))
    noise = _noise(min(images, 16 * batch), shape)
    asked: list[float] = []

    def controls() -> Controls:
        asked.append(time.perf_counter())
        measured = asked[-1] - asked[min(1, len(asked) - 1)]  # the first step is slower than the rest
        return Controls(stop=len(asked) > FEWEST_STEPS and measured > PROBE_SECONDS)

    lasting = config.training.model_copy(update={"epochs": 10_000, "learning_rate": 1e-6, "batch_size": batch})
    for _ in train(TrainingState.fresh(model, lasting.learning_rate), lasting, noise, noise[:1], controls):
        pass
    steps = len(asked) - 2
    if steps < 1:
        raise ConfigError("this model cannot be trained: its loss is not finite on random images")
    return steps * batch / (asked[-1] - asked[1]), steps


def _measuring_rate(model: Model, images: int, shape: Shape) -> float:
    noise = _noise(min(images, 2 * _images_a_step(model.config, shape)), shape)
    started = time.perf_counter()
    measure(model, noise)
    return len(noise) / (time.perf_counter() - started)


def _gap_seconds(model: Model, images: int, shape: Shape) -> float:
    """For the exact gap of that many images, reckoned from its second half, which takes as long for any weights."""
    if images == 0 or not isinstance(model, VAE):
        return 0.0
    x = _noise(GAP_PROBE, shape).float().div_(255).round()
    unknown = Evidence(torch.zeros(GAP_PROBE), torch.zeros(GAP_PROBE))
    took = []
    for _ in range(3):  # the first is slower than the rest, and each is short
        started = time.perf_counter()
        measure_gap(model, x, unknown)
        took.append(time.perf_counter() - started)
    return GAP_TIMES * images / GAP_PROBE * min(took)


def _images_a_step(config: ModelConfig, shape: Shape) -> int:
    return max(1, LARGEST_STEP[config.network] // math.prod(shape))


def _memory(config: RunConfig, parameters: int, train_count: int, test_count: int, shape: Shape) -> int:
    pixels = math.prod(shape)
    data = COPIES_OF_DATA * (train_count + test_count) * pixels
    if config.model.kind == "pca":
        return PROCESS_BYTES + data + 3 * 8 * train_count * pixels
    # A training step keeps what it differentiates, and makes as much again.
    batch = max(3 * min(config.training.batch_size, train_count), min(MEASURE_BATCH, test_count))
    return PROCESS_BYTES + data + 4 * (COPIES_OF_WEIGHTS * parameters + batch * _activations(config.model, shape))


def _activations(config: ModelConfig, shape: Shape) -> int:
    """Numbers that the layers give for one image."""
    model = build(config, shape)
    counted = 0

    def count(_module: object, _inputs: object, output: torch.Tensor) -> None:
        nonlocal counted
        counted += output.numel()

    for part, given in ((model.encoder, torch.zeros(1, *shape)), (model.decoder, torch.zeros(1, config.latent_dim))):
        for layer in part:
            layer.register_forward_hook(count)
        with torch.no_grad():
            part(given)
    return counted


def _noise(count: int, shape: Shape) -> torch.Tensor:
    return torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
