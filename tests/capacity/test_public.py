"""The public door of `capacity`: what it offers, and what it does not load."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

import capacity

PROMISED = {
    "LEVELS", "Backtest", "Catalog", "Forecast", "Growth", "Outlook", "Plan", "Pull", "Skipped", "__version__",
    "backtest", "errors", "forecast", "growth", "join", "load_catalog", "outlook", "plan", "scenario", "simulate",
    "slo", "unit_cost",
}  # fmt: skip


def run(code: str) -> str:
    """Run code in a fresh interpreter; return what it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def test_the_door_is_shut() -> None:
    """What is public is listed, in order, and is exactly what was promised: a name is added here on purpose only."""
    assert set(capacity.__all__) == PROMISED
    assert capacity.__all__ == sorted(
        capacity.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name)
    )


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_every_public_name_is_there(name: str) -> None:
    """Each can be had, and stands in dir()."""
    assert getattr(capacity, name) is not None
    assert name in dir(capacity)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    """The usual error, so that hasattr and tab completion work."""
    with pytest.raises(AttributeError, match="no attribute 'forcast'"):
        capacity.forcast  # noqa: B018


def test_importing_costs_nothing() -> None:
    """Neither pandas nor a model's library is loaded before something is asked for."""
    heavy = "{'pandas', 'numpy', 'scipy', 'prophet', 'statsmodels', 'altair', 'matplotlib'}"
    assert run(f"import sys, capacity; print(sorted({heavy} & set(sys.modules)))") == "[]"


def test_forecasting_loads_neither_prophet_nor_statsmodels_nor_charts() -> None:
    """They are imported by the model that needs them, when it is asked for."""
    code = (
        "import sys, capacity; capacity.forecast, capacity.outlook, capacity.plan, capacity.growth; "
        "print(sorted({'prophet', 'statsmodels', 'altair', 'IPython', 'cmdstanpy'} & set(sys.modules)))"
    )
    assert run(code) == "[]"


@pytest.mark.parametrize("name", ["forecast", "outlook", "growth", "plan", "backtest"])
def test_the_function_wins_over_the_module_of_its_name(name: str) -> None:
    """Whichever is imported first, ``capacity.forecast`` is the function."""
    assert run(f"import capacity.{name}, capacity; print(callable(capacity.{name}))") == "True"
    assert run(f"from capacity import {name}; print(callable({name}))") == "True"
    assert not isinstance(getattr(capacity, name), ModuleType)
