"""Prometheus: the same interface with lower limits, without export and import."""

from __future__ import annotations

from typing import ClassVar

import pandas as pd

from capacity.errors import ParameterError
from capacity.frames import instant
from connectors import assemble
from connectors.base import Source, When
from connectors.exports import queried
from connectors.promapi import PrometheusApi
from connectors.samples import long_frame

__all__ = ["Prometheus"]

PREFIX = "prometheus+"
MS = pd.Timedelta(1, unit="ms")


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

    def samples(self, selector: str, *, start: When, end: When, stale: bool = False) -> pd.DataFrame:
        """Return the raw samples at start < t ≤ end as a long frame: ``time``, ``metric``, the labels, ``value``.

        Raises
        ------
        Unsupported
            Stale markers are asked for, which Prometheus does not give.
        """
        if stale:
            self._cannot("give stale markers")
        first, last = instant(start, name="start"), instant(end, name="end")
        if first >= last:
            raise ParameterError(f"start {first.isoformat()} is not before end {last.isoformat()}.")
        frame = long_frame(
            queried(self._document, selector, first + MS, last, source=self.name),
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
