"""Charts: pure functions from a result to an `altair` chart; importing this makes the workbench's theme the one in use."""

from __future__ import annotations

from reports.charts.curve import probability
from reports.charts.ladder import runway
from reports.charts.projection import forecast

__all__ = ["forecast", "probability", "runway"]
