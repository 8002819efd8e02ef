"""How far back samples go, and which seasons can be known from them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

__all__ = ["Retention"]

SEEN = 2
"""A season is told apart from a trend once it has been seen twice: with one year, growth and summer look alike."""

YEAR = pd.Timedelta(days=365)
WEEK = pd.Timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Retention:
    """How long samples are kept (None: not told), and the oldest and the newest (None: none were found)."""

    kept: pd.Timedelta | None = None
    oldest: pd.Timestamp | None = None
    newest: pd.Timestamp | None = None

    @property
    def span(self) -> pd.Timedelta | None:
        """How much history there is; None: not known."""
        if self.oldest is None or self.newest is None:
            return None
        return self.newest - self.oldest

    @property
    def weekly(self) -> bool | None:
        """Whether a weekly season can be known; None: how much history there is is not known."""
        return self._seen(WEEK)

    @property
    def yearly(self) -> bool | None:
        """Whether a yearly season can be known; None: how much history there is is not known."""
        return self._seen(YEAR)

    def _seen(self, period: pd.Timedelta) -> bool | None:
        if self.span is not None:
            return self.span >= SEEN * period
        # What is kept too short a time can never be seen, whatever there is of it.
        return False if self.kept is not None and self.kept < SEEN * period else None

    def __str__(self) -> str:
        """Say it in one sentence, for a report."""
        since = f"samples since {self.oldest:%Y-%m-%d}" if self.oldest is not None else "no oldest sample is known"
        kept = f"{self.kept.days} days are kept" if self.kept is not None else "how long they are kept is not told"
        season = {
            True: "a yearly season can be known",
            False: "no yearly season can be known: that takes two years",
            None: "whether a yearly season can be known is open",
        }[self.yearly]
        return f"{since}; {kept}; {season}."
