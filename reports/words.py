"""How reports say dates, spans and chances: one place, so that chart, cover and summary never differ."""

from __future__ import annotations

import math

import pandas as pd

__all__ = ["ahead", "chance", "day", "known", "percent", "plural", "short_day", "since", "span"]

DAY = pd.Timedelta(days=1)
# Nearly a year: from here on "1 Dec – 12 Nov" would read as the days between.
YEAR = 330 * DAY
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def known(when: object) -> bool:
    """Whether a date is there at all: NaT and None are not."""
    return when is not None and not bool(pd.isna(when))  # type: ignore[call-overload]


def day(when: pd.Timestamp, *, zone: str = "UTC") -> str:
    """Write a date in full: ``"17 Dec 2026"``; NaT is ``"–"``. Month names do not follow the machine's locale."""
    return f"{short_day(when, zone=zone)} {when.tz_convert(zone).year}" if known(when) else "–"


def short_day(when: pd.Timestamp, *, zone: str = "UTC") -> str:
    """Write a date without its year: ``"17 Dec"``; NaT is ``"–"``."""
    if not known(when):
        return "–"
    local = when.tz_convert(zone)
    return f"{local.day} {MONTHS[local.month - 1]}"


def span(low: pd.Timestamp, high: pd.Timestamp, *, zone: str = "UTC") -> str:
    """Write a span of dates: ``"11–25 Dec"``, ``"4 Feb – 1 Apr"``; an open end is ``"4 Feb or later"``."""
    if not known(low):
        return "–"
    if not known(high):
        return f"{short_day(low, zone=zone)} or later"
    first, last = low.tz_convert(zone), high.tz_convert(zone)
    if (first.year, first.month) == (last.year, last.month):
        return short_day(low, zone=zone) if first.day == last.day else f"{first.day}–{short_day(high, zone=zone)}"
    end = short_day(high, zone=zone) if last - first < YEAR else day(high, zone=zone)
    return f"{short_day(low, zone=zone)} – {end}"


def ahead(when: pd.Timestamp, as_of: pd.Timestamp) -> str:
    """Write how far ahead a date is, in whole days: ``"in 24 d"``, ``"today"``, ``"3 d ago"``."""
    if not known(when):
        return "–"
    days = math.floor((when - as_of) / DAY)
    return "today" if days == 0 else f"in {days} d" if days > 0 else f"{-days} d ago"


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
