"""How reports say dates, spans and chances: one place, so that chart, cover and summary never differ."""

from __future__ import annotations

import math

import pandas as pd

from capacity.dates import day, known, short_day, span

__all__ = ["ahead", "between", "chance", "day", "known", "percent", "plural", "short_day", "since", "span"]

DAY = pd.Timedelta(days=1)


def ahead(when: pd.Timestamp, as_of: pd.Timestamp) -> str:
    """Write how far ahead a date is, in whole days: ``"in 24 d"``, ``"today"``, ``"3 d ago"``."""
    if not known(when):
        return "–"
    days = math.floor((when - as_of) / DAY)
    return "today" if days == 0 else f"in {days} d" if days > 0 else f"{-days} d ago"


def between(low: pd.Timestamp, high: pd.Timestamp, *, zone: str = "UTC") -> str:
    """Write where four futures in five lie: ``"80 % between 7 and 19 Nov"``; open: ``"90 % after 7 Nov"``."""
    if not known(low):
        return "–"
    if not known(high):
        return f"90 % after {short_day(low, zone=zone)}"
    first, last = low.tz_convert(zone), high.tz_convert(zone)
    if first.date() == last.date():
        return f"80 % on {short_day(low, zone=zone)}"
    dash = span(low, high, zone=zone)
    start, end = dash.split(" – ") if " – " in dash else dash.split("–")
    return f"80 % between {start} and {end}"


def since(length: pd.Timedelta) -> str:
    """Write a length of time in whole days, or hours below two days: ``"120 d"``, ``"36 h"``."""
    if length >= 2 * DAY:
        return f"{length / DAY:.0f} d"
    hours = length / pd.Timedelta(hours=1)
    return f"{hours:.0f} h" if hours >= 1 else f"{hours * 60:.0f} min"


def chance(share: float) -> str:
    """Write a probability: ``"83 %"``; no count of paths is surer than ``"< 1 %"`` or ``"> 99 %"``; NaN is ``"–"``."""
    if math.isnan(share):
        return "–"
    return "< 1 %" if share < 0.01 else "> 99 %" if share > 0.99 else percent(share)


def percent(share: float) -> str:
    """Write a share in whole per cent: ``"83 %"``, ``"104 %"``; only nothing is ``"0 %"``; NaN is ``"–"``."""
    if math.isnan(share):
        return "–"
    if 0 < share < 0.01:
        return "< 1 %"
    return f"{100 * share:.0f} %".replace("-", "−")


def plural(count: int, one: str, many: str | None = None) -> str:
    """Write a count with its noun: ``"1 series"``, ``"3 resources"``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
