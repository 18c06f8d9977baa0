"""What every message about a data set has to be."""

import pytest

from vae.errors import DataError


def assert_helpful(fault: pytest.ExceptionInfo[DataError], *named: object) -> None:
    message = str(fault.value)
    assert "\n" not in message
    assert "Traceback" not in message
    assert message.endswith(".")
    for part in named:
        assert str(part) in message
