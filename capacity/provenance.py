"""Provenance: where numbers come from, carried from the server's answer to the last page of a report.

A history holds it in ``attrs["provenance"]`` as plain JSON, because that survives pickle, Parquet and most of pandas'
operations. `read` turns it, once, into frozen dataclasses. What pandas lost on the way is ``"unknown"``, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import pandas as pd

__all__ = ["KEY", "UNKNOWN", "MetricProvenance", "Provenance", "attach", "merge", "read"]

KEY = "provenance"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class MetricProvenance:
    """Where one metric's samples come from. Times are ISO 8601 text; counts are of samples, gaps in steps."""

    metric: str
    query: str = UNKNOWN
    unit: str = UNKNOWN
    step: str = UNKNOWN
    aggregate: str = UNKNOWN
    source: str = UNKNOWN
    server: str = UNKNOWN
    start: str = UNKNOWN
    end: str = UNKNOWN
    pulled_at: str = UNKNOWN
    series: int = 0
    gaps: int = 0
    seams: tuple[str, ...] = ()
    dropped: int = 0
    duplicates: int = 0
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the plain JSON form, without the metric's name (that is its key)."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items() if k != "metric"}


@dataclass(frozen=True, slots=True)
class Provenance:
    """What every result carries on: one entry a metric, in the order of the columns."""

    metrics: tuple[MetricProvenance, ...] = ()

    def __getitem__(self, metric: str) -> MetricProvenance:
        """Return the entry of ``metric``; one that is not on record is all ``"unknown"``."""
        return next((entry for entry in self.metrics if entry.metric == metric), MetricProvenance(metric))

    def to_json(self) -> dict[str, Any]:
        """Return the plain JSON form that ``attrs["provenance"]`` holds."""
        return {"metrics": {entry.metric: entry.to_json() for entry in self.metrics}}


_FIELDS = {field.name for field in fields(MetricProvenance)} - {"metric"}
_LISTS = ("seams", "notes")


def _entry(metric: str, stored: Mapping[str, Any]) -> MetricProvenance:
    known = {key: value for key, value in stored.items() if key in _FIELDS}
    for key in _LISTS:
        if key in known:
            known[key] = tuple(known[key])
    return MetricProvenance(metric, **known)


def attach(frame: pd.DataFrame, metric: str, **stated: Any) -> pd.DataFrame:
    """Record where ``metric`` of ``frame`` comes from; returns the same frame.

    Keywords are the fields of `MetricProvenance`; what was on record and is not stated anew is kept.
    """
    unknown = set(stated) - _FIELDS
    if unknown:
        raise TypeError(f"not a field of MetricProvenance: {', '.join(sorted(unknown))}")
    record = {key: dict(value) for key, value in frame.attrs.get(KEY, {}).get("metrics", {}).items()}
    entry = _entry(metric, {**record.get(metric, {}), **stated})
    frame.attrs[KEY] = {"metrics": {**record, metric: entry.to_json()}}
    return frame


def read(frame: pd.DataFrame) -> Provenance:
    """Read a frame's provenance; a metric that has none on record is ``"unknown"`` throughout."""
    record = frame.attrs.get(KEY, {}).get("metrics", {})
    present = frame.columns.get_level_values(0).unique() if frame.columns.nlevels else ()
    return Provenance(tuple(_entry(str(metric), record.get(metric, {})) for metric in present))


def merge(*provenances: Provenance) -> Provenance:
    """Join several into one; of the same metric the last one counts."""
    return Provenance(tuple({entry.metric: entry for one in provenances for entry in one.metrics}.values()))
