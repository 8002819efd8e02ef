"""vmalert over a real server: rules replayed in data's own time, and one that is live."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pandas as pd

from capacity.frames import duration_text
from reports.alerting.files import rules_text
from reports.alerting.rules import Group
from tests.support.servers import VictoriaMetrics
from tests.support.tools import find_tool

Labels = frozenset[tuple[str, str]]


def lines(series: Mapping[tuple[tuple[str, str], ...], np.ndarray], times: pd.DatetimeIndex) -> bytes:
    """Return series (labels with ``__name__``, values at ``times``) as the server imports them."""
    stamps = [int(each.timestamp() * 1000) for each in times]
    made = []
    for labels, values in series.items():
        kept = [(stamp, float(value)) for stamp, value in zip(stamps, values, strict=True) if np.isfinite(value)]
        line = {"metric": dict(labels), "values": [value for _, value in kept], "timestamps": [at for at, _ in kept]}
        made.append(json.dumps(line))
    return "\n".join(made).encode()


def replayed(
    server: VictoriaMetrics, groups: Iterable[Group], *, start: pd.Timestamp, end: pd.Timestamp, folder: Path
) -> dict[str, list[dict[str, str]]]:
    """Replay each group with its own interval as the query's step; return by alert the labels of what fired."""
    for group in groups:
        path = folder / f"{group.name}.yml"
        path.write_text(rules_text([group], name="test", sha="", runbooks="runbooks"))
        flags = {
            "rule": path,
            "datasource.url": server.url,
            "remoteWrite.url": server.url,
            "datasource.queryStep": duration_text(group.interval),
            "replay.timeFrom": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "replay.timeTo": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            "replay.disableProgressBar": "true",
            "replay.rulesDelay": "0s",
            "remoteWrite.flushInterval": "100ms",
        }
        command = [str(find_tool("vmalert")), *(f"-{name}={value}" for name, value in flags.items())]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
        assert done.returncode == 0, done.stderr[-2000:]
        server.flush()
    return fired(server, start=start, end=end)


def fired(server: VictoriaMetrics, *, start: pd.Timestamp, end: pd.Timestamp) -> dict[str, list[dict[str, str]]]:
    """Return by alert the labels of each series that was firing at any time."""
    query = urlencode({"match[]": 'ALERTS{alertstate="firing"}', "start": start.timestamp(), "end": end.timestamp()})
    found: dict[str, list[dict[str, str]]] = {}
    for labels in json.loads(server.post(f"/api/v1/series?{query}"))["data"]:
        found.setdefault(labels["alertname"], []).append(labels)
    return found


def values(server: VictoriaMetrics, query: str, at: pd.Timestamp) -> list[float]:
    """Return the values of an instant query's answer."""
    asked = urlencode({"query": query, "time": at.timestamp(), "nocache": 1})
    answer = json.loads(server.post(f"/api/v1/query?{asked}"))
    return [float(each["value"][1]) for each in answer["data"]["result"]]
