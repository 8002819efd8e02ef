"""A decision in one sentence of numbers: where demand stands, what may be used, when it runs out, what to do."""

from __future__ import annotations

from typing import Any, TypeAlias

import pandas as pd

from capacity import dates
from capacity.decision import Question
from capacity.frames import duration_text
from capacity.tables import more
from capacity.units import human
from capacity.verdicts import CANNOT_JUDGE, percent

__all__ = ["sentence"]

Row: TypeAlias = "pd.Series[Any]"

# What is measured in these is not bought by the piece.
_SHARED = ("ratio", "seconds")


def sentence(name: str, row: Row, size: Row, *, question: Question, base: str, zone: str = "UTC") -> str:
    """Return the sentence on a row of an outlook's table, with its row of `Outlook.size`."""
    parts = [_stands(row, base)]
    if row["verdict"] == CANNOT_JUDGE:
        return f"{name}: {'; '.join([*parts, str(row['reason'])])}."
    parts += [_runs_out(row, zone), _order(row, question), _left(row), _size(row, size, question, base)]
    return f"{name}: {'; '.join(part for part in parts if part)}."


def _stands(row: Row, base: str) -> str:
    if pd.isna(row["usable"]):
        return f"{human(row['now'], base)} now, without a limit"
    steps = [("reserve", row["reserve"]), ("buffer", row["buffer"])]
    side = -1 if row["usable"] < row["limit"] else 1
    taken = [f"{'less' if side < 0 else 'more'} {human(size, base)} {word}" for word, size in steps if size > 0]
    of = f" ({human(row['limit'], base)} {' '.join(taken)})" if taken else ""
    return f"{human(row['now'], base)} now of {human(row['usable'], base)} usable{of}"


def _runs_out(row: Row, zone: str) -> str:
    if row["verdict"] == "past":
        return "past it already"
    within = duration_text(row["carried"].floor("D") if row["carried"] >= pd.Timedelta(days=2) else row["carried"])
    met = {level: row[f"breach_p{level}"] for level in (10, 50, 90)}
    known = [f"{level} % by {dates.day(when, zone=zone)}" for level, when in met.items() if not pd.isna(when)]
    dated = f", {', '.join(known)}" if known else ""
    return f"{percent(row['probability'])} likely to run out within {within}{dated}"


def _order(row: Row, question: Question) -> str:
    lead, risk = str(question.lead), percent(question.risk)
    if pd.isna(row["order_by"]) and row["probability"] > question.risk:
        return "bursts lead there, and no growth: look into them rather than order"
    if pd.isna(row["order_by"]):
        return f"nothing to order at {risk} risk and a lead time of {lead}"
    return f"order by {dates.day(row['order_by'])} at {risk} risk and a lead time of {lead}"


def _left(row: Row) -> str:
    told = [
        f"{percent(row[name])} {when}"
        for name, when in (("risk_ordered_today", "before an order of today arrives"),
                           ("risk_ordered_30d", "before one in 30 days does"))
        if not pd.isna(row[name])
    ]  # fmt: skip
    return f"the risk is {', '.join(told)}" if told and row["verdict"] != "past" else ""


def _size(row: Row, size: Row, question: Question, base: str) -> str:
    if pd.isna(size["add"]):
        return ""
    told = []
    if size["add"] > 0:
        told.append(f"{more(size, base, limit=row['limit'])} would keep the risk within it at {percent(question.risk)}")
    if question.cost is not None and not pd.isna(size["least_regret"]):
        told.append(f"{_regret(row, size, base)} is regretted least at costs of {_ratio(question)} for short and idle")
    return "; ".join(told)


def _ratio(question: Question) -> str:
    cost = question.cost
    return "" if cost is None else f"{cost.short:g} : {cost.idle:g}"


def _regret(row: Row, size: Row, base: str) -> str:
    least, limit = float(size["least_regret"]), float(row["limit"])
    if abs(least) < 1e-3 * abs(limit):
        return "leaving it as it is"
    if base in _SHARED:
        return f"a limit of {human(limit + least, base)}"
    return f"{human(abs(least), base)} {'more' if least > 0 else 'less'}"
