"""Prometheus: the same interface with lower limits, without export and import."""

from __future__ import annotations

from typing import ClassVar

import pandas as pd

from capacity.errors import ParameterError
from capacity.frames import EPOCH, instant
from connectors import assemble, decode
from connectors.base import Source, When
from connectors.promapi import PrometheusApi, seconds
from connectors.samples import gathered, long_frame

__all__ = ["Prometheus"]

PREFIX = "prometheus+"


class Prometheus(PrometheusApi):
    """A Prometheus, or what speaks as one: ``prometheus+http://HOST:9090``."""

    kind: ClassVar[str] = "Prometheus"

    max_points: int = 11_000
    """Fixed in the server."""

    max_subquery_points: int = 1_000_000
    """Not bounded by themselves: a query may load 50 million samples (--query.max-samples)."""

    @classmethod
    def connect(cls, url: str, **options: object) -> Source:
        """Make the source that ``prometheus+http(s)://…`` names."""
        return cls(url.removeprefix(PREFIX), **options)  # type: ignore[arg-type]

    def samples(self, selector: str, *, start: When, end: When) -> pd.DataFrame:
        """Return the raw samples at start < t ≤ end as a long frame: ``time``, ``metric``, the labels, ``value``."""
        first, last = instant(start, name="start"), instant(end, name="end")
        if first >= last:
            raise ParameterError(f"start {first.isoformat()} is not before end {last.isoformat()}.")
        span = (last - first) // pd.Timedelta(1, unit="ms")
        params = [("query", f"{selector}[{span}ms]"), ("time", seconds(last))]
        data = self._document("/api/v1/query", params, query=selector)
        blocks = decode.raw_matrix(data, source=self.name, query=selector)
        after = (first - EPOCH) // pd.Timedelta(1, unit="ms")
        raw = gathered(
            ((key, stamps[stamps > after], values[stamps > after]) for key, stamps, values in blocks), stale=False
        )
        frame = long_frame(
            raw,
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
