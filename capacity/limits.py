"""Limits: which limit a series has, when, and how much of it may be used.

A limit is a number, a Series by labels, a schedule, or a wide frame over time. It meets demand on the labels that both
have, one limit to many series, and its last value holds on. What may be used of it is the limit less the reserve for
failed domains, less the buffer, in that order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity.catalog import Reserve
from capacity.errors import ParameterError
from capacity.frames import METRIC, Skipped, series_labels, series_name

__all__ = ["LimitLike", "Limits", "as_reserve", "less_buffer", "less_reserve", "match", "usable"]

Array: TypeAlias = npt.NDArray[np.float64]
Direction: TypeAlias = Literal["above", "below"]
Schedule: TypeAlias = Sequence[tuple[pd.Timestamp, float]]
LimitLike: TypeAlias = "float | pd.Series | pd.DataFrame | Schedule | None"

MISSING = "limit missing"
_FORMS = "Give a number, a Series indexed by labels, a wide frame over time, or pairs of (instant, value)."


@dataclass(frozen=True)
class Limits:
    """The limits of a set of series on a grid of times, each distinct limit held once.

    Attributes
    ----------
    values : ndarray, shape (times, distinct limits), in the base unit
        NaN before a limit's first value.
    owner : ndarray of int, shape (series,)
        Which limit a series has; -1: none.
    skipped : tuple of Skipped
        One for each series without a limit ("limit missing"), with what was in the way.
    summed : bool
        The limit is a query's answer, so that one which serves several series may be what they have together.
    domains : ndarray of int, shape (series,), optional
        How many failure domains each series has, where they are counted.
    """

    values: Array
    owner: npt.NDArray[np.intp]
    skipped: tuple[Skipped, ...] = ()
    summed: bool = False
    domains: npt.NDArray[np.intp] | None = None

    @property
    def shared(self) -> npt.NDArray[np.intp]:
        """Return how many series are held against the same series of a query's answer, by series; else 1."""
        if not self.summed or not self.values.shape[1]:
            return np.ones(len(self.owner), dtype=np.intp)
        served = np.bincount(self.owner[self.owner >= 0], minlength=self.values.shape[1])
        return np.where(self.owner >= 0, served[np.maximum(self.owner, 0)], 1)

    def of(self, series: slice, times: slice = slice(None)) -> Array:
        """Return the limits of these series at these times, shape (times, series); NaN where there is none."""
        owner, values = self.owner[series], self.values[times]
        if not values.shape[1]:
            return np.full((len(values), len(owner)), np.nan)
        found = values[:, np.maximum(owner, 0)]
        found[:, owner < 0] = np.nan
        return found

    def at(self, row: int) -> Array:
        """Return the limit of every series at one time, shape (series,); NaN where there is none."""
        return np.asarray(self.of(slice(None), slice(row, row + 1 or None))[0])


@dataclass(frozen=True)
class _Stated:
    """A limit in one form: values (instants, series), instants (None: always), and each series' labels."""

    values: Array
    times: pd.DatetimeIndex | None
    labels: list[dict[str, str]]


def match(columns: pd.MultiIndex, limit: LimitLike, *, times: pd.DatetimeIndex, cutoff: pd.Timestamp) -> Limits:
    """Find the limit of each series, over ``times``.

    A limit applies to a series when they agree on every label that both have; of several, the one that shares the most
    labels. Two that share as many are refused as a guess: the series is skipped, and told so.

    Parameters
    ----------
    columns : MultiIndex
        The columns of the demand's frame.
    limit : number, Series, DataFrame, pairs or None
        In the base unit. At t it is its last finite value at or before t; before the first there is none.
    times : DatetimeIndex
        Where the limits are wanted.
    cutoff : Timestamp
        A limit that is not known at this instant is missing.

    Raises
    ------
    ParameterError
        The limit has none of these forms.
    """
    stated = _stated(limit)
    demand = series_labels(columns)
    owner, trouble = _owners(demand, stated.labels)
    at_cutoff = _hold(stated, pd.DatetimeIndex([cutoff]))[0]
    for position in np.flatnonzero(owner >= 0):
        if np.isnan(at_cutoff[owner[position]]):
            owner[position] = -1
            trouble[int(position)] = "the limit has no value at or before the cutoff"
    skipped = tuple(
        Skipped(series_name(demand[position]), MISSING, trouble[position], labels=demand[position])
        for position in sorted(trouble)
    )
    return Limits(values=_hold(stated, times), owner=owner, skipped=skipped, summed=isinstance(limit, pd.DataFrame))


def as_reserve(reserve: Reserve | tuple[int, int] | None) -> Reserve | None:
    """Read a reserve, ``Reserve(n, k)`` or the pair ``(n, k)``: of ``n`` failure domains ``k`` may be lost.

    Raises
    ------
    ParameterError
        Fewer than none or all of the domains may be lost.
    """
    read = Reserve(*reserve) if isinstance(reserve, tuple) else reserve
    if read is not None and read.n is None:
        if read.per is None:
            raise ParameterError("a reserve without n needs the label whose values are counted: Reserve(per=…).")
        return read
    if read is not None and not 0 <= read.k < (read.n or 0):
        raise ParameterError(
            f"a reserve of {read.k} out of {read.n} domains leaves nothing to plan with.",
            hint="Give (n, k) with 0 ≤ k < n: k of n equal domains may be lost.",
        )
    return read


def less_reserve(
    limit: Array,
    reserve: Reserve | None,
    *,
    direction: Direction = "above",
    domains: npt.NDArray[np.intp] | None = None,
) -> Array:
    """Return what is left of ``limit`` when ``k`` of its ``n`` domains are lost; a floor rises instead.

    ``domains`` is n by series, where the reserve does not say; NaN where no domain would be left.
    """
    if reserve is None:
        return limit
    n = np.asarray(domains if reserve.n is None else reserve.n, dtype=float)
    with np.errstate(divide="ignore"):
        share = np.where(n > reserve.k, (n - reserve.k) / n, np.nan)
    return limit * share if direction == "above" else limit / share


def less_buffer(limit: Array, buffer: float, *, direction: Direction = "above") -> Array:
    """Return ``limit`` less the share ``buffer`` of it; a floor rises instead.

    Raises
    ------
    ParameterError
        The buffer is not a share from 0 up to, but not including, 1.
    """
    if not 0 <= buffer < 1:
        raise ParameterError(
            f"a buffer of {buffer:g} is not a share of the limit.", hint="Give a share: 0.1 keeps a tenth free."
        )
    return limit * (1 - buffer) if direction == "above" else limit / (1 - buffer)


def usable(
    limit: Array,
    *,
    reserve: Reserve | None = None,
    buffer: float = 0.0,
    direction: Direction = "above",
    domains: npt.NDArray[np.intp] | None = None,
) -> Array:
    """Return usable capacity: ``limit`` less the reserve, and then less the buffer's share of what is left."""
    left = less_reserve(limit, reserve, direction=direction, domains=domains)
    return less_buffer(left, buffer, direction=direction)


def _stated(limit: LimitLike) -> _Stated:
    if limit is None:
        return _Stated(np.empty((1, 0)), None, [])
    if isinstance(limit, pd.DataFrame):
        return _stated_frame(limit)
    if isinstance(limit, pd.Series):
        if isinstance(limit.index, pd.DatetimeIndex):
            return _stated_frame(limit.to_frame())
        return _Stated(_finite(limit.to_numpy()[None, :]), None, _labels(limit.index))
    if isinstance(limit, int | float | np.number) and not isinstance(limit, bool):
        return _Stated(_finite(np.array([[float(limit)]])), None, [{}])
    return _stated_frame(_schedule(limit))


def _schedule(pairs: object) -> pd.DataFrame:
    try:
        rows = [(pd.Timestamp(when), float(value)) for when, value in pairs]  # type: ignore[attr-defined]
    except (TypeError, ValueError) as error:
        raise ParameterError(f"a limit cannot be a {type(pairs).__name__}.", hint=_FORMS) from error
    return pd.DataFrame({"limit": [value for _, value in rows]}, index=pd.DatetimeIndex([when for when, _ in rows]))


def _stated_frame(frame: pd.DataFrame) -> _Stated:
    if not isinstance(frame.index, pd.DatetimeIndex):
        raise ParameterError(f"a limit over time needs instants as its index, not {frame.index.dtype}.", hint=_FORMS)
    index = frame.index.tz_localize("UTC") if frame.index.tz is None else frame.index.tz_convert("UTC")
    order = index.argsort(kind="stable")
    held = pd.DataFrame(_finite(frame.to_numpy())[order]).ffill().to_numpy()
    names = frame.columns.names
    plain = names == [None] or names == [METRIC]
    labels: list[dict[str, str]] = [{} for _ in range(frame.shape[1])] if plain else _labels(frame.columns)
    return _Stated(held, pd.DatetimeIndex(index[order]).as_unit("us"), labels)


def _labels(index: pd.Index) -> list[dict[str, str]]:
    if any(name is None for name in index.names):
        raise ParameterError(
            "the limit's index has a level without a name, so it cannot be told which label it is.",
            hint='Name it after the label: limit.index.name = "node".',
        )
    return series_labels(index)  # type: ignore[arg-type]


def _finite(values: npt.ArrayLike) -> Array:
    read = np.array(values, dtype=float)
    read[~np.isfinite(read)] = np.nan
    return read


def _hold(stated: _Stated, times: pd.DatetimeIndex) -> Array:
    """Return the stated values on ``times``, shape (times, limits): the last value holds on."""
    if stated.times is None:
        return np.broadcast_to(stated.values[:1], (len(times), stated.values.shape[1]))
    position = stated.times.searchsorted(times, side="right") - 1
    held = stated.values[np.maximum(position, 0)]
    return np.where(position[:, None] >= 0, held, np.nan)


_Index: TypeAlias = dict[tuple[str, ...], list[int]]


def _owners(
    demand: Sequence[Mapping[str, str]], limits: Sequence[Mapping[str, str]]
) -> tuple[npt.NDArray[np.intp], dict[int, str]]:
    """Return each series' limit (-1: none), and by position what was in the way of one."""
    signatures: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for position, labels in enumerate(limits):
        signatures[tuple(sorted(labels))].append(position)
    tables: dict[tuple[tuple[str, ...], tuple[str, ...]], _Index] = {}
    owner = np.full(len(demand), -1, dtype=np.intp)
    trouble: dict[int, str] = {}
    for position, labels in enumerate(demand):
        found = _candidates(labels, limits, signatures, tables)
        if len(found) == 1:
            owner[position] = found[0]
        elif found:
            trouble[position] = f"{len(found)} limits fit it equally well: aggregate them to the demand's labels"
        else:
            trouble[position] = "no limit has its labels" if limits else "no limit is given"
    return owner, trouble


def _candidates(
    labels: Mapping[str, str],
    limits: Sequence[Mapping[str, str]],
    signatures: Mapping[tuple[str, ...], Sequence[int]],
    tables: dict[tuple[tuple[str, ...], tuple[str, ...]], _Index],
) -> list[int]:
    """Return the limits that agree with ``labels`` and share the most names with them."""
    best: list[int] = []
    most = -1
    for signature, members in signatures.items():
        shared = tuple(name for name in signature if name in labels)
        if len(shared) < most:
            continue
        table = tables.get((signature, shared))
        if table is None:
            table = tables[signature, shared] = defaultdict(list)
            for member in members:
                table[tuple(limits[member][name] for name in shared)].append(member)
        found = table.get(tuple(labels[name] for name in shared), [])
        if found:
            best = found if len(shared) > most else [*best, *found]
            most = len(shared)
    return best
