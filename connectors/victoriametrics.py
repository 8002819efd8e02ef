"""VictoriaMetrics: a single node, or a cluster's vmselect behind its tenant's path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from capacity.errors import ParameterError
from capacity.frames import EPOCH, METRIC, instant
from connectors import assemble, decode
from connectors.base import When
from connectors.exports import Exports, queried
from connectors.foretold import AHEAD, HORIZONS, ForecastWritten, foretell
from connectors.promapi import PrometheusApi
from connectors.samples import Raw, Stamps, long_frame
from connectors.write import PATIENCE_S, Samples, write

__all__ = ["VictoriaMetrics"]

MATCHES_AT_ONCE = 50
EXACT = "64"
PROMETHEUS = "Prometheus"
MS = pd.Timedelta(1, unit="ms")


class VictoriaMetrics(PrometheusApi):
    """What `PrometheusApi` has, and export and import of raw samples.

    A cluster is written to through another path than it is read from, ``/insert/…``: see `connectors.access`.
    """

    kind: ClassVar[str] = "VictoriaMetrics"

    max_points: int = 30_000
    """-search.maxPointsPerTimeseries, as it is set by default."""

    max_subquery_points: int = 30_000
    """The same; later versions allow 100,000 (-search.maxPointsSubqueryPerTimeseries)."""

    write_patience_s: float = PATIENCE_S
    """How long `write` waits for its samples to become visible, in seconds."""

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(url, **options)
        self._exports = Exports(self.client, name=self.name, lossy=self._is_lossy)
        self.large.raw = partial(self._exports.raw, stale=False)

    def samples(self, selector: str, *, start: When, end: When, stale: bool = False) -> pd.DataFrame:
        """Return the raw samples at start < t ≤ end as a long frame: ``time``, ``metric``, the labels, ``value``.

        Stale markers are left out, or are NaN with ``stale``. Samples of a series at the same instant become one, the
        biggest, and a number before a stale marker; provenance tells how many.

        Raises
        ------
        NoData
            No sample matches.
        """
        first, last = instant(start, name="start"), instant(end, name="end")
        frame = long_frame(
            self._raw(selector, first, last, stale=stale),
            query=selector,
            source=self.name,
            server=str(self._meet()),
            start=first.isoformat(),
            end=last.isoformat(),
            pulled_at=self.client.now().floor("s").isoformat(),
        )
        if frame.empty:
            raise assemble.no_data(selector, source=self.name, when=f"from {first} to {last}")
        return frame

    def _raw(self, selector: str, first: pd.Timestamp, last: pd.Timestamp, *, stale: bool) -> Raw:
        """Return the raw samples after ``first`` and up to ``last``."""
        if first >= last:
            raise ParameterError(f"start {first.isoformat()} is not before end {last.isoformat()}.")
        if self._meet().kind == PROMETHEUS:
            if stale:
                self._cannot("give stale markers")
            return queried(self._document, selector, first + MS, last, source=self.name)
        return self._exports.raw(selector, first + MS, last, stale=stale)

    def _is_lossy(self) -> bool:
        """Return whether the server says that it drops digits of what it stores."""
        return self._meet().limits.get("precisionBits", EXACT) != EXACT

    def write(self, frame: pd.DataFrame, *, verify: bool = True) -> int:
        """Store a wide frame's samples and return how many: see `connectors.write.write`."""
        return write(
            frame,
            client=self.client,
            held=self._held,
            name=self.name,
            verify=verify,
            patience_s=self.write_patience_s,
        )

    def write_forecast(
        self,
        forecast: pd.DataFrame | Mapping[float, pd.DataFrame],
        *,
        horizons: Sequence[str] = HORIZONS,
        verify: bool = True,
    ) -> ForecastWritten:
        """Store a forecast's quantiles at their own times, as far as the server takes them; else as gauges, now."""
        reach = self._meet().limit("futureRetention") or AHEAD
        ready = foretell(forecast, now=self.now(), reach=reach, horizons=horizons)
        samples, until, gauges = 0, None, ()
        if ready.ahead is not None:
            samples, until = self.write(ready.ahead, verify=verify), ready.ahead.index[-1]
        if ready.gauges is not None:
            samples += self.write(ready.gauges, verify=verify)
            gauges = tuple(ready.gauges.columns.get_level_values(METRIC).unique())
        return ForecastWritten(samples, until, gauges)

    def _held(self, keys: list[decode.Key], first: int, last: int) -> Samples:
        """Return what is held of some series between two times in ms, both included."""
        between = (EPOCH + first * MS, EPOCH + last * MS)
        wanted = set(keys)
        found: dict[decode.Key, tuple[Stamps, decode.Floats]] = {}
        for at in range(0, len(keys), MATCHES_AT_ONCE):
            selectors = [_exactly(key) for key in keys[at : at + MATCHES_AT_ONCE]]
            for key, stamps, values in self._exports.lines(selectors, *between, query=selectors[0]):
                if key in wanted:  # series with further labels match too
                    before = found.get(key, (stamps[:0], values[:0]))
                    kept = ~np.isnan(values)
                    found[key] = (np.append(before[0], stamps[kept]), np.append(before[1], values[kept]))
        return found


def _exactly(key: decode.Key) -> str:
    """Write the selector of one series."""
    quoted = (f"{_name(name)}={_quoted(value)}" for name, value in key)
    return f"{{{','.join(quoted)}}}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _name(label: str) -> str:
    """Escape what may not stand in a label's name as MetricsQL does: with a backslash."""
    return "".join(char if char.isalnum() or char in "_:." else f"\\{char}" for char in label)
