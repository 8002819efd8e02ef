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


def sentence(table: pd.DataFrame, *, catalog: Catalog, horizon: pd.Timedelta) -> str:
    """Return one plain sentence on a plan's table.

    What "runs out" is likelier than not to do so within the horizon; a risk that somebody has accepted counts among
    them, and not among the orders that are due.
    """
    total = len(table)
    if not total:
        return "There is nothing to judge: no resource of the catalogue has data."
    unknown = int((table["verdict"] == CANNOT_JUDGE).sum())
    if unknown == total:
        return f"None of {_series(total)} can be judged: {_reasons(table)}."
    parts = [_past(table, total), *_running_out(table, total, catalog=catalog, horizon=horizon)]
    parts.append(f"{unknown} cannot be judged" if unknown else "")
    text = "; ".join(part for part in parts if part) + "."
    return text[0].upper() + text[1:]


def _past(table: pd.DataFrame, total: int) -> str:
    past = table[table["verdict"] == "past"]
    if past.empty:
        return ""
    verb = "is" if len(past) == 1 else "are"
    example = "" if len(past) == 1 else "first "
    return f"{len(past)} of {_series(total)} {verb} past usable capacity already ({example}{_where(past.iloc[0])})"


def _running_out(table: pd.DataFrame, total: int, *, catalog: Catalog, horizon: pd.Timedelta) -> list[str]:
    past = table["verdict"] == "past"
    judged = ~past & (table["verdict"] != CANNOT_JUDGE)
    likely = table[judged & table["breach_p50"].notna()].sort_values("breach_p50", kind="stable")
    due = int((judged & (table["verdict"] == "order now") & (table["accepted"] == "")).sum())
    orders = f", and {due} {'needs' if due == 1 else 'need'} an order now" if due else ""
    span = _span(horizon)
    if likely.empty:
        return [
            f"{'nothing else' if past.any() else f'none of {_series(total)}'} is likely to run out within {span}"
            f"{_closest(table[judged])}{orders}"
        ]
    more = " more" if past.any() else f" of {_series(total)}"
    verb = "runs" if len(likely) == 1 else "run"
    first = likely.iloc[0]
    which = "it is" if len(likely) == 1 else "first is"
    when = _dates(first, catalog=catalog)
    return [f"{len(likely)}{more} {verb} out within {span}", f"{which} {_where(first)}, {when}{orders}"]


def _closest(judged: pd.DataFrame) -> str:
    ranked = judged[judged["probability"] > 0].sort_values("probability", ascending=False, kind="stable")
    if ranked.empty or ranked["probability"].iloc[0] >= BREACH_SHARE:
        return ""
    return f" (the likeliest is {_where(ranked.iloc[0])}, {percent(ranked['probability'].iloc[0])})"


def _dates(row: Row, *, catalog: Catalog) -> str:
    zone = catalog.timezone_of(row["labels"])
    early, late = row["breach_p10"], row["breach_p90"]
    between = dates.span(early, late, zone=zone)
    if between == dates.short_day(early, zone=zone):
        return f"on {dates.day(row['breach_p50'], zone=zone)} (80 %: that day)"
    return f"around {dates.day(row['breach_p50'], zone=zone)} (80 %: {between})"


def _where(row: Row) -> str:
    title = str(row["title"])
    # "Disk space" becomes "disk space" in a sentence; "CPU" stays as it is.
    lowered = title if title[1:2].isupper() else title[:1].lower() + title[1:]
    return f"{lowered} on {row['series']}"


def _series(count: int) -> str:
    return f"{count} series"


def _span(horizon: pd.Timedelta) -> str:
    days = horizon / pd.Timedelta(days=1)
    return f"{days:.0f} days" if days == int(days) and days != 1 else duration_text(horizon)


def _reasons(table: pd.DataFrame) -> str:
    counts = table["reason"].str.split(":").str[0].value_counts()
    return ", ".join(f"{count} {reason}" for reason, count in counts.items())
