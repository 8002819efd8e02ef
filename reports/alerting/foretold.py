"""What is foretold: alerts over the series that `capacity write-back` writes (`reports.writeback` names them).

They are written once a run, so each is taken as it was last said, no longer ago than `LAST`; dates are instants, so
that what is left until them is always that of now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from capacity.frames import duration_text
from capacity.units import unit
from reports.alerting.rules import Example, Group, Rule, number, quoted

if TYPE_CHECKING:
    from capacity.catalog import Catalog, Resource

__all__ = ["LAST", "groups", "last"]

LAST = pd.Timedelta(days=8)
"""A run a week, and a day to spare."""

MINUTE = pd.Timedelta(minutes=1)
LIKELY = 0.5
WEEK_S = 7 * 86_400
STEPS = 2
"""A forecast's samples are a step apart: the last of two is the one that speaks for now."""

ON = "ignoring (quantile, within)"


def last(selector: str) -> str:
    """Return what a written series last said."""
    return f"last_over_time({selector}[{duration_text(LAST)}])"


def groups(catalog: Catalog) -> tuple[Group, ...]:
    """Return the alerts over what was written back, and those that hold demand against its forecast."""
    outgrown = tuple(_outgrown(each) for each in catalog.resources.values())
    return (
        Group(f"{catalog.name}-foretold", 5 * MINUTE, (_lead_time(), _order_due(), _likely(), _stale())),
        Group(f"{catalog.name}-outgrown", 5 * MINUTE, outgrown),
    )


WHOSE = "{{ $labels.resource }} {{ $labels.region }} {{ $labels.node }}"
UNLESS = f"unless {ON} {last('capacity_accepted')} > 0"
ACCEPT = "If the risk is to be borne, state it in the catalogue (accepted: until, by, reason): it is then silent."


def _lead_time() -> Rule:
    median = last('capacity_breach_timestamp_seconds{quantile="0.5"}')
    whose = 'resource="disk",node="a"'
    there = {f"capacity_lead_time_seconds{{{whose}}}": "864000x60"}
    return Rule(
        name="CapacityRunwayBelowLeadTime",
        expr=f"{median} - time() < {ON} {last('capacity_lead_time_seconds')} {UNLESS}",
        for_=10 * MINUTE,
        severity="warning",
        channel="slack",
        summary="It is likelier than not to run out before an order arrives",
        description=f"{WHOSE}: {{{{ $value | humanizeDuration }}}} are left.",
        means="The median of the foretold dates on which usable capacity is passed lies nearer than the lead time: "
        "what is ordered today arrives too late in half of the futures.",
        actions=(
            "Open the report and read the order-by date, the reason, and how far the forecast is to be trusted.",
            "Order now, and see what buys time until it arrives: moving load, cleaning up, raising a soft limit.",
            ACCEPT,
        ),
        example=Example(
            {**there, f'capacity_breach_timestamp_seconds{{quantile="0.5",{whose}}}': "432000x60"},
            {**there, f'capacity_breach_timestamp_seconds{{quantile="0.5",{whose}}}': "1728000x60"},
            pd.Timedelta(minutes=30),
        ),
    )


def _order_due() -> Rule:
    series = 'capacity_order_by_timestamp_seconds{resource="disk",node="a"}'
    return Rule(
        name="CapacityOrderDue",
        expr=f"{last('capacity_order_by_timestamp_seconds')} - time() < {WEEK_S} {UNLESS}",
        for_=10 * MINUTE,
        severity="capacity",
        channel="email",
        summary="An order has to be placed within a week",
        description=f"{WHOSE}: {{{{ $value | humanizeDuration }}}} until the last day on which deciding still helps.",
        means="The order-by date, at the risk that the catalogue puts up with, is at most a week away or over.",
        actions=("Open the report for how much is needed, and order.", ACCEPT),
        example=Example({series: "300000x60"}, {series: "1000000x60"}, pd.Timedelta(minutes=30)),
    )


def _likely() -> Rule:
    series = 'capacity_breach_probability{resource="disk",node="a",within="30d"}'
    return Rule(
        name="CapacityBreachLikely",
        expr=f"{last(_within('30d'))} > {LIKELY} {UNLESS}",
        for_=10 * MINUTE,
        severity="capacity",
        channel="email",
        summary="It is likelier than not to run out within 30 days",
        description=f"{WHOSE}: the chance is {{{{ $value | humanizePercentage }}}}.",
        means="More than half of the futures pass usable capacity within 30 days.",
        actions=("Open the report: when, how sure that is, and what the lead time leaves.", ACCEPT),
        example=Example({series: "0.8x60"}, {series: "0.2x60"}, pd.Timedelta(minutes=30)),
    )


def _within(text: str) -> str:
    return f'capacity_breach_probability{{within="{text}"}}'


def _stale() -> Rule:
    return Rule(
        name="CapacityForecastStale",
        expr=f"time() - max by (resource) ({last('capacity_judged_timestamp_seconds')}) > {3 * 86_400}",
        for_=10 * MINUTE,
        severity="warning",
        channel="slack",
        summary="What is foretold is more than three days old",
        description="{{ $labels.resource }}: it was judged {{ $value | humanizeDuration }} ago.",
        means="The alerts over forecasts speak of what was known then. A write-back a day keeps them fresh.",
        actions=(
            "Look at `capacity schedule list`, and at the log of the timer or CronJob that runs `capacity write-back`.",
            "Run `capacity write-back` by hand and read what it says.",
        ),
        example=Example(
            {'capacity_judged_timestamp_seconds{resource="disk"}': "-300000x60"},
            {'capacity_judged_timestamp_seconds{resource="disk"}': "-200000x60"},
            pd.Timedelta(minutes=30),
        ),
    )


def _outgrown(resource: Resource) -> Rule:
    """Return the alert that demand is past what was thought possible: a threshold that follows trend and season."""
    above = resource.direction == "above"
    level, compared = ("0.975", ">") if above else ("0.025", "<")
    metric = f"capacity_{resource.name}_forecast"
    width = duration_text(STEPS * resource.step)
    chosen = f"{metric}{{quantile={quoted(level)}}}"
    # of two forecasts for the same time the newer one counts for nothing more: the wider of them is the threshold
    edge = f"{'max' if above else 'min'} without (as_of, quantile) (last_over_time({chosen}[{width}]))"
    factor = unit(resource.unit).factor
    demand = f"({resource.query})" + ("" if factor == 1 else f" * {number(factor)}")
    name = "".join(word.capitalize() for word in resource.name.split("_"))
    return Rule(
        name=f"{name}OutgrowsForecast",
        expr=f"({demand}) {compared} {edge}",
        for_=30 * MINUTE,
        severity="warning",
        channel="slack",
        labels={"resource": resource.name},
        summary=f"{resource.title}: demand is {'above' if above else 'below'} what was foretold",
        description="{{ $labels.region }} {{ $labels.node }} is at {{ $value }}, where one future in "
        f"forty was {'above' if above else 'below'} its threshold.",
        means="Demand has left the band that trend and season allow it, for half an hour. Either something happened, "
        "or the forecast is wrong from here on; its dates are too late either way.",
        actions=(
            "See what changed: a launch, a migration, a job that runs away, a fault elsewhere that sends load here.",
            "If it is there to stay, state it in the catalogue (an event, or a level_shift): reports learn of it then.",
        ),
    )
