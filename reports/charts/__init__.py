"""Charts: pure functions from a result to an `altair` chart. Importing this puts the workbench's theme in use."""

from __future__ import annotations

from reports.charts.budgets import budgets, burned, chances, firings
from reports.charts.calibration import coverage, skill
from reports.charts.curve import probability
from reports.charts.growth import growth
from reports.charts.knee import knee
from reports.charts.ladder import runway
from reports.charts.panels import events, heatmap, lines, states
from reports.charts.projection import forecast
from reports.charts.reliability import kept, reliability, tenths

__all__ = [
    "budgets",
    "burned",
    "chances",
    "coverage",
    "events",
    "firings",
    "forecast",
    "growth",
    "heatmap",
    "kept",
    "knee",
    "lines",
    "probability",
    "reliability",
    "runway",
    "skill",
    "states",
    "tenths",
]
