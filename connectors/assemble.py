"""From decoded series to the wide frame of the contract, with where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity import provenance
from capacity.errors import NoData, QueryRejected
from capacity.frames import METRIC, TIME, clean_labels
from connectors.base import Window
from connectors.decode import Floats, Key
from connectors.expressions import metric_of

__all__ = ["gaps", "no_data", "stack", "wide_frame"]


def stack(parts: Sequence[tuple[pd.DatetimeIndex, Mapping[Key, Floats]]]) -> dict[Key, Floats]:
    """Join windows one after the other; a series that a window lacks is NaN there."""
    if len(parts) == 1:
        return dict(parts[0][1])
    total = sum(len(times) for times, _ in parts)
    joined: dict[Key, Floats] = {}
    at = 0
    for times, series in parts:
        for key, values in series.items():
            if key not in joined:
                joined[key] = np.full(total, np.nan)
            joined[key][at : at + len(times)] = values
        at += len(times)
    return joined


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
    fallback = metric_of(query) or query.strip()
    named = [(name or dict(key).get("__name__") or fallback, clean_labels(dict(key))) for key in series]
    labels = sorted({label for _, each in named for label in each})
    rows = [(metric, *(each.get(label, "") for label in labels)) for metric, each in named]
    columns = pd.MultiIndex.from_tuples(rows, names=[METRIC, *labels])
    if not columns.is_unique:
        twice = columns[columns.duplicated()][0]
        raise QueryRejected(
            f"two series of the answer would have the same column {twice}.",
            source=source,
            query=query,
            hint="Leave `name` out, or keep the labels that tell them apart.",
        )
    order = sorted(range(len(rows)), key=rows.__getitem__)
    values = [np.asarray(one, dtype=float) for one in series.values()]
    table: npt.NDArray[np.float64] = np.column_stack([values[i] for i in order])
    index = pd.DatetimeIndex(times, name=TIME).as_unit("us")
    return pd.DataFrame(table, index=index, columns=columns[order])


def gaps(frame: pd.DataFrame, metric: str) -> int:
    """Count the missing samples of a metric's series, from each one's first sample on."""
    part = frame.loc[:, frame.columns.get_level_values(METRIC) == metric]
    return int((part.isna() & part.notna().cummax()).to_numpy().sum())


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
