"""A view of some queries, and how it becomes a panel of Grafana's own model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import bargauge, common, heatmap, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import heatmap as heatmap_models
from grafana_foundation_sdk.models import prometheus as prometheus_models

__all__ = ["SOURCE", "View", "dashboard"]

SOURCE = "datasource"
"""The variable that says which data source is asked: VictoriaMetrics and Prometheus are both of the type prometheus."""

HEIGHT = 8
GREEN, AMBER, RED = "green", "orange", "red"


@dataclass(frozen=True)
class View:
    """A panel: what it shows (legend → PromQL), and how.

    ``kind`` is a line chart (``lines``), the newest number (``stat``), one bar each (``bars``), states over time
    (``states``) or a ``heatmap``. ``limit`` draws a line; ``good_from`` and ``good_below`` colour numbers.
    """

    title: str
    queries: Mapping[str, str]
    unit: str = "short"
    kind: str = "lines"
    width: int = 12
    limit: float | None = None
    good_from: float | None = None
    good_below: float | None = None
    help: str = ""


def dashboard(title: str, views: Sequence[View], *, uid: str) -> str:
    """Return a dashboard as JSON."""
    made = (
        boards.Dashboard(title)
        .uid(uid)
        .tags(["capacity-workbench"])
        .timezone("browser")
        .refresh("5m")
        .time("now-7d", "now")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(boards.DatasourceVariable(SOURCE).label("Data source").type("prometheus"))
    )
    for view in views:
        made = made.with_panel(_panel(view))
    return JSONEncoder(sort_keys=True, indent=2).encode(made.build()) + "\n"


def _panel(view: View) -> Any:
    builders = {
        "lines": _lines,
        "stat": lambda _: stat.Panel(),
        "bars": lambda _: bargauge.Panel().min(0).max(1),
        "states": lambda _: statetimeline.Panel(),
        "heatmap": _heatmap,
    }
    # each kind has a builder of its own, alike in what is asked of it here
    begun: Any = builders[view.kind](view)
    panel = (
        begun.title(view.title)
        .description(view.help)
        .unit(view.unit)
        .span(view.width)
        .height(HEIGHT)
        .datasource(models.DataSourceRef(type_val="prometheus", uid=f"${{{SOURCE}}}"))
    )
    steps = _steps(view)
    if steps:
        panel = panel.thresholds(boards.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps))
    for legend, query in view.queries.items():
        target = prometheus.Dataquery().expr(query).legend_format(legend)
        if view.kind == "heatmap":
            target = target.format(prometheus_models.PromQueryFormat.HEATMAP)
        if view.kind in ("stat", "bars"):
            target = target.instant()
        panel = panel.with_target(target)
    return panel


def _lines(view: View) -> timeseries.Panel:
    panel = timeseries.Panel().line_width(1).fill_opacity(0).show_points(common_models.VisibilityMode.NEVER)
    if view.limit is not None:
        style = common.GraphThresholdsStyleConfig().mode(common_models.GraphTresholdsStyleMode.LINE)
        panel = panel.thresholds_style(style)
    return panel


def _heatmap(_: View) -> heatmap.Panel:
    colours = heatmap.HeatmapColorOptions().mode(heatmap_models.HeatmapColorMode.SCHEME).scheme("Oranges").steps(64)
    return heatmap.Panel().calculate(False).color(colours)


def _steps(view: View) -> list[models.Threshold]:
    """Return where colours change: past a limit red; good from or below a number green."""
    if view.limit is not None:
        return [models.Threshold(value=None, color="transparent"), models.Threshold(value=view.limit, color=RED)]
    if view.good_from is not None:
        return [models.Threshold(value=None, color=RED), models.Threshold(value=view.good_from, color=GREEN)]
    if view.good_below is not None:
        return [models.Threshold(value=None, color=GREEN), models.Threshold(value=view.good_below, color=RED)]
    return []
