"""From decoded series to the wide frame of the contract, with where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from capacity import provenance
from capacity.errors import NoData, QueryRejected
from capacity.frames import METRIC, TIME, clean_labels
from connectors.base import Window
from connectors.decode import Floats, Key
from connectors.expressions import metric_of

__all__ = ["attach", "gaps", "no_data", "range_frame", "wide_frame"]


def range_frame(
    parts: Sequence[tuple[pd.DatetimeIndex, dict[Key, Floats]]],
    times: pd.DatetimeIndex,
    *,
    query: str,
    name: str | None,
    source: str,
) -> pd.DataFrame:
    """Build the frame of an answer that came in parts: runs of instants, each of all series or of some.

    A series that a run lacks is NaN there. The parts are emptied meanwhile, so that nothing is held twice.

    Raises
    ------
    NoData
        There is no series in any of them.
    """
    series = {key: None for _, found in parts for key in found}
    if not series:
        raise no_data(query, source=source, when=f"from {times[0]} to {times[-1]}")
    order, columns = _columns(series, query=query, name=name, source=source)
    row_of = {key: row for row, key in enumerate(order)}
    table = np.full((len(order), len(times)), np.nan) if len(parts) > 1 else np.empty((len(order), len(times)))
    for run, found in parts:
        at = int(times.get_indexer(run[:1])[0])
        for key in list(found):
            table[row_of[key], at : at + len(run)] = found.pop(key)
    return _frame(table, times, columns)


def wide_frame(
    series: Mapping[Key, Any], times: pd.DatetimeIndex, *, query: str, name: str | None, source: str
) -> pd.DataFrame:
    """Build the frame: one column a series, sorted by metric and labels.

    The first level is ``name``, else ``__name__``, else the metric that a selector names, else the query's text.

    Raises
    ------
    QueryRejected
        Two series would have the same column.
    """
    order, columns = _columns(series, query=query, name=name, source=source)
    return _frame(np.array([np.asarray(series[key], dtype=float) for key in order]), times, columns)


def _columns(series: Iterable[Key], *, query: str, name: str | None, source: str) -> tuple[list[Key], pd.MultiIndex]:
    """Return the series in the order of their columns, and these."""
    fallback = metric_of(query) or query.strip()
    keys = list(series)
    named = [(name or dict(key).get("__name__") or fallback, clean_labels(dict(key))) for key in keys]
    labels = sorted({label for _, each in named for label in each})
    rows = [(metric, *(each.get(label, "") for label in labels)) for metric, each in named]
    order = sorted(range(len(rows)), key=rows.__getitem__)
    columns = pd.MultiIndex.from_tuples([rows[i] for i in order], names=[METRIC, *labels])
    if not columns.is_unique:
        twice = columns[columns.duplicated()][0]
        raise QueryRejected(
            f"two series of the answer would have the same column {twice}.",
            source=source,
            query=query,
            hint="Leave `name` out, or keep the labels that tell them apart.",
        )
    return [keys[i] for i in order], columns


def _frame(table: Floats, times: pd.DatetimeIndex, columns: pd.MultiIndex) -> pd.DataFrame:
    """Return the frame of a table of (series, time), which it takes over without a copy."""
    return pd.DataFrame(table.T, index=pd.DatetimeIndex(times, name=TIME).as_unit("us"), columns=columns, copy=False)


def gaps(frame: pd.DataFrame, metric: str) -> int:
    """Count the missing samples of a metric's series, from each one's first sample on."""
    mine = np.flatnonzero(frame.columns.get_level_values(METRIC) == metric)
    table = frame.to_numpy()
    missing = 0
    for column in mine:
        held = np.flatnonzero(~np.isnan(table[:, column]))
        missing += len(table) - int(held[0]) - len(held) if len(held) else 0
    return missing


def attach(frame: pd.DataFrame, window: Window, **stated: Any) -> pd.DataFrame:
    """Record where every metric of a frame comes from."""
    for metric in frame.columns.get_level_values(METRIC).unique():
        provenance.attach(
            frame,
            str(metric),
            start=window.start.isoformat(),
            end=window.end.isoformat(),
            series=int((frame.columns.get_level_values(METRIC) == metric).sum()),
            gaps=gaps(frame, metric),
            **stated,
        )
    return frame


def no_data(query: str, *, source: str, when: str) -> NoData:
    """Return the error of a query that no series matches."""
    return NoData(
        f"no series of {source} matches {query.strip()!r} {when}.",
        source=source,
        query=query,
        hint="Check the metric's name, the labels and the window; source.label_values('__name__') lists the metrics.",
    )
