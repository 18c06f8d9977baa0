"""How large a run's data and model are, told before anything is loaded. No torch here."""

from functools import lru_cache

from vae.config import RunConfig
from vae.data import is_own, load, sizes_of_own
from vae.network_sizes import Shape, count_parameters

# Known sets need not be loaded, nor even be here.
SIZES: dict[str, tuple[int, int, Shape]] = {
    "digits": (1437, 360, (1, 8, 8)),
    "shapes": (20_000, 4_000, (1, 32, 32)),
    "mnist": (60_000, 10_000, (1, 28, 28)),
    "fashion-mnist": (60_000, 10_000, (1, 28, 28)),
    "kmnist": (60_000, 10_000, (1, 28, 28)),
    "olivetti": (320, 80, (1, 64, 64)),
    "freyface": (1768, 197, (1, 28, 20)),
}


def sizes_of(dataset: str, image_size: int | None = None) -> tuple[int, int, Shape]:
    """Training images, test images and the shape of one. Raises DataError for a set that is not known, ConfigError."""
    return sizes_of_own(dataset, image_size) if is_own(dataset) else SIZES.get(dataset) or _sizes_of(dataset)


@lru_cache(maxsize=64)
def _sizes_of(dataset: str) -> tuple[int, int, Shape]:
    train_set, test_set = load(dataset, "train"), load(dataset, "test")
    return len(train_set), len(test_set), train_set.shape


def parameters_of(config: RunConfig) -> int:
    """Raises ConfigError for a model that cannot be, DataError."""
    return count_parameters(config.model, sizes_of(config.dataset, config.image_size)[2])
