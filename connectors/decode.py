"""From a server's bytes to arrays: each answer is read whole or not at all.

JSON as VictoriaMetrics and Prometheus write it: values are strings ("0.5", "+Inf", "NaN"), except in the JSON lines of
an export, where they are numbers, ``null`` (a stale marker), and infinities in whichever way the version has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pandas as pd

from capacity.errors import PartialResult, QueryRejected, ResultTruncated
from capacity.frames import EPOCH
from connectors.faults import one_line

__all__ = [
    "STALE",
    "Key",
    "document",
    "export_line",
    "key_of",
    "matrix",
    "metadata",
    "raw_matrix",
    "tsdb_status",
    "vector",
]

Floats = npt.NDArray[np.float64]
Key = tuple[tuple[str, str], ...]
"""A series: its labels (with ``__name__``) as sorted pairs."""

STALE = float(np.array([0x7FF0000000000002], dtype=np.uint64).view(np.float64)[0])
"""The NaN that marks the end of a series, as Prometheus and VictoriaMetrics write it."""

_BARE = re.compile(rb"(?<=[\[,])([+-]?(?:Inf(?:inity)?|NaN))(?=[,\]])")
_VALUES = b'"values":['


def key_of(labels: Mapping[str, str]) -> Key:
    """Return a series' labels as something that can be compared and hashed."""
    return tuple(sorted((str(name), str(value)) for name, value in labels.items()))


def document(body: bytes, *, source: str, query: str) -> Any:
    """Return the field ``data`` of an answer.

    Raises
    ------
    ResultTruncated
        It is no whole JSON document of this interface.
    PartialResult
        A cluster says that storage nodes did not answer.
    QueryRejected
        The answer says that it is an error.
    """
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise _odd(body, source=source, query=query) from None
    if not isinstance(answer, dict) or "status" not in answer:
        raise _odd(body, source=source, query=query)
    if answer["status"] != "success":
        said = one_line(str(answer.get("error", answer["status"])))
        raise QueryRejected(f"{source} rejects the request: {said}", source=source, query=query)
    if answer.get("isPartial") is True:
        raise PartialResult(
            f"{source} answered without some of its storage nodes: series or samples are missing.",
            source=source,
            query=query,
            hint="Wait until all of them are back; a capacity is not judged on part of the truth.",
        )
    return answer.get("data")


def _odd(body: bytes, *, source: str, query: str) -> ResultTruncated:
    """Return the error for an answer that is no whole JSON document."""
    text = one_line(body[:200].decode("utf-8", "replace"), longest=80)
    if body.lstrip()[:1] == b"<":
        what, hint = "is a web page", "Check host, port and path: this is not the server's interface."
    elif not body:
        what, hint = "is empty", "Check host, port and path."
    else:
        what, hint = f"is not a whole JSON document: {text}", "Try again; if it stays so, check what lies in between."
    return ResultTruncated(f"the answer of {source} {what}.", source=source, query=query, hint=hint)


def _results(data: Any, kind: str, *, source: str, query: str) -> Any:
    """Return the results of a query, which must be of one kind."""
    if not isinstance(data, dict) or "result" not in data:
        raise ResultTruncated(f"the answer of {source} holds no result.", source=source, query=query)
    came = data.get("resultType")
    if came != kind:
        raise QueryRejected(f"the query answers with a {came}, not with a {kind}.", source=source, query=query)
    return data["result"]


def matrix(data: Any, times: pd.DatetimeIndex, *, source: str, query: str) -> dict[Key, Floats]:
    """Return each series' values at ``times`` (evenly spaced); NaN where the server left an instant out.

    Raises
    ------
    ResultTruncated
        A value lies at an instant that was not asked for, or the answer is not formed as it should be.
    """
    stamps = (times - EPOCH) // pd.Timedelta(1, unit="ms")
    first = int(stamps[0])
    step = int(stamps[1]) - first if len(stamps) > 1 else 1
    found: dict[Key, Floats] = {}
    try:
        for series in _results(data, "matrix", source=source, query=query):
            points = series["values"]
            values = np.full(len(times), np.nan)
            offsets = np.rint(np.array([point[0] for point in points], dtype=float) * 1000).astype(np.int64) - first
            where, odd = np.divmod(offsets, step)
            if odd.any() or (len(where) and (where.min() < 0 or where.max() >= len(times))):
                raise ValueError
            values[where] = np.array([float(point[1]) for point in points], dtype=float)
            found[key_of(series["metric"])] = values
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        raise ResultTruncated(
            f"the answer of {source} is not on the instants that were asked for, or not of the known form.",
            source=source,
            query=query,
            hint="Check what lies between here and the server: a cache may have moved them.",
        ) from None
    return found


def _unknown_form(source: str, query: str) -> ResultTruncated:
    return ResultTruncated(f"the answer of {source} is not of the known form.", source=source, query=query)


def vector(data: Any, *, source: str, query: str) -> dict[Key, float]:
    """Return each series' value at one instant; a scalar is one series without labels."""
    kind = "scalar" if isinstance(data, dict) and data.get("resultType") == "scalar" else "vector"
    results = _results(data, kind, source=source, query=query)
    try:
        if kind == "scalar":
            return {(): float(results[1])}
        return {key_of(series["metric"]): float(series["value"][1]) for series in results}
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        raise _unknown_form(source, query) from None


def raw_matrix(data: Any, *, source: str, query: str) -> Iterator[tuple[Key, npt.NDArray[np.int64], Floats]]:
    """Give the samples of a range selector's answer, ``m[1h]``, as they are kept: series, times in ms, values."""
    for series in _results(data, "matrix", source=source, query=query):
        try:
            stamps = np.rint(np.array([point[0] for point in series["values"]], dtype=float) * 1000).astype(np.int64)
            values = np.array([float(point[1]) for point in series["values"]], dtype=float)
            key = key_of(series["metric"])
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            raise _unknown_form(source, query) from None
        yield key, stamps, values


def export_line(line: bytes, *, source: str, query: str) -> tuple[Key, npt.NDArray[np.int64], Floats]:
    """Read one line of an export: the series, its timestamps in ms, its values; a stale marker is `STALE`, a NaN.

    Raises
    ------
    ResultTruncated
        It is no whole object. A server that gives up in mid-stream writes why as a line of text.
    """
    try:
        entry = _loads(line)
        stamps = np.array(entry["timestamps"], dtype=np.int64)
        values = np.array(entry["values"], dtype=float)  # also of None, and of "Infinity"
        if values.ndim != 1 or len(stamps) != len(values):
            raise ValueError
        key = key_of(entry["metric"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError):
        text = one_line(line[:1000].decode("utf-8", "replace"), longest=200)
        raise ResultTruncated(f"{source} ended its export early: {text}", source=source, query=query) from None
    values[np.isnan(values)] = STALE
    return key, stamps, values


def _loads(line: bytes) -> Any:
    """Parse a line; bare infinities, which are no JSON, are quoted first, in the values alone."""
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        at = line.find(_VALUES)  # cannot stand in a label: there a quotation mark has a backslash before it
        end = line.find(b"]", at)
        if at < 0 or end < 0:
            raise
        return orjson.loads(line[:at] + _BARE.sub(rb'"\1"', line[at : end + 1]) + line[end + 1 :])


_BY = (
    ("metric", "seriesCountByMetricName"),
    ("label", "seriesCountByLabelName"),
    ("pair", "seriesCountByLabelValuePair"),
    ("values", "labelValueCountByLabelName"),
)


def tsdb_status(data: Mapping[str, Any]) -> pd.DataFrame:
    """Return ``status/tsdb`` as a table: ``by`` says what was counted ("values": distinct values of a label)."""
    rows = [
        {
            "by": by,
            "name": str(entry["name"]),
            "series": int(entry["value"]),
            "requests": entry.get("requestsCount"),
            "last_request": entry.get("lastRequestTimestamp") or None,
        }
        for by, field in _BY
        for entry in data.get(field) or ()
    ]
    table = pd.DataFrame(rows, columns=["by", "name", "series", "requests", "last_request"])
    table["requests"] = table["requests"].astype("Int64")
    table["last_request"] = pd.to_datetime(table["last_request"].astype("Float64"), unit="s", utc=True)
    return table.astype({"by": "str", "name": "str", "series": "int64"})


def metadata(data: Mapping[str, Iterable[Mapping[str, str]]]) -> pd.DataFrame:
    """Return ``/api/v1/metadata`` as a table, one row a metric; of several targets' words the first count."""
    rows = [
        {"metric": metric, **{key: str(told.get(key, "")) for key in ("type", "help", "unit")}}
        for metric, entries in sorted(data.items())
        for told in list(entries)[:1]
    ]
    return pd.DataFrame(rows, columns=["metric", "type", "help", "unit"], dtype="str")
