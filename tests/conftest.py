"""What every test gets: the real servers as fixtures, and no way out of this machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from typing import TypeVar

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

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("local", deadline=None)


def pytest_configure(config: pytest.Config) -> None:
    """Close the outside to children, let them be interrupted, and draw the same examples each time where CI asks."""
    close_the_outside()
    # A shell that starts the tests in the background has them ignore Ctrl-C, and their children with them.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    settings.load_profile("ci" if os.environ.get("CI") == "true" else "local")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Count a skipped test as failed where CI asks."""
    return _no_skip((yield))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Count a skipped module as failed where CI asks."""
    return _no_skip((yield))


def _no_skip(report: Report) -> Report:
    """Return the report, failed if it was skipped with CI=true: a test that did not run has not passed."""
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped with CI=true: {report.longrepr}"
    return report
