"""The indicator of an objective: its value, and how many of its events were bad, slice by slice and over any stretch.

A ratio counts events. Whatever is held against a target in time (a quantile, a mean, a gauge) counts slices: a slice is
bad when its value is not on the target's side, and a slice without a value is neither good nor bad, nor there at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from capacity.catalog import Objective
from capacity.errors import FrameError
from capacity.frames import METRIC, TIME, check, duration_text
from capacity.measured import LOAD, PARTS
from capacity.provenance import KEY, MetricProvenance, Provenance, attach, merge, read
from capacity.slo.buckets import Quantile, histogram_quantile

__all__ = ["NEEDS", "Sli", "keeps", "sli"]

NEEDS: Mapping[str, tuple[str, ...]] = {
    "quantile": ("buckets",),
    "mean": ("sum", "count"),
    "gauge": ("value",),
}
"""By indicator: the roles without which it has no value (a ratio: those two that the objective names)."""


@dataclass(frozen=True)
class Sli:
    """An objective with what was measured.

    Attributes
    ----------
    raw : mapping of role to frame
        Wide frames on one grid of slices, as `capacity.measured.Measured` has them.
    value : DataFrame, slices × series
        The indicator, in the base unit; NaN where there is no data, and for a ratio where there were no events.
    total, bad : DataFrame, slices × series
        Valid events, and those that were bad; both NaN where there is no data.
    notes : tuple of str
        What had to be assumed.
    """

    objective: Objective
    raw: Mapping[str, pd.DataFrame] = field(repr=False)
    value: pd.DataFrame = field(repr=False)
    total: pd.DataFrame = field(repr=False)
    bad: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> pd.MultiIndex:
        """The series that are judged."""
        columns = self.value.columns
        assert isinstance(columns, pd.MultiIndex)
        return columns

    @property
    def end(self) -> pd.Timestamp:
        """The last slice that was measured."""
        return pd.Timestamp(self.value.index[-1])

    @property
    def load(self) -> pd.DataFrame | None:
        """What drives the indicator, on the same grid; None: the objective names nothing."""
        return self.raw.get(LOAD)

    @property
    def provenance(self) -> Provenance:
        """Where the samples come from: an entry a role."""
        stated = {role: frame.attrs.get(KEY, {}).get("metrics", {}) for role, frame in self.raw.items()}
        entries = [(role, next(iter(known.values()))) for role, known in stated.items() if known]
        return merge(*(read(_told(role, entry)) for role, entry in entries))

    @cached_property
    def bucket(self) -> Quantile | None:
        """Of a quantile: the bounds of the bucket that each value lies in."""
        if self.objective.indicator != "quantile":
            return None
        return histogram_quantile(self.objective.quantile or 0.0, self.raw["buckets"], name=self.objective.name)

    def over(self, start: pd.Timestamp, end: pd.Timestamp) -> pd.Series:
        """Return the indicator over start < t ≤ end, from all events in it; NaN where there were none."""
        found = self._gathered(lambda frame: np.zeros(len(frame), dtype=int), start, end)
        return found.iloc[0] if len(found) else pd.Series(np.nan, index=self.columns)

    def bounds_over(self, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame | None:
        """Return between which bounds a quantile over a stretch lies, by series (``lower``, ``upper``); else None."""
        if self.objective.indicator != "quantile":
            return None
        frame = _cut(self.raw["buckets"], start, end)
        if not len(frame):
            return None
        summed = frame.sum(min_count=1).to_frame().T
        found = histogram_quantile(self.objective.quantile or 0.0, summed, name=self.objective.name)
        return pd.DataFrame({"lower": found.lower.iloc[0], "upper": found.upper.iloc[0]}).reindex(self.columns)

    def each(self, step: pd.Timedelta) -> pd.DataFrame:
        """Return the indicator over each step, from all events in it, as a frame of the contract."""
        made = self._gathered(lambda frame: _steps(frame, step), None, None)
        if len(made) > 1:
            made = made.reindex(pd.date_range(made.index[0], made.index[-1], freq=step, unit="us", name=TIME))
        known = next(iter(self.provenance.metrics), MetricProvenance(self.objective.name))
        told = {name: getattr(known, name) for name in ("source", "server", "start", "end", "pulled_at")}
        objective = self.objective
        told |= {"query": objective.query, "unit": objective.base, "step": duration_text(step)}
        return attach(made, objective.name, **told)

    def counted(self, step: pd.Timedelta) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the valid and the bad events of each step."""
        return tuple(_by(frame, _steps(frame, step), "sum") for frame in (self.total, self.bad))  # type: ignore[return-value]

    def _gathered(self, keys: object, start: pd.Timestamp | None, end: pd.Timestamp | None) -> pd.DataFrame:
        how = "mean" if self.objective.indicator == "gauge" else "sum"
        parts = {role: _cut(frame, start, end) for role, frame in self.raw.items() if role in _roles(self.objective)}
        gathered = {role: _by(frame, keys(frame), how) for role, frame in parts.items()}  # type: ignore[operator]
        return _values(self.objective, gathered).reindex(columns=self.columns)


def sli(objective: Objective, frames: Mapping[str, pd.DataFrame]) -> Sli:
    """Return the indicator of an objective from what was measured.

    Parameters
    ----------
    objective : Objective
    frames : mapping of role to DataFrame
        As `capacity.measured.Measured` has them; roles that the objective does not need are carried along.

    Raises
    ------
    FrameError
        A role that it needs is missing.
    """
    missing = [role for role in _roles(objective) if role not in frames and role != "bad"]
    if missing:
        raise FrameError(
            f"objective {objective.name!r} needs {', '.join(_roles(objective))}; {', '.join(missing)} is missing."
        )
    own = {role: check(frame) for role, frame in frames.items() if not role.startswith(PARTS)}
    parts = {role: check(frame) for role, frame in frames.items() if role.startswith(PARTS)}
    raw, notes = _aligned(objective, own)
    value = _values(objective, raw)
    if objective.indicator == "ratio":
        total, bad = _events(objective, raw)
    else:
        known = value.notna()
        total = known.astype(float).where(known)
        bad = (~keeps(objective, value)).astype(float).where(known)
    return Sli(objective, {**raw, **parts}, value, total, bad, notes)


def keeps(objective: Objective, values: pd.DataFrame) -> pd.DataFrame:
    """Whether each value is on the promised side of the target; NaN is on neither."""
    compare = {"<": values.lt, "<=": values.le, ">": values.gt, ">=": values.ge}[objective.comparison]
    return compare(objective.target)


def _told(role: str, entry: Mapping[str, Any]) -> pd.DataFrame:
    """Return a frame that holds nothing but a role's provenance."""
    made = pd.DataFrame(columns=pd.MultiIndex.from_tuples([(role,)], names=[METRIC]))
    made.attrs[KEY] = {"metrics": {role: dict(entry)}}
    return made


def _roles(objective: Objective) -> tuple[str, ...]:
    if objective.indicator == "ratio":
        return tuple(role for role in ("good", "bad", "total") if getattr(objective, role))
    return NEEDS[objective.indicator]


def _cut(frame: pd.DataFrame, start: pd.Timestamp | None, end: pd.Timestamp | None) -> pd.DataFrame:
    inside = np.ones(len(frame), dtype=bool)
    if start is not None:
        inside &= np.asarray(frame.index > start)
    if end is not None:
        inside &= np.asarray(frame.index <= end)
    return frame[inside]


def _steps(frame: pd.DataFrame, step: pd.Timedelta) -> pd.DatetimeIndex:
    """Return the end of the step that each slice lies in."""
    return pd.DatetimeIndex(frame.index).ceil(step)


def _by(frame: pd.DataFrame, keys: object, how: str) -> pd.DataFrame:
    grouped = frame.groupby(np.asarray(keys) if not isinstance(keys, pd.Index) else keys)
    made = grouped.mean() if how == "mean" else grouped.sum(min_count=1)
    if isinstance(keys, pd.DatetimeIndex):
        made.index = pd.DatetimeIndex(made.index, name=TIME).as_unit("us")
    return made


def _aligned(
    objective: Objective, frames: Mapping[str, pd.DataFrame]
) -> tuple[dict[str, pd.DataFrame], tuple[str, ...]]:
    """Put all roles on one grid, and the two counts of a ratio on the same series."""
    index = pd.DatetimeIndex(sorted(set().union(*(frame.index for frame in frames.values()))), name=TIME).as_unit("us")
    raw = {role: _kept(frame, frame.reindex(index)) for role, frame in frames.items()}
    if objective.indicator == "gauge":
        raw["value"] = _named(raw["value"], objective.name)
    if objective.indicator == "mean":
        raw |= {role: _named(raw[role], objective.name) for role in ("sum", "count")}
    if objective.indicator != "ratio":
        return raw, ()
    return _ratio_of(objective, raw)


def _ratio_of(objective: Objective, raw: dict[str, pd.DataFrame]) -> tuple[dict[str, pd.DataFrame], tuple[str, ...]]:
    """Put the counts on the series of ``good`` or ``total``; a failure that was never counted is none."""
    roles = _roles(objective)
    leading = "total" if "total" in roles else "good"
    lead = _named(raw[leading], objective.name)
    made, notes = dict(raw), []
    for role in roles:
        named = _named(raw[role], objective.name) if role in raw else pd.DataFrame(index=lead.index)
        counted = named.reindex(columns=lead.columns)
        if role == "bad":
            absent = int(counted.isna().all().sum())
            if absent:
                notes.append(f"{absent} of {lead.shape[1]} series have no counter of bad events: taken as none")
            counted = counted.where(counted.notna() | lead.isna(), 0.0)
        made[role] = _kept(raw.get(role, lead), counted)
    return made, tuple(notes)


def _named(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the frame under the objective's name, without label levels that no series uses."""
    labels = frame.columns.to_frame(index=False).assign(**{METRIC: name})
    used = [level for level in labels if level == METRIC or (labels[level] != "").any()]
    made = frame.copy(deep=False)
    made.columns = pd.MultiIndex.from_frame(labels[used])
    return made


def _kept(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    after.attrs = dict(before.attrs)
    return after


def _events(objective: Objective, raw: Mapping[str, pd.DataFrame]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return valid and bad events; rates that a server extrapolates may not make more bad ones than there were."""
    if "total" not in _roles(objective):
        total, bad = raw["good"] + raw["bad"], raw["bad"]
    elif objective.bad:
        total, bad = raw["total"], raw["bad"]
    else:
        total, bad = raw["total"], raw["total"] - raw["good"]
    known = total.notna() & bad.notna()
    return total.where(known), bad.clip(lower=0.0).clip(upper=total).where(known)


def _values(objective: Objective, raw: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the indicator from the parts that its stretch has."""
    if objective.indicator == "quantile":
        return histogram_quantile(objective.quantile or 0.0, raw["buckets"], name=objective.name).value
    if objective.indicator == "gauge":
        return raw["value"]
    if objective.indicator == "mean":
        return raw["sum"] / raw["count"].where(raw["count"] > 0)
    total, bad = _events(objective, raw)
    share = bad / total.where(total > 0)
    return share if objective.direction == "above" else 1.0 - share
