"""Exports of raw samples: the native stream where it pays, JSON lines otherwise; the result is the same bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from itertools import chain, islice
from typing import Any

import pandas as pd

from capacity.errors import Unsupported
from capacity.frames import EPOCH
from connectors import decode, native
from connectors.http import Client
from connectors.native_frames import Frames
from connectors.planner import Planner, Way, native_pays
from connectors.samples import Raw, Series, gathered

__all__ = ["Exports", "queried"]

NATIVE = "/api/v1/export/native"
LINES = "/api/v1/export"
LOOKED_AT = 6
"""Blocks at the beginning of a native stream that are looked at before the rest is waited for."""

SMALL = 24
"""A stream of fewer blocks has come before anything else could be asked for, whatever the look shows."""

MS = pd.Timedelta(1, unit="ms")


class Exports:
    """Asks one server for raw samples, in the way that is faster for what is asked.

    ``native``: whether the server's native stream is one that can be read; it is taken for one until an answer shows
    otherwise, and from then on all is asked for as JSON lines. ``lossy`` says whether the server drops digits
    (-precisionBits): up to 1.81 its blocks lack what it takes to restore their times.
    """

    def __init__(self, client: Client, *, name: str, lossy: Callable[[], bool] = lambda: False) -> None:
        self.native = True
        self._lossy = lossy
        self._client = client
        self._name = name
        self._planner = Planner()

    def raw(
        self, selector: str, first: pd.Timestamp, last: pd.Timestamp, *, stale: bool, way: Way | None = None
    ) -> Raw:
        """Return the samples from ``first`` to ``last``, both included; ``way``: not as the planner thinks best."""
        span = (last - first) // MS
        way = way or self._planner.way(selector, span)
        if self.native and way is Way.GLANCE:
            raw = self._few(selector, first, last, stale=stale)
            if raw is not None:
                return raw
            way = Way.NATIVE
        if self.native and way in (Way.NATIVE, Way.LOOK):
            raw = self._native(selector, first, last, stale=stale, look=way is Way.LOOK)
            if raw is not None:
                return raw
        return gathered(self.lines([selector], first, last, query=selector), stale=stale)

    def _few(self, selector: str, first: pd.Timestamp, last: pd.Timestamp, *, stale: bool) -> Raw | None:
        """Return the samples by lines; None where the first of them shows that there are too many for that."""
        with closing(self.lines([selector], first, last, query=selector)) as lines:
            begun = list(islice(lines, 1))
            points = max((len(stamps) for _, stamps, _ in begun), default=0)
            if begun and not self._planner.glance(selector, (last - first) // MS, points=points):
                return None
            return gathered(chain(begun, lines), stale=stale)

    def _native(self, selector: str, first: pd.Timestamp, last: pd.Timestamp, *, stale: bool, look: bool) -> Raw | None:
        """Return the samples by the native stream; None where it cannot be read, or a look says lines are faster."""
        stream = self._client.stream(NATIVE, _params([selector], first, last), query=selector)
        told = {"source": self._name, "query": selector}
        try:
            with closing(stream) as chunks, self._client.where.scrubbing():
                frames = Frames(chunks, **told)
                begun = frames.peek(LOOKED_AT if look else 1)
                if native.is_older(begun) and self._lossy():
                    self.native = False
                    return None
                if look:
                    pays = native_pays(begun, frames.first, frames.last)
                    self._planner.learn(selector, (last - first) // MS, native=pays)
                    if not pays and len(frames.peek(SMALL)) == SMALL:
                        return None
                return native.assembled(frames, stale=stale, **told)
        except Unsupported:
            self.native = False
            return None

    def lines(
        self, selectors: Sequence[str], first: pd.Timestamp, last: pd.Timestamp, *, query: str
    ) -> Generator[Series]:
        """Give the series of an export as JSON lines, both ends included; a long one comes in several lines."""
        for line in self._client.lines(LINES, _params(selectors, first, last), query=query):
            with self._client.where.scrubbing():
                series = decode.export_line(line, source=self._name, query=query)
            yield series


def queried(
    document: Callable[..., Any], selector: str, first: pd.Timestamp, last: pd.Timestamp, *, source: str
) -> Raw:
    """Return the samples from ``first`` to ``last``, both included, as any Prometheus gives them: by a query.

    ``document`` asks and returns the field ``data`` of the answer.
    """
    begin, end = ((when - EPOCH) // MS for when in (first, last))
    params = [("query", f"{selector}[{end - begin + 1}ms]"), ("time", f"{end / 1000:.3f}")]
    data = document("/api/v1/query", params, query=selector)
    blocks = decode.raw_matrix(data, source=source, query=selector)
    # Before 3.0 a sample at the beginning of the window is in it, since then it is not: it is one ms longer, and cut.
    kept = ((key, stamps[stamps >= begin], values[stamps >= begin]) for key, stamps, values in blocks)
    return gathered(kept, stale=False)


def _params(selectors: Sequence[str], first: pd.Timestamp, last: pd.Timestamp) -> list[tuple[str, str]]:
    """Return the parameters of an export; seconds with decimals, since milliseconds are misread by some versions."""
    between = (("start", first), ("end", last))
    window = [(name, f"{(when - EPOCH) // MS / 1000:.3f}") for name, when in between]
    return [*(("match[]", one) for one in selectors), *window]
