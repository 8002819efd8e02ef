"""Results in a notebook: a Forecast shows its chart, an Outlook and a Plan their tables."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.formatters import DisplayFormatter

from reports import formatters
from reports.vega import MIME
from tests.support.plans import small_plan


@pytest.fixture
def shell() -> Any:
    """Return what a running IPython shows results with."""
    found = SimpleNamespace(display_formatter=DisplayFormatter())
    assert formatters.register(found)
    return found


def shown(shell: Any, result: object) -> dict[str, Any]:
    data, _ = shell.display_formatter.format(result)
    found: dict[str, Any] = data
    return found


def test_a_forecast_shows_its_chart(shell: Any) -> None:
    """The chart of its first series as Vega-Lite, and in words for whoever reads text."""
    found = shown(shell, small_plan().forecasts["disk"])
    assert found[MIME]["width"] == "container"
    assert found["text/plain"].startswith("disk · eu/fills: history from 2 Sep 2026 to 1 Nov 2026")


@pytest.mark.parametrize("result", ["outlook", "plan"])
def test_outlook_and_plan_show_their_tables(shell: Any, result: str) -> None:
    """A row a series, with labels escaped, and the same as text."""
    made = small_plan()
    found = shown(shell, made if result == "plan" else made.outlooks["disk"])
    assert "<script>" not in found["text/html"]
    assert "eu/fills" in found["text/html"]
    assert "order now" in found["text/plain"]


def test_without_ipython_there_is_nothing_to_register() -> None:
    """In a plain process the call says so, and does no harm."""
    assert formatters.register() is False
