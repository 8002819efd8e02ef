"""Know what runs out, when, and how sure that is.

The pure core: it knows no network, environment or clock. Names are loaded when they are first used, so that
``import capacity`` costs nothing.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from capacity._version import __version__

if TYPE_CHECKING:
    from capacity import errors, simulate, slo
    from capacity.backtest import Backtest, backtest
    from capacity.catalog import Catalog
    from capacity.catalog_load import load_catalog
    from capacity.drivers import unit_cost
    from capacity.forecast import LEVELS, Forecast, forecast
    from capacity.frames import Pull, Skipped, join
    from capacity.growth import Growth, growth
    from capacity.outlook import Outlook, outlook
    from capacity.plan import Plan, plan
    from capacity.scenario import scenario

__all__ = [
    "LEVELS",
    "Backtest",
    "Catalog",
    "Forecast",
    "Growth",
    "Outlook",
    "Plan",
    "Pull",
    "Skipped",
    "__version__",
    "backtest",
    "errors",
    "forecast",
    "growth",
    "join",
    "load_catalog",
    "outlook",
    "plan",
    "scenario",
    "simulate",
    "slo",
    "unit_cost",
]

# name → the module that has it; a module that is public itself stands for itself.
_HOMES = {
    "LEVELS": "forecast",
    "Backtest": "backtest",
    "Catalog": "catalog",
    "Forecast": "forecast",
    "Growth": "growth",
    "Outlook": "outlook",
    "Plan": "plan",
    "Pull": "frames",
    "Skipped": "frames",
    "backtest": "backtest",
    "errors": "errors",
    "forecast": "forecast",
    "growth": "growth",
    "join": "frames",
    "load_catalog": "catalog_load",
    "outlook": "outlook",
    "plan": "plan",
    "scenario": "scenario",
    "simulate": "simulate",
    "slo": "slo",
    "unit_cost": "drivers",
}
_MODULES = frozenset({"errors", "simulate", "slo"})


class _Package(ModuleType):
    """A package whose functions win over modules of the same name.

    Importing ``capacity.forecast`` binds the module to ``capacity.forecast``, where the public name is the function.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and _HOMES.get(name) == name and name not in _MODULES:
            value = getattr(value, name)
        super().__setattr__(name, value)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'capacity' has no attribute {name!r}")
    module = import_module(f"capacity.{_HOMES[name]}")
    value = module if name in _MODULES else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


sys.modules[__name__].__class__ = _Package
