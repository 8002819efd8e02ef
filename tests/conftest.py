"""What every test gets: the real servers as fixtures, and no way out of this machine."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tests.support.outer import close_the_outside
from tests.support.servers import (  # noqa: F401 - fixtures are found by name
    fresh_victoriametrics,
    prometheus,
    start_victoriametrics,
    victoriametrics,
    vmauth,
)

settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("local", deadline=None)


def pytest_configure(config: pytest.Config) -> None:
    """Close the outside to all children, and draw the same examples each time where CI asks."""
    close_the_outside()
    settings.load_profile("ci" if os.environ.get("CI") == "true" else "local")
