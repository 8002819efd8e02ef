"""The finding: a plan in one sentence that says what runs out, when, and how sure that is."""

from __future__ import annotations

from typing import Any, TypeAlias

import pandas as pd

from capacity import dates
from capacity.catalog import Catalog
from capacity.frames import duration_text
from capacity.verdicts import BREACH_SHARE, CANNOT_JUDGE, percent

__all__ = ["sentence"]

Row: TypeAlias = "pd.Series[Any]"

# So many that are past are named; the rest is counted.
NAMED = 3


def sentence(table: pd.DataFrame, *, catalog: Catalog, horizon: pd.Timedelta) -> str:
    """Return one plain sentence on a plan's table: what is past, what to order, what comes next, what is not known.

    What "runs out" is likelier than not to do so within the horizon; a risk that somebody has accepted counts among
    them, and not among the orders that are due.
    """
    total = len(table)
    if not total:
        return "There is nothing to judge: no resource of the catalogue has data."
    unknown = int((table["verdict"] == CANNOT_JUDGE).sum())
    if unknown == total:
        return f"None of {_series(total)} can be judged: {_reasons(table)}."
    parts = [_past(table), _due(table, catalog), _ahead(table, catalog, horizon)]
    parts.append(f"{unknown} of {total} cannot be judged" if unknown else "")
    text = "; ".join(part for part in parts if part) + "."
    return text[0].upper() + text[1:]


def _past(table: pd.DataFrame) -> str:
    past = table[table["verdict"] == "past"]
    if past.empty:
        return ""
    names = [_where(row) for _, row in past.head(NAMED).iterrows()]
    if len(past) > len(names):
        names.append(f"{len(past) - len(names)} more")
    return f"{_listed(names)} {'is' if len(past) == 1 else 'are'} past usable capacity"


def _due(table: pd.DataFrame, catalog: Catalog) -> str:
    due = table[_orders(table)].sort_values(["breach_p50", "breach_p10"], kind="stable")
    if due.empty:
        return ""
    more = " more" if (table["verdict"] == "past").any() else ""
    verb = "order is" if len(due) == 1 else "orders are"
    which = "for" if len(due) == 1 else "first"
    return f"{len(due)}{more} {verb} due now, {which} {_where(due.iloc[0])} ({_when(due.iloc[0], catalog)})"


def _ahead(table: pd.DataFrame, catalog: Catalog, horizon: pd.Timedelta) -> str:
    told = (table["verdict"] == "past") | _orders(table)
    judged = table[~told & (table["verdict"] != CANNOT_JUDGE)]
    if judged.empty:
        return ""
    span = _within(judged, horizon)
    likely = judged[judged["breach_p50"].notna()].sort_values("breach_p50", kind="stable")
    if likely.empty:
        nothing = "nothing else" if told.any() else f"none of {_series(len(table))}"
        return f"{nothing} is likely to run out within {span}{'' if told.any() else _closest(judged)}"
    count = f"{len(likely)} more series" if told.any() else f"{len(likely)} of {_series(len(table))}"
    verb = "runs" if len(likely) == 1 else "run"
    if _orders(table).any():
        return f"{count} {verb} out within {span}"
    first = likely.iloc[0]
    which = "" if len(likely) == 1 else "first "
    return f"{count} {verb} out within {span}, {which}{_where(first)} ({_when(first, catalog)})"


def _orders(table: pd.DataFrame) -> pd.Series[bool]:
    return (table["verdict"] == "order now") & (table["accepted"] == "")


def _within(judged: pd.DataFrame, horizon: pd.Timedelta) -> str:
    """Write the span that was looked at: the horizon, or what the histories carry of it."""
    near = judged["carried"].dropna()
    if near.empty or near.min() >= horizon:
        return _span(horizon)
    if near.max() < horizon:
        return f"{_span(near.max())} (as far as history carries)"
    few = int((near < horizon).sum())
    return f"{_span(horizon)} ({few} judged no further than {_span(near[near < horizon].max())}, as history carries)"


def _closest(judged: pd.DataFrame) -> str:
    ranked = judged[judged["probability"] > 0].sort_values("probability", ascending=False, kind="stable")
    if ranked.empty or ranked["probability"].iloc[0] >= BREACH_SHARE:
        return ""
    return f" (the likeliest is {_where(ranked.iloc[0])}, {percent(ranked['probability'].iloc[0])})"


def _when(row: Row, catalog: Catalog) -> str:
    zone = catalog.timezone_of(row["labels"])
    early, middle, late = row["breach_p10"], row["breach_p50"], row["breach_p90"]
    if not dates.known(middle):
        return f"{percent(row['probability'])} likely"
    between = dates.span(early, late, zone=zone)
    if between == dates.short_day(early, zone=zone):
        return f"on {dates.day(middle, zone=zone)}, 80 %: that day"
    return f"around {dates.day(middle, zone=zone)}, 80 %: {between}"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _where(row: Row) -> str:
    title = str(row["title"])
    # "Disk space" becomes "disk space" in a sentence; "CPU" stays as it is.
    lowered = title if title[1:2].isupper() else title[:1].lower() + title[1:]
    return f"{lowered} on {row['series']}"


def _series(count: int) -> str:
    return f"{count} series"


def _span(span: pd.Timedelta) -> str:
    days = span // pd.Timedelta(days=1)
    return f"{days} days" if days > 1 else duration_text(span)


def _reasons(table: pd.DataFrame) -> str:
    counts = table["reason"].str.split(":").str[0].value_counts()
    return ", ".join(f"{count} {reason}" for reason, count in counts.items())
