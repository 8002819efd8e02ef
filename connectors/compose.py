"""One answer out of several that are held: which of them speaks for which stretch of time, and how they are joined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from capacity.frames import METRIC, TIME, duration_text
from connectors.archive import Entry
from connectors.base import Window
from connectors.expressions import is_selector
from connectors.selectors import Matcher

__all__ = ["ROLLS_UP", "Found", "Piece", "covered", "pieces", "rolled", "seams_of", "told_by"]

ROLLS_UP = ("max", "min", "sum", "count", "last")
"""A roll-up of roll-ups is the roll-up of the whole for these; for a mean where the counts are held too."""

FROM_INSTANTS = ("max", "min", "mean", "last")
"""What may be rolled up from values as they are written, too: a sum or a count would depend on how often they stand."""

ADDITIVE = ("sum", "count", "mean")
Found = tuple[Entry, frozenset[Matcher]]


@dataclass(frozen=True)
class Piece:
    """A held answer, and the stretch after < t ≤ until for which it speaks; ``counts``: the weights of its means."""

    entry: Entry
    matchers: frozenset[Matcher]
    after: pd.Timestamp
    until: pd.Timestamp
    counts: Entry | None = None


def covered(entry: Entry) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return the stretch (after, until] that an entry's instants speak for."""
    times = Window(entry.start, entry.end, entry.step).times
    return (times[0] - entry.step, times[-1]) if len(times) else (entry.end, entry.end)


def pieces(found: Sequence[Found], kept: Window, aggregate: str | None, entries: Iterable[Entry]) -> list[Piece] | None:
    """Return what answers a window, in order of time and without a hole; None: it does not follow from what is held.

    Where several speak for the same stretch: the one that is rolled up as asked, with the longest step, pulled last.
    """
    times = kept.times
    if not len(times):
        return None
    fitting = [one for one in found if _fits(one[0], kept, aggregate, entries)]
    fitting.sort(key=lambda one: _rank(one, aggregate), reverse=True)
    start = times[0] - (kept.step if aggregate else pd.Timedelta(1, unit="us"))
    bounds = {start, times[-1]}
    spans = [covered(entry) for entry, _ in fitting]
    bounds |= {edge for span in spans for edge in span if start < edge < times[-1]}
    edges = sorted(bounds)
    made: list[Piece] = []
    for after, until in pairwise(edges):
        chosen = next((i for i, (first, last) in enumerate(spans) if first <= after and until <= last), None)
        if chosen is None:
            return None
        entry, matchers = fitting[chosen]
        if made and made[-1].entry is entry:
            after = made.pop().after
        made.append(Piece(entry, matchers, after, until, _counts(entry, entries) if aggregate == "mean" else None))
    cut = [piece.after for piece in made[1:]]
    if aggregate in ADDITIVE and any(
        (edge - pd.Timestamp(0, tz="UTC")) % one.entry.step for edge in cut for one in made
    ):
        return None  # something would be counted twice
    return made


def _fits(entry: Entry, kept: Window, aggregate: str | None, entries: Iterable[Entry]) -> bool:
    """Whether an entry's values lead to the roll-up that is asked for, on its step."""
    if kept.step % entry.step:
        return False
    if entry.aggregate == aggregate:
        exact = kept.step == entry.step or aggregate is None or aggregate in ROLLS_UP
        return exact or (aggregate == "mean" and _counts(entry, entries) is not None)
    return entry.aggregate is None and aggregate in FROM_INSTANTS and entry.step < kept.step


def _rank(one: Found, aggregate: str | None) -> tuple[object, ...]:
    entry, matchers = one
    return (entry.aggregate == aggregate, entry.step, entry.pulled_at, not matchers, entry.end)


def _counts(entry: Entry, entries: Iterable[Entry]) -> Entry | None:
    """Return the entry that says of how many values each mean of another one is."""
    same = (entry.query, entry.start, entry.end, entry.step, entry.asked_of)
    return next(
        (
            one
            for one in entries
            if one.aggregate == "count"
            and entry.aggregate == "mean"
            and one.role == entry.role
            and (one.query, one.start, one.end, one.step, one.asked_of) == same
        ),
        None,
    )


# Joining -------------------------------------------------------------------------------------------------------------


def rolled(
    made: Sequence[Piece], kept: Window, aggregate: str | None, see: Callable[[Piece, Entry], pd.DataFrame]
) -> pd.DataFrame:
    """Join the pieces (``see`` gives the series of one of a piece's entries) and roll them up to the window's step."""
    times = kept.times
    if all(piece.entry.step == kept.step or aggregate is None for piece in made):
        return _joined([_part(see(piece, piece.entry), piece) for piece in made]).reindex(times)
    fine = _joined([_part(see(piece, piece.entry), piece) for piece in made])
    groups = times[times.searchsorted(fine.index)]
    if aggregate == "mean":
        weights = _joined([_weight(piece, see) for piece in made]).reindex(columns=fine.columns)
        weights = weights.where(fine.notna())
        total = (fine * weights).groupby(groups).sum(min_count=1)
        return (total / weights.groupby(groups).sum(min_count=1)).reindex(times)
    grouped = fine.groupby(groups)
    return (grouped.sum(min_count=1) if aggregate in ADDITIVE else grouped.agg(str(aggregate))).reindex(times)


def _part(frame: pd.DataFrame, piece: Piece) -> pd.DataFrame:
    return frame.loc[(frame.index > piece.after) & (frame.index <= piece.until)]


def _weight(piece: Piece, see: Callable[[Piece, Entry], pd.DataFrame]) -> pd.DataFrame:
    """Return how many values stand behind each one: counted, or one."""
    if piece.counts is not None:
        return _part(see(piece, piece.counts), piece)
    return _part(see(piece, piece.entry), piece).notna().astype(float)


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put frames one below the other; a series that one lacks is NaN there, a label that one lacks is ''."""
    if len(parts) == 1:
        return parts[0]
    labels = sorted({str(name) for part in parts for name in part.columns.names[1:]})
    aligned = []
    for part in parts:
        names = [str(name) for name in part.columns.names]
        rows = [dict(zip(names, key, strict=True)) for key in part.columns]
        keys = [tuple(row.get(name, "") for name in (METRIC, *labels)) for row in rows]
        one = part.copy(deep=False)
        one.attrs = {}
        one.columns = pd.MultiIndex.from_tuples(keys, names=[METRIC, *labels])
        aligned.append(one)
    whole = pd.concat(aligned).sort_index(axis=1)
    whole.columns.names = [METRIC, *labels]
    whole.index.name = TIME
    return whole


def seams_of(made: Sequence[Piece], aggregate: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the seams (where the spacing of what is held changes), and what else is to be told of the pieces."""
    seams = [
        f"{later.after.isoformat()}: held every {duration_text(before.entry.step)} before, "
        f"every {duration_text(later.entry.step)} after"
        for before, later in pairwise(made)
        if before.entry.step != later.entry.step
    ]
    notes = []
    if len(made) > 1:
        notes.append(f"put together from {len(made)} answers that were pulled one after the other")
    instants = next((one.entry for one in made if aggregate is not None and one.entry.aggregate is None), None)
    if instants is not None and is_selector(instants.query):
        notes.append(f"the {aggregate} of values held every {duration_text(instants.step)}, not of all samples")
    return tuple(seams), tuple(notes)


def told_by(made: Sequence[Piece]) -> dict[str, dict[str, object]]:
    """Return what the pieces' provenance says of each metric: of the latest that was pulled, with all their notes."""
    merged: dict[str, dict[str, object]] = {}
    for piece in sorted(made, key=lambda one: one.entry.pulled_at):
        for metric, fields in piece.entry.provenance.get("metrics", {}).items():
            before = merged.get(metric, {})
            entry = {**before, **fields}
            for name in ("notes", "seams"):
                told = [*before.get(name, ()), *fields.get(name, ())]  # type: ignore[misc]
                entry[name] = list(dict.fromkeys(told))
            for name in ("dropped", "duplicates"):
                entry[name] = int(before.get(name, 0)) + int(fields.get(name, 0))  # type: ignore[call-overload]
            merged[metric] = entry
    return merged
