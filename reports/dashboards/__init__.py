"""Grafana dashboards from a catalogue: what its platform asks to see, its objectives, and its forecasts.

A platform whose panels are listed in a file of its name beside this one (`dwcp.toml`) gets those; every other gets its
objectives and its forecasts, which need nothing but the catalogue.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import TYPE_CHECKING

from reports.dashboards import foretold, objectives
from reports.dashboards.panels import View, dashboard

if TYPE_CHECKING:
    from capacity.catalog import Catalog

__all__ = ["View", "dashboards", "views"]

TITLES = {"executive": "Executive overview", "performance": "Performance deep dive"}


def views(catalog: Catalog) -> dict[str, tuple[str, tuple[View, ...]]]:
    """Return by name each dashboard's title and panels."""
    found: dict[str, tuple[str, tuple[View, ...]]] = {}
    for name, panels in _listed(catalog.name).items():
        found[name] = (TITLES.get(name, name.capitalize()), panels)
    if catalog.objectives:
        found["objectives"] = ("Objectives", objectives.views(catalog))
    if catalog.resources:
        found["forecasts"] = ("Forecasts", foretold.views(catalog))
    return found


def dashboards(catalog: Catalog) -> dict[str, str]:
    """Return each dashboard as Grafana's JSON, by name."""
    title = catalog.title or catalog.name
    return {
        name: dashboard(f"{title}: {words}", panels, uid=f"capacity-{catalog.name}-{name}"[:40])
        for name, (words, panels) in views(catalog).items()
    }


def _listed(name: str) -> Mapping[str, tuple[View, ...]]:
    file = resources.files("reports.dashboards").joinpath(f"{name}.toml")
    if not file.is_file():
        return {}
    stated = tomllib.loads(file.read_text(encoding="utf-8"))
    return {group: tuple(View(**panel) for panel in panels) for group, panels in stated.items()}
