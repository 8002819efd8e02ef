"""A ledger of thirty weeks on the simulated platform: what weekly reports would have claimed, and what happened.

The demo goes on past its present, drawn and never shown to a forecast: so every claim can be scored. Reports are made
as of thirty midnights, a week apart, from what was known by then.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

import capacity
from capacity.catalog import Resource
from capacity.frames import Pull, wide
from capacity.simulate import Demo, demo
from capacity.simulate.planning import QUESTIONS, answer
from capacity.simulate.platform import NODES
from capacity.units import to_base
from reports.ledger import claims
from reports.ledger.scoring import score
from reports.ledger.store import Store
from reports.summary import summary

__all__ = ["RESOURCES", "SCHEDULE", "WEEKS", "weekly"]

WEEKS = 30
SCHEDULE = "weekly"
RESOURCES = ("cpu", "memory", "disk", "bandwidth")
LEARNT = pd.Timedelta(days=84)
AHEAD = pd.Timedelta(days=60)
WEEK = pd.Timedelta(days=7)


def weekly(
    store: Store, *, seed: int = 0, weeks: int = WEEKS, progress: Callable[[int, int, str], object] | None = None
) -> pd.Timestamp:
    """Put the claims of weekly reports into a ledger, score those that came due, and return when that is.

    Parameters
    ----------
    store : Store
        Where to.
    seed : int
        The demo's.
    weeks : int
        How many reports.
    """
    drawn = demo(seed)
    axis = drawn.platform.axis
    whole = {name: _whole(drawn, drawn.catalog.resources[name]) for name in RESOURCES}
    for week in range(weeks):
        as_of = axis.start + LEARNT + week * WEEK
        demand = {name: frame.loc[as_of - LEARNT : as_of].iloc[1:] for name, frame in whole.items()}
        limits = {name: drawn.limits[name] for name in RESOURCES}
        pulled = Pull(demand=demand, limits=limits, as_of=as_of, window=LEARNT, catalog=drawn.catalog.name)
        made = capacity.plan(pulled, drawn.catalog, horizon=AHEAD, seed=seed)
        with store.transaction():
            claims.freeze(store, SCHEDULE, as_of, summary(made))
        if progress is not None:
            progress(week + 1, weeks, "weekly reports")
    score(store, whole, drawn.catalog, as_of=axis.end)
    return axis.end


def _whole(drawn: Demo, resource: Resource) -> pd.DataFrame:
    """Return demand over all that is drawn, what comes after the demo's present included."""
    axis = drawn.platform.axis
    times, series, values = answer(
        QUESTIONS[resource.name],
        drawn.platform,
        NODES,
        start=axis.start,
        end=axis.end,
        step=resource.step,
        aggregate=resource.aggregate,
    )
    base = to_base(values, resource.unit)
    return wide(base, times=times, series=series, metric=resource.name).sort_index(axis=1)
