"""Objectives: each indicator against its target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity.units import unit
from reports.dashboards.panels import View

if TYPE_CHECKING:
    from capacity.catalog import Catalog

__all__ = ["views"]

UNITS = {"bytes": "bytes", "bytes_per_second": "Bps", "bits_per_second": "bps", "seconds": "s", "ratio": "percentunit"}
"""Grafana's names of our base units; of any other ``short``."""


def views(catalog: Catalog) -> tuple[View, ...]:
    """Return a panel an objective, in its base unit."""
    made = []
    for each in catalog.objectives.values():
        factor = unit(each.unit).factor
        query = each.query if factor == 1 else f"({each.query}) * {factor:.12g}"
        promise = f"{each.comparison} {each.target:g} for {each.objective:.3%}"
        made.append(
            View(
                title=f"{each.title} ({promise})",
                queries={"{{region}}" if "region" in each.query else each.title: query},
                unit=UNITS.get(unit(each.unit).base, "short"),
                limit=each.target,
                width=8,
            )
        )
    return tuple(made)
