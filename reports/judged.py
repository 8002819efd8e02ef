"""A plan narrowed to what somebody asks about, and what of it is too likely to go wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from capacity import finding
from capacity.catalog import matches
from capacity.errors import HistoryTooShort, ParameterError
from capacity.frames import duration_text, series_labels, series_name
from capacity.verdicts import CANNOT_JUDGE

if TYPE_CHECKING:
    from capacity.plan import Plan

__all__ = ["check_within", "failing", "narrowed", "nothing_judged"]


def narrowed(plan: Plan, *, owner: str | None = None, where: Mapping[str, str] | None = None) -> Plan:
    """Return the plan with only the rows of an owner, and of the series that have these labels; its finding follows."""
    if owner is None and not where:
        return plan
    keep = [
        (owner is None or row["owner"] == owner) and matches(where or {}, row["labels"])
        for row in plan.table.to_dict("records")
    ]
    table = plan.table[keep]
    told = finding.sentence(table, catalog=plan.catalog, horizon=plan.horizon)
    return replace(plan, table=table, finding=told if len(table) else "No series matches.")


def failing(plan: Plan, *, within: pd.Timedelta, risk: float) -> pd.DataFrame:
    """Return the rows that nobody has accepted and whose breach ``within`` that time is likelier than ``risk``.

    Returns
    -------
    DataFrame
        Rows of the plan's table with a column ``chance``. Where the history carries less than ``within``, it is the
        chance within what it carries, which is no more than the whole. A row that cannot be judged is not among them.

    Raises
    ------
    ParameterError
        ``within`` is past the plan's horizon.
    """
    check_within(within, plan.horizon)
    chances = _chances(plan, within)
    keys = zip(plan.table["resource"], plan.table["series"], strict=True)
    found = plan.table.assign(chance=[chances.get(key, math.nan) for key in keys])
    found.loc[found["verdict"] == "past", "chance"] = 1.0
    return found[(found["chance"] > risk) & (found["accepted"] == "")]


def check_within(within: pd.Timedelta, horizon: pd.Timedelta) -> None:
    """Raise ParameterError where ``within`` is past the horizon: what was not looked at cannot pass."""
    if within > horizon:
        raise ParameterError(
            f"{duration_text(within)} is past the horizon of {duration_text(horizon)}.", hint="Look further."
        )


def nothing_judged(finding: str, verdicts: Iterable[str]) -> HistoryTooShort | None:
    """Return the error of an answer that judges no series at all; None: some are judged.

    To whoever reads exit codes, an answer about nothing must not look like "fine".
    """
    seen = set(verdicts)
    return HistoryTooShort(finding) if seen == {CANNOT_JUDGE} else None


def _chances(plan: Plan, within: pd.Timedelta) -> dict[tuple[str, str], float]:
    chances = {}
    for name, outlook in plan.outlooks.items():
        curve = outlook.curve[outlook.curve.index <= outlook.forecast.cutoff + within].ffill()
        for position, labels in enumerate(series_labels(outlook.forecast.columns)):
            chances[name, series_name(labels)] = float(curve.to_numpy()[-1, position]) if len(curve) else math.nan
    return chances
