"""What an archive holds, and finding a question's answer in it: for sources that run no queries of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pandas as pd

from capacity.errors import NoData, NotHeld
from capacity.frames import duration_text, series_labels
from connectors.selectors import Matcher, normal, parse

__all__ = ["Holding", "find", "keep", "not_held"]


@dataclass(frozen=True)
class Holding:
    """One answer that is held: of which query, over (start, end], on which step, rolled up to what."""

    query: str
    start: pd.Timestamp
    end: pd.Timestamp
    step: pd.Timedelta
    aggregate: str | None = None

    @property
    def when(self) -> str:
        """Say on which instants the answer is held."""
        return f"every {duration_text(self.step)} from {_day(self.start)} to {_day(self.end)}"


def _day(when: pd.Timestamp) -> str:
    return when.strftime("%Y-%m-%d" if when == when.normalize() else "%Y-%m-%dT%H:%MZ")


Kept = TypeVar("Kept", bound=Holding)


def find(query: str, holdings: Iterable[Kept]) -> list[tuple[Kept, frozenset[Matcher]]]:
    """Return the holdings that answer ``query``, each with the conditions on labels that are still to be applied.

    A holding answers its own query, however its white space is written, and plain selections from it.
    """
    asked, selector = normal(query), parse(query)
    found = []
    for holding in holdings:
        if normal(holding.query) == asked:
            found.append((holding, frozenset[Matcher]()))
            continue
        wider = parse(holding.query) if selector is not None else None
        more = selector.narrows(wider) if selector is not None and wider is not None else None
        if more is not None:
            found.append((holding, more))
    return found


def keep(frame: pd.DataFrame, matchers: frozenset[Matcher], *, query: str, source: str) -> pd.DataFrame:
    """Keep the series that meet every condition.

    Raises
    ------
    NoData
        None does.
    """
    kept = [all(one.keeps(labels) for one in matchers) for labels in series_labels(frame)]
    if not any(kept):
        raise NoData(
            f"no series matches {query}.", source=source, query=query, hint=f"{len(kept)} series are held without it."
        )
    return frame.loc[:, kept] if not all(kept) else frame


def not_held(query: str, holdings: Sequence[Holding], *, source: str, why: str = "") -> NotHeld:
    """Say that a question cannot be answered, why, and what could be."""
    listed = "; ".join(
        f"{when}: "
        + ", ".join(f"{one.query} ({one.aggregate or 'as it is written'})" for one in holdings if one.when == when)
        for when in dict.fromkeys(one.when for one in holdings)
    )
    reason = f" {why}" if why else ""
    hint = f"It holds, {listed}." if holdings else "It holds nothing."
    return NotHeld(f"{source} does not hold {query!r}.{reason}", source=source, query=query, hint=hint)
