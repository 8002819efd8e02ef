"""How a date is written for a person, in the time zone where it is lived: one way for sentences, tables and charts."""

from __future__ import annotations

import pandas as pd

__all__ = ["day", "known", "short_day", "span"]

# Nearly a year: from here on "1 Dec – 12 Nov" would read as the days between.
YEAR = pd.Timedelta(330, unit="D")
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
