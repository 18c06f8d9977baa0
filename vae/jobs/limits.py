"""Whether a host takes a run: the limits of `JobSettings`, checked before anything is written."""

from pathlib import Path

from vae.config import RunConfig
from vae.data import is_own, plain_name
from vae.errors import ConfigError, RunError
from vae.jobs.listing import list_runs
from vae.jobs.settings import JobSettings
from vae.jobs.sizes import parameters_of
from vae.jobs.uploads import is_upload_of


def check_config(config: RunConfig, settings: JobSettings) -> None:
    """Raises ConfigError for more epochs or parameters than allowed, and for a model that cannot be; DataError."""
    check_epochs(config.training.epochs, settings)
    parameters = parameters_of(config)
    if parameters > settings.most_parameters:
        raise ConfigError(
            f"this model has {parameters:,} parameters; at most {settings.most_parameters:,} are trained here. "
            "Make it narrower."
        )


def check_dataset(dataset: str, owner: str | None, settings: JobSettings) -> None:
    """Raises ConfigError for a place on the host's own disk, but for what `owner` has brought there."""
    if is_own(dataset) and not settings.any_folder and not is_upload_of(dataset, owner):
        raise ConfigError(
            f"{plain_name(dataset)} is a place on this host's own disk, from which a page does not read. Bring the "
            "pictures to the page; or train on it from a terminal, with python -m vae train; or, where nobody else "
            "uses this host, set VAE_JOBS_ANY_FOLDER=1 for it"
        )


def check_epochs(epochs: int, settings: JobSettings) -> None:
    if epochs > settings.most_epochs:
        raise ConfigError(f"epochs = {epochs}: at most {settings.most_epochs} are trained here")


def check_room(runs: Path, owner: str | None, settings: JobSettings) -> None:
    """Raises RunError when the owner has too many runs waiting, or too much on disk."""
    own = [run for run in list_runs(runs) if run.state.owner == owner]
    waiting = sum(run.state.status == "queued" for run in own)
    if waiting >= settings.most_queued:
        raise RunError(f"{waiting} of your runs are waiting already; let one of them begin, or delete one")
    size = sum(bytes_of(run.folder) for run in own)
    if size >= settings.most_bytes:
        raise RunError(
            f"your runs take {size / 1e6:,.0f} MB of the {settings.most_bytes / 1e6:,.0f} MB there are for each "
            "visitor; delete one of them first"
        )


def bytes_of(folder: Path) -> int:
    """What a run takes on disk; files that vanish meanwhile take nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total
