"""Drivers: which part of the platform spends an objective's budget.

What a series has spent is split over its parts (nodes, components) in proportion to what went wrong there: failed
events, observations past the target, time in excess of it. So contributions add up to what was spent, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from capacity.frames import series_labels
from capacity.measured import PARTS
from capacity.slo.buckets import past_target
from capacity.slo.budgets import Budget, shares
from capacity.slo.indicator import Sli

__all__ = ["Drivers", "drivers"]


@dataclass(frozen=True)
class Drivers:
    """Who spends a budget.

    Attributes
    ----------
    table : DataFrame, a row a part, the one that spends the most first
        A column for each label; ``bad`` (events or slices; adds up to the budget's), ``share`` (of all that is bad;
        adds up to 1, or is NaN where nothing is bad), ``traffic`` (its share of all events; NaN where that is not
        known), ``spent`` (of the budget of all series together; adds up to what is spent).
    labels : tuple of str
        What parts are told apart by.
    """

    table: pd.DataFrame
    labels: tuple[str, ...]

    def by(self, *labels: str) -> pd.DataFrame:
        """Return the same, added up by some of the labels; an empty value stands for parts that do not have it."""
        summed = self.table.groupby(list(labels), sort=False)[["bad", "share", "traffic", "spent"]].sum(min_count=1)
        return summed.sort_values("bad", ascending=False, kind="stable").reset_index()


def drivers(measured: Sli, spent: Budget) -> Drivers:
    """Return which parts spend an objective's budget, by all the labels that were measured."""
    weights = _weights(measured)
    rows = []
    for column, labels in zip(measured.columns, series_labels(measured.columns), strict=True):
        bad = float(spent.table["bad"].get(column, np.nan))
        total = float(spent.table["total"].get(column, np.nan))
        own = [part for part in weights if labels.items() <= part[0].items()]
        rows += _split(bad, total, own) if own else [{**labels, "bad": bad, "total": total}]
    table = pd.DataFrame(rows)
    names = tuple(str(name) for name in table if name not in ("bad", "total"))
    table = table.fillna(dict.fromkeys(names, ""))
    all_bad, allowed = table["bad"].sum(), spent.table["allowed"].sum()
    table["share"] = table["bad"] / all_bad if all_bad > 0 else np.nan
    table["traffic"] = table["total"] / table["total"].sum() if table["total"].sum() > 0 else np.nan
    table["spent"] = shares(table["bad"], float(allowed))
    table = table.sort_values("bad", ascending=False, kind="stable").reset_index(drop=True)
    return Drivers(table[[*names, "bad", "share", "traffic", "spent"]], names)


Part = tuple[dict[str, str], float, float]


def _split(bad: float, total: float, parts: list[Part]) -> list[dict[str, object]]:
    """Split what is bad by how much went wrong in each part, and all events by how many each had."""
    wrong, events = np.array([part[1] for part in parts]), np.array([part[2] for part in parts])
    blame = wrong / wrong.sum() if wrong.sum() > 0 else np.full(len(parts), 1.0 / len(parts))
    seen = events / events.sum() if events.sum() > 0 else np.full(len(parts), 1.0 / len(parts))
    return [
        {**labels, "bad": bad * float(one), "total": total * float(two)}
        for (labels, _, _), one, two in zip(parts, blame, seen, strict=True)
    ]


def _weights(measured: Sli) -> list[Part]:
    """Return each part's labels, how much went wrong there, and how many events it had."""
    told = {role.removeprefix(PARTS): frame for role, frame in measured.raw.items() if role.startswith(PARTS)}
    if not told:
        return []
    target = measured.objective.target
    if "buckets" in told:
        summed = told["buckets"].sum().to_frame().T
        past = past_target(summed, target, name="bad").value
        wrong, events = past.iloc[0], past_target(summed, 0.0, name="bad").value.iloc[0]
        if measured.objective.direction == "below":
            wrong = events - wrong
    elif "sum" in told:
        time, events = _plain(told["sum"]), _plain(told["count"])
        excess = time - target * events
        wrong = excess.clip(lower=0.0) if measured.objective.direction == "above" else (-excess).clip(lower=0.0)
    else:
        counts = {role: _plain(frame) for role, frame in told.items()}
        lead = counts.get("total", counts.get("good"))
        assert lead is not None
        bad = counts["bad"].reindex(lead.index).fillna(0.0) if "bad" in counts else None
        events = lead if "total" in counts else lead + (bad if bad is not None else 0.0)
        wrong = bad if bad is not None else (events - counts["good"].reindex(lead.index)).fillna(0.0)
    labels = series_labels(wrong.index)  # type: ignore[arg-type]
    return list(zip(labels, wrong.clip(lower=0.0).tolist(), events.reindex(wrong.index).tolist(), strict=True))


def _plain(frame: pd.DataFrame) -> pd.Series:
    """Return each series' sum, by its labels alone."""
    summed = frame.sum()
    names = summed.index.to_frame(index=False).assign(metric="part")
    summed.index = pd.MultiIndex.from_frame(names)
    return summed
