"""Charts and reports: ``from reports import charts, render``. Each loads when it is first asked for."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports import charts
    from reports.renderer import enable as enable_renderer
    from reports.rendering import Rendered, render

__all__ = ["Rendered", "charts", "enable_renderer", "render"]

_HOMES = {
    "Rendered": ("reports.rendering", "Rendered"),
    "charts": ("reports.charts", ""),
    "enable_renderer": ("reports.renderer", "enable"),
    "render": ("reports.rendering", "render"),
}
"""Name → the module that holds it, and its name there; none: the module itself."""

# jsonschema, which altair and nbformat load, takes the better part of a second for a grammar of international
# addresses that nobody here checks. It does without when that cannot be imported.
if "jsonschema" not in sys.modules:
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'reports' has no attribute {name!r}")
    module, inside = _HOMES[name]
    home = importlib.import_module(module)
    return getattr(home, inside) if inside else home


def __dir__() -> list[str]:
    return sorted(__all__)
