"""Tiers of a snapshot: the older it is, the coarser it is kept, and at last not at all; peaks are never averaged away.

What is held as it was written becomes three answers where it is rolled up: the maximum, the mean, and the count that
the means must be weighted by when they are rolled up again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pandas as pd

from capacity import provenance
from capacity.errors import ParameterError
from capacity.frames import EPOCH, duration, duration_text, instant
from connectors.archive import Entry, read_manifest
from connectors.base import When, Window
from connectors.compose import ROLLS_UP, covered
from connectors.keeping import SnapshotWriter
from connectors.snapshot import Snapshot

__all__ = ["DWCP", "TIER", "Tidied", "Tier", "read_tiers", "tidy"]

TIER = "tier"
"""The role of what was rolled up from values as they are written."""


@dataclass(frozen=True)
class Tier:
    """How finely samples are kept up to which age."""

    step: pd.Timedelta
    age: pd.Timedelta


DWCP = "1s:7d,10s:30d,1m:365d"
"""Hot, warm and cold, as the platform keeps them."""


@dataclass
class Tidied:
    """What tidying did: answers rolled up, joined, and dropped for their age (whole ones), and bytes on disk."""

    as_of: pd.Timestamp
    rolled: int = 0
    joined: int = 0
    dropped: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    left: list[str] = field(default_factory=list)


def read_tiers(text: str) -> tuple[Tier, ...]:
    """Read tiers such as ``1s:7d,10s:30d,1m:365d``: a step, and the age up to which it is kept; finest first.

    Raises
    ------
    ParameterError
        It is not written so, or a later tier is not coarser, kept longer, and a multiple of the one before.
    """
    tiers = []
    for word in text.split(","):
        step, colon, age = word.strip().partition(":")
        if not colon:
            raise ParameterError(f"{word.strip()!r} is no tier.", hint='Write tiers like "1s:7d,10s:30d,1m:365d".')
        tiers.append(Tier(duration(step, name="a tier's step"), duration(age, name="a tier's age")))
    for fine, coarse in pairwise(tiers):
        if coarse.step <= fine.step or coarse.step % fine.step or coarse.age <= fine.age:
            raise ParameterError(
                f"a tier of {duration_text(coarse.step)} up to {duration_text(coarse.age)} does not follow one of "
                f"{duration_text(fine.step)} up to {duration_text(fine.age)}.",
                hint="Each is a coarser multiple of the one before, and is kept longer.",
            )
    return tuple(tiers)


def tidy(folder: str | Path, *, tiers: str | Sequence[Tier] = DWCP, as_of: When | None = None) -> Tidied:
    """Roll a snapshot up by age, drop what is older than the last tier, and join what was pulled in many parts.

    Parameters
    ----------
    folder : path
    tiers : str or sequence of Tier
    as_of : str or Timestamp, optional
        From when ages are counted; None: the end of what is held.

    Returns
    -------
    Tidied
        ``left`` names what is finer than its tier and cannot be rolled up: quantiles, and means without their counts.

    Raises
    ------
    SnapshotTorn
        Something in it is not what was written; nothing is changed then.
    """
    where = Path(folder)
    by_age = read_tiers(tiers) if isinstance(tiers, str) else tuple(tiers)
    entries = read_manifest(where)
    end = max((entry.end for entry in entries), default=EPOCH) if as_of is None else instant(as_of, name="as_of")
    done = Tidied(end, bytes_before=_bytes(where))
    with SnapshotWriter(where) as writer:
        for group in _groups(entries):
            _tidy_group(where, group, entries, _zones(by_age, end), writer, done)
    done.bytes_after = _bytes(where)
    return done


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*.parquet"))


def _zones(tiers: Sequence[Tier], end: pd.Timestamp) -> list[tuple[pd.Timestamp, pd.Timestamp, pd.Timedelta]]:
    """Return the stretches of time of the tiers, the youngest first; cut where every tier's grid has an instant."""
    coarsest = tiers[-1].step
    cuts = [EPOCH + (end - tier.age - EPOCH) // coarsest * coarsest for tier in tiers]
    latest = pd.Timestamp.max.tz_localize("UTC").floor("D")
    return list(zip(cuts, [latest, *cuts[:-1]], (tier.step for tier in tiers), strict=True))


def _groups(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Return the entries of each question; the counts of rolled up means go with these."""
    found: dict[tuple[object, ...], list[Entry]] = {}
    for one in entries:
        if one.role == TIER and one.aggregate == "count":
            continue
        key = (one.query, one.step, one.aggregate, one.resolution, one.asked_of, one.role, one.resource)
        found.setdefault(key, []).append(one)
    return list(found.values())


def _tidy_group(
    folder: Path,
    group: list[Entry],
    entries: Sequence[Entry],
    zones: Sequence[tuple[pd.Timestamp, pd.Timestamp, pd.Timedelta]],
    writer: SnapshotWriter,
    done: Tidied,
) -> None:
    """Write one question's answers anew, tier by tier, as far as that changes anything."""
    held = [one for one in group if not one.nothing]
    old = [one for one in group if one.end <= zones[-1][0]]
    writer.drop(old)
    done.dropped += len(old)
    stretches = _stretches(held)
    kept: list[Entry] = []
    for after, until in stretches:
        for first, last, step in zones:
            low, high = max(after, first), min(until, last)
            if low >= high:
                continue
            alone = next((one for one in held if covered(one) == (low, high)), None)
            fine = group[0].step < step and not step % group[0].step
            if fine and not _rolls_up(group[0], entries):
                done.left.append(f"{group[0].query} ({group[0].aggregate}, every {duration_text(group[0].step)})")
                fine = False
            if fine:
                _write_rolled(folder, group, entries, Window(low, high, step), writer)
                done.rolled += 1
            elif alone is not None:
                kept.append(alone)
            else:
                _write_joined(folder, group, entries, Window(low, high, group[0].step), writer)
                done.joined += 1
    gone = [one for one in held if one not in kept and one not in old]
    writer.drop(gone)
    writer.drop(one for one in entries if one.role == TIER and one.aggregate == "count" and _of_one(one, [*gone, *old]))


def _of_one(count: Entry, means: Sequence[Entry]) -> bool:
    """Whether a count belongs to one of these means."""
    key = (count.query, count.step, count.asked_of, count.start, count.end)
    return any(
        one.aggregate == "mean" and (one.query, one.step, one.asked_of, one.start, one.end) == key for one in means
    )


def _stretches(entries: Sequence[Entry]) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    """Return what the entries speak for, together."""
    joined: list[tuple[pd.Timestamp, pd.Timestamp]] = []
    for after, until in sorted(covered(one) for one in entries):
        if joined and after <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(until, joined[-1][1]))
        elif after < until:
            joined.append((after, until))
    return joined


def _counts(entries: Sequence[Entry], group: Sequence[Entry]) -> list[Entry]:
    return [one for one in entries if one.role == TIER and one.aggregate == "count" and _of_one(one, group)]


def _rolls_up(entry: Entry, entries: Sequence[Entry]) -> bool:
    """Whether the roll-up of an answer follows from it."""
    if entry.aggregate == "mean":
        return bool(_counts(entries, [entry]))
    return entry.aggregate is None or entry.aggregate in ROLLS_UP


def _seen(folder: Path, group: Sequence[Entry], asked: Window) -> pd.DataFrame:
    """Return a stretch of a question's answer, on its own step."""
    view = Snapshot.over(folder, group, name=str(folder), frames={})
    one = group[0]
    names = list(next((each.provenance.get("metrics", {}) for each in group if each.provenance), {}))
    name = names[0] if len(names) == 1 else None
    frame = view.range(one.query, start=asked.start, end=asked.end, step=one.step, aggregate=one.aggregate, name=name)
    return frame.loc[:, frame.notna().any()]


def _write_joined(
    folder: Path, group: Sequence[Entry], entries: Sequence[Entry], asked: Window, writer: SnapshotWriter
) -> None:
    """Write a stretch as one answer, as it is; a mean's counts with it."""
    _put(writer, _seen(folder, group, asked), group, asked, group[0].aggregate, group[0].role)
    counts = _counts(entries, group)
    if counts and group[0].aggregate == "mean":
        _put(writer, _seen(folder, counts, asked), counts, asked, "count", TIER)


def _write_rolled(
    folder: Path, group: Sequence[Entry], entries: Sequence[Entry], asked: Window, writer: SnapshotWriter
) -> None:
    """Write a stretch rolled up to a coarser step."""
    one = group[0]
    fine = _seen(folder, group, asked)
    groups = EPOCH + -((EPOCH - pd.DatetimeIndex(fine.index)) // asked.step) * asked.step
    by_step = fine.groupby(groups)
    if one.aggregate is None:
        for aggregate, values in (("max", by_step.max()), ("mean", by_step.mean()), ("count", by_step.count())):
            _put(writer, _like(values.astype(float), fine, one, aggregate), group, asked, aggregate, TIER)
    elif one.aggregate == "mean":
        counts = _counts(entries, group)
        weights = _seen(folder, counts, asked).reindex(columns=fine.columns)
        total = (fine * weights).groupby(groups).sum(min_count=1)
        number = weights.groupby(groups).sum(min_count=1)
        _put(writer, _like(total / number, fine, one, "mean"), group, asked, "mean", one.role)
        _put(writer, _like(number, fine, one, "count"), counts, asked, "count", TIER)
    else:
        additive = one.aggregate in ("sum", "count")
        values = by_step.sum(min_count=1) if additive else by_step.agg(one.aggregate)
        _put(writer, _like(values, fine, one, one.aggregate), group, asked, one.aggregate, one.role)


def _like(values: pd.DataFrame, fine: pd.DataFrame, one: Entry, aggregate: str) -> pd.DataFrame:
    """Return rolled up values as a frame of their own, with what is on record of the finer ones."""
    values.index = pd.DatetimeIndex(values.index, name=fine.index.name).as_unit("us")
    values.attrs = dict(fine.attrs)
    for entry in provenance.read(fine).metrics:
        note = f"rolled up from every {duration_text(one.step)} when the snapshot was tidied"
        provenance.attach(values, entry.metric, aggregate=aggregate, notes=tuple(dict.fromkeys((*entry.notes, note))))
    return values


def _put(
    writer: SnapshotWriter,
    frame: pd.DataFrame,
    group: Sequence[Entry],
    asked: Window,
    aggregate: str | None,
    role: str,
) -> None:
    """Put a stretch in the place of a question's answers; it was pulled when the last of them was."""
    one = group[0]
    for entry in provenance.read(frame).metrics:
        provenance.attach(frame, entry.metric, step=duration_text(asked.step))
    writer.put(
        frame.reindex(asked.times),
        query=one.query,
        step=asked.step,
        aggregate=aggregate,
        start=asked.start,
        end=asked.end,
        role=role,
        resource=one.resource,
        asked_of=one.asked_of,
        resolution=one.resolution,
        pulled_at=max(each.pulled_at for each in group),
    )
