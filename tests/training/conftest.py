"""What several tests of training begin with."""

from pathlib import Path

import pytest
from small_runs import config_of, events_of


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the small digits, with three latent dimensions."""
    folder = tmp_path_factory.mktemp("done") / "run"
    events_of(config_of(latent_dim=3), folder)
    return folder
