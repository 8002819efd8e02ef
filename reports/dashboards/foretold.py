"""Forecasts: what runs out first, and each resource's demand with what was foretold of it (`reports.writeback`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity.frames import duration_text
from capacity.units import unit
from reports.alerting.foretold import STEPS, last
from reports.dashboards.objectives import UNITS
from reports.dashboards.panels import View
from reports.writeback import forecast_metric

if TYPE_CHECKING:
    from capacity.catalog import Catalog, Resource

__all__ = ["views"]

WHOSE = "{{resource}} {{region}} {{node}}"
MOST = 20


def views(catalog: Catalog) -> tuple[View, ...]:
    """Return the overview, then a panel a resource."""
    soonest = last('capacity_breach_timestamp_seconds{quantile="0.5"}')
    overview = (
        View(
            title="Runs out within 30 days: the chance",
            kind="bars",
            unit="percentunit",
            good_below=0.1,
            queries={WHOSE: f"topk({MOST}, {last(_within('30d'))})"},
            help="The share of simulated futures in which usable capacity is passed within 30 days.",
        ),
        View(
            title="Time left, median",
            kind="stat",
            unit="s",
            queries={WHOSE: f"bottomk({MOST}, {soonest} - time() < +Inf)"},
            help="Until half of the futures have passed usable capacity; what is not in sight is not shown.",
        ),
        View(
            title="Time left to order",
            kind="stat",
            unit="s",
            queries={WHOSE: f"bottomk({MOST}, {last('capacity_order_by_timestamp_seconds')} - time() < +Inf)"},
            help="Until the last day on which deciding still helps, at the risk that the catalogue puts up with.",
        ),
        View(
            title="Utilisation of the limit",
            kind="bars",
            unit="percentunit",
            good_below=0.85,
            queries={WHOSE: f"topk({MOST}, {last('capacity_utilisation_ratio')})"},
        ),
    )
    return (*overview, *(_resource(each) for each in catalog.resources.values()))


def _within(text: str) -> str:
    return f'capacity_breach_probability{{within="{text}"}}'


def _resource(resource: Resource) -> View:
    base = unit(resource.unit)
    demand = f"({resource.query})" + ("" if base.factor == 1 else f" * {base.factor:.12g}")
    width = duration_text(STEPS * resource.step)
    chosen = f'{forecast_metric(resource.name)}_forecast{{quantile="%s"}}'
    ahead = {
        f"{name} {{{{region}}}} {{{{node}}}}": f"max without (as_of) (last_over_time({chosen % level}[{width}]))"
        for name, level in (("10 %", "0.1"), ("median", "0.5"), ("90 %", "0.9"))
    }
    usable = f'capacity_usable{{resource="{resource.name}"}}'
    return View(
        title=f"{resource.title}: demand, forecast, usable capacity",
        unit=UNITS.get(base.base, "short"),
        width=24,
        queries={"demand {{region}} {{node}}": demand, **ahead, "usable {{region}} {{node}}": last(usable)},
        help="Forecasts stand at their own future times: set the time range to end in the future to see them.",
    )
