"""What a review says: its one sentence, and its table as text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from capacity.catalog import Catalog
from capacity.dates import day
from capacity.slo.promises import STATUSES
from capacity.units import human
from capacity.verdicts import percent

if TYPE_CHECKING:
    from capacity.slo.reviewing import Review

__all__ = ["SIGNS", "finding", "review_rows"]

DAY = pd.Timedelta(days=1)
SIGNS = {"<": "<", "<=": "≤", ">": ">", ">=": "≥"}


def finding(table: pd.DataFrame, catalog: Catalog) -> str:
    """Say what is broken, what burns, what will break first, and how many are kept; numbers stand in the table."""
    told = []
    for word in ("broken", "burning", "at risk"):
        rows = table[table["status"] == word]
        if len(rows):
            told.append(_named(rows, word, catalog))
    kept = table[table["status"] == "kept"]
    risk = kept[["exhausted", "breach", "saturated"]].max(axis=1)
    coming = kept.assign(risk=risk).sort_values("risk", ascending=False, kind="stable")
    if len(coming) and coming["risk"].iloc[0] >= 0.1:
        told.append(_coming(coming.iloc[0], catalog))
    whole = table.groupby("objective")["status"].agg(lambda words: bool((words == "kept").all()))
    many = len(whole)
    told.append(f"{int(whole.sum())} of {many} {'objective is' if many == 1 else 'objectives are'} kept everywhere")
    unknown = int((table["status"] == "no data").sum())
    if unknown:
        told.append(f"{unknown} series have no data")
    return ". ".join(part[0].upper() + part[1:] for part in told) + "."


def _named(rows: pd.DataFrame, word: str, catalog: Catalog) -> str:
    first = rows.iloc[0]
    others = rows["objective"].nunique() - 1
    mine = rows[rows["objective"] == first["objective"]]
    one = "" if first["series"] == "all" else f" in {first['series']}"
    where = f" in {len(mine)} series, worst {first['series']}" if len(mine) > 1 else one
    more = f", and {others} more {word}" if others else ""
    if word != "broken":
        return f"{first['title']} is {word}{where}: {first['reason']}{more}"
    objective = catalog.objectives[str(first["objective"])]
    window = f"this {objective.calendar}" if objective.calendar else f"{objective.window / DAY:g} d"
    value, target = (human(first[name], first["unit"], digits=4) for name in ("value", "target"))
    promised = f"{value} over {window}, promised {SIGNS[objective.comparison]} {target}"
    return f"{first['title']} is {word}{where}: {promised}{more}"


def _coming(row: pd.Series, catalog: Catalog) -> str:
    what = {"exhausted": "budget may be exhausted", "breach": "may pass its target", "saturated": "may saturate"}
    name = max(what, key=lambda one: -1.0 if math.isnan(row[one]) else row[one])
    zone = catalog.timezone_of(row["labels"])
    date = row[f"{name}_p50"]
    when = f", even odds by {day(date, zone=zone)}" if not pd.isna(date) else ""
    noun = str(row["title"]) if row["series"] == "all" else f"{row['title']} ({row['series']})"
    subject = f"the budget of {noun} may be exhausted" if name == "exhausted" else f"{noun} {what[name]}"
    return f"{subject} ({percent(row[name])}{when})"


def review_rows(found: Review) -> list[dict[str, str]]:
    """Return a review's table as text, a row a series, the most urgent first."""
    return [_text(row) for _, row in found.table.iterrows()]


def _text(row: pd.Series) -> dict[str, str]:
    unit = str(row["unit"])
    trend = f"{row['direction']} {100 * row['trend']:+.1f} %".replace("-", "−")
    trend = "–" if pd.isna(row["trend"]) else "steady" if row["direction"] == "steady" else trend
    left = row["left"]
    told = "–" if pd.isna(left) else "−∞" if math.isinf(left) else f"{100 * left:.0f} %".replace("-", "−")
    return {
        "objective": str(row["title"]),
        "series": str(row["series"]),
        "status": f"{STATUSES[row['status']].sign} {row['status']}",
        "target": human(row["target"], unit, digits=4),
        "now": human(row["now"], unit, digits=4),
        "window": human(row["value"], unit, digits=4),
        "kept": "–" if pd.isna(row["kept"]) else f"{100 * row['kept']:.3f} %",
        "budget left": told,
        "30 d trend": trend,
        "worst hour": human(row["worst"], unit, digits=4),
        "exhausted": _likely(row["exhausted"]),
        "breach": _likely(row["breach"]),
        "saturates": _likely(row["saturated"]),
    }


def _likely(share: float) -> str:
    return "–" if pd.isna(share) else "< 1 %" if share < 0.01 else "> 99 %" if share > 0.99 else percent(share)
