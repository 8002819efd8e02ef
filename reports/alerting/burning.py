"""Burn rates: an objective's budget is spent too fast, over a long window and a short one, or will not last.

The conditions are those of `capacity.slo.firing`. A ratio counts events and is asked of its counters. Whatever counts
slices of time is recorded first: 1 where the promise is broken, 0 where it is kept, nothing where there is no data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from capacity.frames import duration_text
from capacity.slo.firing import Condition, conditions
from capacity.units import unit
from reports.alerting.rules import Example, Group, Record, Rule, number, quoted

if TYPE_CHECKING:
    from capacity.catalog import Catalog, Objective

__all__ = ["BAD", "groups"]

BAD = "capacity:slo_bad"
MINUTE = pd.Timedelta(minutes=1)
DAY = pd.Timedelta(days=1)
AHEAD = 0.25
"""The rest of a budget is to last for this share of its window at the pace of the last day: a week of 30 days."""

SAMPLES, PACE = 60, 1_000_000.0
SEVERITIES = {"page": "critical", "ticket": "warning"}


def groups(catalog: Catalog) -> tuple[Group, ...]:
    """Return what is recorded, the fast conditions and the slow ones, of every objective."""
    objectives = list(catalog.objectives.values())
    recorded = tuple(_record(each) for each in objectives if each.indicator != "ratio")
    pairs = [(each, condition) for each in objectives for condition in conditions(each) if _can_hold(each, condition)]
    fast = tuple(_rule(each, condition) for each, condition in pairs if condition.severity == "page")
    slow = tuple(_rule(each, condition) for each, condition in pairs if condition.severity != "page")
    last = tuple(_lasting(each) for each in objectives)
    return (
        Group(f"{catalog.name}-objectives", MINUTE, recorded),
        Group(f"{catalog.name}-burn-fast", MINUTE, fast),
        Group(f"{catalog.name}-burn-slow", 5 * MINUTE, (*slow, *last)),
    )


def _can_hold(objective: Objective, condition: Condition) -> bool:
    """Whether so much can be bad at all: of a promise of 90 % never more than ten times its budget."""
    return condition.factor * objective.budget < 1


def ratio(objective: Objective, window: pd.Timedelta) -> str:
    """Return PromQL for the share of an objective's events that were bad over a window."""
    width = duration_text(window)
    if objective.indicator != "ratio":
        return f"avg_over_time({BAD}{{objective={quoted(objective.name)}}}[{width}])"
    found = {role: getattr(objective, role) for role in ("bad", "good", "total")}
    counted = {role: _events(objective, query, window) for role, query in found.items() if query}
    if "bad" not in counted:
        return f"1 - {counted['good']} / {counted['total']}"
    total = counted.get("total") or f"({counted['good']} + {counted['bad']})"
    return f"{counted['bad']} / {total}"


def _events(objective: Objective, query: str, window: pd.Timedelta) -> str:
    by = f" by ({', '.join(objective.by)})" if objective.by else ""
    if objective.counters:
        return f"sum{by} (increase({query}[{duration_text(window)}]))"
    return f"sum{by} (sum_over_time(({query})[{duration_text(window)}:{duration_text(objective.slice)}]))"


def _record(objective: Objective) -> Record:
    target = number(objective.target / unit(objective.unit).factor)
    broken = ">=" if objective.comparison == "<" else "<="
    query = f"({objective.query})"
    expr = f"({query} {broken} bool {target}) unless ({query} != {query})"
    return Record(BAD, expr, {"objective": objective.name})


def _rule(objective: Objective, condition: Condition) -> Rule:
    most = number(condition.factor * (objective.budget))
    long, short = (duration_text(each) for each in (condition.long, condition.short))
    both = [f"({ratio(objective, each)}) > {most}" for each in (condition.long, condition.short)]
    name = "".join(word.capitalize() for word in objective.name.split("_"))
    period = duration_text(objective.window)
    return Rule(
        name=f"{name}BudgetBurn{long}",
        expr=" and ".join(both),
        for_=2 * MINUTE,
        severity=SEVERITIES[condition.severity],
        channel="pagerduty" if condition.severity == "page" else "slack",
        labels={"objective": objective.name, "long": long, "short": short},
        summary=f"{objective.title}: the error budget is spent {condition.factor:.3g} times too fast",
        description=f"{{{{ $value | humanizePercentage }}}} was bad over {long}, and it goes on: of {period} "
        f"{objective.budget:.3%} may be.",
        means=f"At this pace the budget of {period} is spent in {_lasts(condition, objective)}. It has been so over "
        f"{long}, which says that it matters, and over {short}, which says that it goes on.",
        actions=(
            "See since when it burns, and what changed then: a release, a migration, an incident.",
            "See whose events are bad (the labels of the series), and whether one region or node stands out.",
            "Stop what spends the budget. When the short window is calm the alert ends by itself.",
        ),
        example=_example(objective, min(1.0, 1.3 * condition.factor * objective.budget), 0.3 * objective.budget),
    )


def _lasts(condition: Condition, objective: Objective) -> str:
    return duration_text((objective.window / condition.factor).round("min"))


def _lasting(objective: Objective) -> Rule:
    """Return the alert that what is left of a budget is gone before the window has turned over."""
    allowed = number(objective.budget)
    spent, pace = ratio(objective, objective.window), ratio(objective, DAY)
    left = f"(1 - ({spent}) / {allowed})"
    name = "".join(word.capitalize() for word in objective.name.split("_"))
    soon = duration_text((objective.window * AHEAD).round("h"))
    return Rule(
        name=f"{name}BudgetRunsOut",
        expr=f"{left} > 0 and ({pace}) / {allowed} * {AHEAD} > {left}",
        for_=pd.Timedelta(minutes=30),
        severity="warning",
        channel="slack",
        labels={"objective": objective.name},
        summary=f"{objective.title}: at the pace of the last day the error budget is gone within {soon}",
        description="{{ $value | humanizePercentage }} of the budget is left.",
        means=f"Part of the budget of {duration_text(objective.window)} is left. Spent as fast as over the last day it "
        f"is gone within {soon}, before older failures have left the window.",
        actions=(
            "Hold back what is risky and can wait: releases, migrations, experiments.",
            "See what spends the budget now, as for the burn rates of the same objective.",
        ),
        # at a steady pace the share that is left is below a quarter of what is spent from four fifths on
        example=_example(objective, 0.9 * objective.budget, 0.6 * objective.budget, after=40 * MINUTE),
    )


def _example(objective: Objective, fires: float, quiet: float, *, after: pd.Timedelta = 12 * MINUTE) -> Example:
    """Return series of which a share is bad all the time: a window that they do not fill sees that share as well."""
    return Example(_series(objective, fires), _series(objective, quiet), after)


def _series(objective: Objective, share: float) -> dict[str, str]:
    labels = ",".join(f"{each}={quoted('here')}" for each in objective.by)
    if objective.indicator != "ratio":
        inside = ",".join(filter(None, [f"objective={quoted(objective.name)}", labels]))
        return {f"{BAD}{{{inside}}}": f"{number(share)}x{SAMPLES}"}
    paces = {"bad": share, "good": 1 - share, "total": 1.0}
    asked = {role: query for role in paces if (query := getattr(objective, role))}
    counted = "0+{pace}x{n}" if objective.counters else "{pace}x{n}"
    return {
        _selected(query, labels): counted.format(pace=number(PACE * paces[role]), n=SAMPLES)
        for role, query in asked.items()
    }


def _selected(query: str, labels: str) -> str:
    """Return a series that a selector selects: its own matchers, with further labels."""
    name, _, rest = query.partition("{")
    inside = ",".join(filter(None, [rest.rstrip("} \n"), labels]))
    return f"{name.strip()}{{{inside}}}" if inside else name.strip()
