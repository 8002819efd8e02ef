"""Exports of raw samples: the native stream where it pays, JSON lines otherwise; the result is the same bit for bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from capacity.errors import Unsupported
from capacity.frames import EPOCH
from connectors import decode, native
from connectors.http import Client
from connectors.samples import Raw, Series, gathered

__all__ = ["Exports"]

NATIVE = "/api/v1/export/native"
LINES = "/api/v1/export"
MS = pd.Timedelta(1, unit="ms")


class Exports:
    """Asks one server for raw samples."""

    def __init__(self, client: Client, *, name: str) -> None:
        self._client = client
        self._name = name
        self._native = True

    def raw(self, selector: str, first: pd.Timestamp, last: pd.Timestamp, *, stale: bool) -> Raw:
        """Return the samples from ``first`` to ``last``, both included."""
        if self._native:
            chunks = self._client.stream(NATIVE, _params([selector], first, last), query=selector)
            try:
                with self._client.where.scrubbing():
                    return native.read(chunks, stale=stale, source=self._name, query=selector)
            except Unsupported:
                self._native = False
        return gathered(self.lines([selector], first, last, query=selector), stale=stale)

    def lines(
        self, selectors: Sequence[str], first: pd.Timestamp, last: pd.Timestamp, *, query: str
    ) -> Iterator[Series]:
        """Give the series of an export as JSON lines, both ends included; a long one comes in several lines."""
        for line in self._client.lines(LINES, _params(selectors, first, last), query=query):
            with self._client.where.scrubbing():
                series = decode.export_line(line, source=self._name, query=query)
            yield series


def _params(selectors: Sequence[str], first: pd.Timestamp, last: pd.Timestamp) -> list[tuple[str, str]]:
    """Return the parameters of an export; seconds with decimals, since milliseconds are misread by some versions."""
    between = (("start", first), ("end", last))
    window = [(name, f"{(when - EPOCH) // MS / 1000:.3f}") for name, when in between]
    return [*(("match[]", one) for one in selectors), *window]
