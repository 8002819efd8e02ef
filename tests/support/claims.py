"""Claims and what became of them: a row for each series and limit, the plan on one side and the record on the other."""

from __future__ import annotations

from typing import Any

import pandas as pd

from capacity.frames import series_labels
from capacity.plan import Plan
from tests.support.nab import AS_OF, Real

DATES = ("breach_p10", "breach_p50", "breach_p90")
HOUR = pd.Timedelta(hours=1)


def claims(plan: Plan, every: list[Real], *, kind: str) -> pd.DataFrame:
    """Return what the plan claimed of each series' limit of this ``kind``, and what happened after the cutoff.

    Returns
    -------
    DataFrame, a row a series
        ``limit`` (in the unit of the samples), ``days`` (the judged stretch), ``claimed`` (the probability of a breach
        within it; NaN: no claim), ``habit`` (the share of past stretches of that length that met one), the dates at 10,
        50 and 90 %, ``verdict``, ``happened`` (the first breach within that stretch; NaT: none), and ``reason`` (why
        there is no claim).
    """
    rows = [{str(name): value for name, value in row.items()} for row in plan.table.to_dict("records")]
    told = {row["labels"].get("series"): row for row in rows}
    return pd.DataFrame([_row(real, kind, told[real.name], _chance(plan, real, told[real.name])) for real in every])


def brier(table: pd.DataFrame, *, of: str = "claimed") -> float:
    """Return the mean of (claimed probability − 1 or 0 for what happened) squared, over all claims; a coin has 0.25."""
    made = table.dropna(subset=["claimed", of])
    return float(((made[of] - made["happened"].notna()) ** 2).mean())


def as_text(table: pd.DataFrame) -> str:
    """Return the table for people to read: dates as hours after the cutoff, a dash where there is none."""
    shown = table.copy()
    for column in (*DATES, "happened"):
        ahead = (pd.to_datetime(shown[column], utc=True) - AS_OF) / HOUR
        shown[column] = ["–" if hours != hours else f"+{hours:.0f} h" for hours in ahead]
    for column in ("claimed", "habit"):
        shown[column] = ["–" if chance != chance else f"{chance:.2f}" for chance in shown[column]]
    return str(shown.to_string(index=False, float_format=lambda value: f"{value:.4g}"))


def summary(table: pd.DataFrame) -> str:
    """Return how good the claims were, by kind of limit: how many, how often it happened, and their Brier score."""
    lines = [f"{kind}: {_scores(part)}" for kind, part in table.groupby("kind")]
    return "\n".join([*lines, f"all: {_scores(table)}"])


def _scores(table: pd.DataFrame) -> str:
    made, happened = table["claimed"].notna().sum(), table["happened"].notna().mean()
    scores = f"Brier {brier(table):.3f}, of habit {brier(table, of='habit'):.3f}, of a coin 0.250"
    return f"{made} claims of {len(table)}, {happened:.0%} happened; {scores}"


def _chance(plan: Plan, real: Real, told: dict[str, Any]) -> float:
    """Return the probability of a breach within the judged stretch; NaN where the plan makes no claim."""
    outlook = plan.outlooks.get(told["resource"])
    if outlook is None:
        return float("nan")
    names = [labels["series"] for labels in series_labels(outlook.forecast.columns)]
    by_name = dict(zip(names, outlook.probability(by=real.judged), strict=True))
    return float(by_name.get(real.name, float("nan")))


def _row(real: Real, kind: str, told: dict[str, Any], chance: float) -> dict[str, Any]:
    return {
        "series": real.name,
        "kind": kind,
        "limit": real.limit(kind),
        "days": real.judged / pd.Timedelta(days=1),
        "claimed": chance,
        "habit": real.habit(kind),
        **{date: told[date] for date in DATES},
        "verdict": told["verdict"],
        "happened": real.first_breach(kind) or pd.NaT,
        "reason": told["reason"] if chance != chance else "",
    }
