"""Pooling: demand and limit put together to the unit that is bought: a node, a region, a cluster.

A region's circuit carries what its nodes carry together; a pool of disks is full when their sum is. Members come and
go: each counts from its first sample to its last. Within that time a missing sample is a hole, and a sum or a maximum
with a hole is a hole: half a sum looks like half the demand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity import limits as lim
from capacity import provenance as prov
from capacity.catalog import Across, Direction
from capacity.errors import CatalogError, did_you_mean
from capacity.frames import HOSTS, METRIC, check, series_labels, step_of, wide

__all__ = ["BRIDGED", "Pool", "domains", "pooled"]

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# A member that misses so many steps, as a restart or a slow scrape makes it, is taken at its last value: with a hundred
# members one of them is always missing something. One that is silent for longer at the end has gone after a day.
BRIDGED = 3
GONE = pd.Timedelta(days=1)

_REDUCE = {"sum": np.add, "max": np.maximum, "min": np.minimum}


@dataclass(frozen=True)
class Pool:
    """Demand by the unit that is bought, and the limit that meets it.

    Attributes
    ----------
    demand : DataFrame
        A column a unit; its labels are those that it is put together by.
    limit : as it came, or DataFrame
        A query's answer with labels of members is put together like the demand, the tightest of them for a maximum;
        any other holds for each unit as it is.
    members : tuple of tuple of mapping
        The labels of the series behind each unit that are there at the end.
    """

    demand: pd.DataFrame
    limit: lim.LimitLike
    members: tuple[tuple[Mapping[str, str], ...], ...]


def pooled(
    demand: pd.DataFrame,
    limit: lim.LimitLike,
    *,
    per: Sequence[str],
    across: Across = "sum",
    direction: Direction = "above",
) -> Pool:
    """Return demand and limit put together ``per`` these labels; none: all in one.

    Parameters
    ----------
    demand : DataFrame
        A wide frame of the contract, a column a member.
    limit : as for `capacity.limits.match`
        Of each member, or of the unit: a limit that several members have counts once in their sum.
    across : {"sum", "max", "min"}

    Raises
    ------
    CatalogError
        No series has one of the labels.
    """
    frame = check(demand)
    labels = series_labels(frame)
    _check(labels, per)
    names = [tuple(each.get(name, "") for name in per) for each in labels]
    units = sorted(set(names))
    owner = np.array([units.index(name) for name in names], dtype=np.intp)
    values, there = _members(frame)
    parts = [owner == unit for unit in range(len(units))]
    whole = np.stack([_together(values[:, mine], there[:, mine], across) for mine in parts], axis=1)
    series = [{key: value for key, value in zip(per, unit, strict=True) if value} for unit in units]
    made = _framed(whole, frame, series)
    present = np.stack([there[:, mine].any(axis=1) for mine in parts], axis=1)
    made.attrs[prov.KEY] = _noted(frame, made, per, across, holes=int((present & np.isnan(whole)).sum()))
    found = _limit(frame, limit, made, owner=owner, there=there, across=across, direction=direction)
    last = there[-1]
    members = tuple(tuple(labels[place] for place in np.flatnonzero(mine & last)) for mine in parts)
    return Pool(made, found, members)


def _check(labels: Sequence[Mapping[str, str]], per: Sequence[str]) -> None:
    known = sorted({name for each in labels for name in each})
    for name in per:
        if name not in known:
            raise CatalogError(
                f"no series has the label {name!r} that it is to be put together by.{did_you_mean(name, known)}",
                hint=f"There are: {', '.join(known) or 'none'}.",
            )


def _members(frame: pd.DataFrame) -> tuple[Array, Flags]:
    """Return samples with short pauses bridged, and when each member is there: (time, member) both.

    A member is there from its first sample to its last, and to the end if that is not longer ago than `GONE`.
    """
    values = frame.to_numpy(dtype=float, copy=True)
    values[~np.isfinite(values)] = np.nan
    seen = np.isfinite(values)
    rows = np.arange(len(values))[:, None]
    first = np.where(seen.any(axis=0), seen.argmax(axis=0), len(values))
    last = len(values) - 1 - seen[::-1].argmax(axis=0)
    step = step_of(frame) if len(frame) > 1 else GONE
    gone = len(values) - 1 - last > max(BRIDGED, GONE // step)
    there = (rows >= first) & (rows <= np.where(gone, last, len(values) - 1))
    bridged = _bridged(pd.DataFrame(values), seen)
    return np.where(there, bridged, 0.0), there


def _bridged(values: pd.DataFrame, seen: Flags) -> Array:
    """Hold the last value over pauses of up to `BRIDGED` steps; longer ones stay holes from end to end."""
    number = np.where(seen, np.arange(len(seen))[:, None], -1)
    before = np.maximum.accumulate(number, axis=0)
    after = np.where(seen, number, len(seen))
    after = np.minimum.accumulate(after[::-1], axis=0)[::-1]
    short = (after - before - 1 <= BRIDGED) & (before >= 0)
    return np.where(short, values.ffill().to_numpy(), values.to_numpy())


def _together(values: Array, there: Flags, across: Across) -> Array:
    """Put members together, shape (time, member) → (time,); NaN where one that is there has no value, or none is."""
    neutral = {"sum": 0.0, "max": -np.inf, "min": np.inf}[across]
    found: Array = _REDUCE[across].reduce(np.where(there, values, neutral), axis=1)
    return np.where(there.any(axis=1), found, np.nan)


def _framed(values: Array, frame: pd.DataFrame, series: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    metric = str(frame.columns[0][0])
    return wide(values, times=pd.DatetimeIndex(frame.index), series=series, metric=metric)


def _noted(
    frame: pd.DataFrame, made: pd.DataFrame, per: Sequence[str], across: Across, *, holes: int
) -> dict[str, object]:
    """Return the provenance of what was put together: from how much, and how many of its steps have a hole."""
    metric = str(made.columns[0][0])
    unit = f"one per {', '.join(per)}" if per else "one in all"
    lost = f", {holes:,} steps with a member missing left out" if holes else ""
    stated = prov.read(frame)[metric]
    notes = (*stated.notes, f"{across} of {frame.shape[1]:,} series, {unit}{lost}")
    carrier = pd.DataFrame(columns=made.columns)
    carrier.attrs = {prov.KEY: frame.attrs.get(prov.KEY, {})}
    noted: dict[str, object] = prov.attach(carrier, metric, notes=notes, series=made.shape[1], gaps=holes).attrs[
        prov.KEY
    ]
    return noted


def _limit(
    frame: pd.DataFrame,
    limit: lim.LimitLike,
    made: pd.DataFrame,
    *,
    owner: npt.NDArray[np.intp],
    there: Flags,
    across: Across,
    direction: Direction,
) -> lim.LimitLike:
    """Put the limits of members together; one that is not told by member is returned as it came."""
    named = {name for each in series_labels(made) for name in each}
    if not _by_member(limit, {str(name) for name in frame.columns.names} - {METRIC} - named):
        return limit
    later = limit.index[limit.index > frame.index[-1]] if isinstance(limit, pd.DataFrame) else frame.index[:0]
    times = pd.DatetimeIndex(frame.index.append(later)).as_unit("us")
    found = lim.match(frame.columns, limit, times=times, cutoff=frame.index[-1])  # type: ignore[arg-type]
    held = np.concatenate([there, np.repeat(there[-1:], len(later), axis=0)])
    tightest: Across = "sum" if across == "sum" else "min" if direction == "above" else "max"
    whole = np.full((len(times), made.shape[1]), np.nan)
    for unit in range(made.shape[1]):
        mine = owner == unit
        if (found.owner[mine & there[-1]] >= 0).all():
            whole[:, unit] = _of_unit(found, held[:, mine], found.owner[mine], tightest)
    told: pd.DataFrame = pd.DataFrame(whole, index=times, columns=made.columns)
    return told.iloc[:, np.flatnonzero(np.isfinite(whole[len(frame) - 1]))]


def _by_member(limit: lim.LimitLike, members: set[str]) -> bool:
    """Whether a limit tells members apart: it has a label of theirs that their unit has not."""
    if isinstance(limit, pd.DataFrame):
        return bool({str(name) for name in limit.columns.names} & members)
    if isinstance(limit, pd.Series) and not isinstance(limit.index, pd.DatetimeIndex):
        return bool({str(name) for name in limit.index.names} & members)
    return False


def _of_unit(found: lim.Limits, there: Flags, owner: npt.NDArray[np.intp], across: Across) -> Array:
    """Put one unit's limits together, each distinct one once, as long as a member that has it is there."""
    distinct = np.unique(owner[owner >= 0])
    present = np.stack([there[:, owner == one].any(axis=1) for one in distinct], axis=1)
    lacking = there[:, owner < 0].any(axis=1)
    return np.where(lacking, np.nan, _together(found.values[:, distinct], present, across))


def domains(
    labels: Sequence[Mapping[str, str]], per: str, *, members: Sequence[Sequence[Mapping[str, str]]] | None = None
) -> npt.NDArray[np.intp]:
    """Count the failure domains of each series: distinct values of the label ``per``.

    Parameters
    ----------
    labels : sequence of mapping, one a series
    members : sequence of sequence of mapping, one a series, optional
        The labels of what a pooled series is made of, among which it is counted. Else among all series that differ in
        that label and in their host alone.
    """
    if members is not None:
        return np.array([len({one.get(per, "") for one in unit} - {""}) for unit in members], dtype=np.intp)
    aside = {per, *HOSTS}
    groups = [frozenset(item for item in each.items() if item[0] not in aside) for each in labels]
    values: dict[frozenset[tuple[str, str]], set[str]] = {}
    for group, each in zip(groups, labels, strict=True):
        values.setdefault(group, set()).update({each.get(per, "")} - {""})
    return np.array([len(values[group]) for group in groups], dtype=np.intp)
