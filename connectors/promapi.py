"""Prometheus' HTTP interface, which VictoriaMetrics and Prometheus share: every verb that both answer alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from capacity.errors import ParameterError, QueryRejected, Unsupported
from capacity.frames import EPOCH, duration, duration_text, instant
from connectors import assemble, decode, servers
from connectors.access import SCOPING, Access, reached
from connectors.base import Duration, Progress, ServerInfo, Source, When, Window, window
from connectors.expressions import is_selector, resolution_of
from connectors.http import Client, Params, Policy
from connectors.ranges import MAX_BYTES, Asked, Ranges, seconds
from connectors.retention import Retention
from connectors.wire import Send

__all__ = ["PrometheusApi", "seconds"]

FIRST = EPOCH + pd.Timedelta(seconds=1)
"""The beginning of all times: some versions take 0 for "not given", and then look at the last minutes alone."""


class PrometheusApi(Source):
    """A server, asked over HTTP.

    Parameters
    ----------
    url : str
        Its path is kept, so that a tenant (``/select/0/prometheus``) or a prefix works as it stands; what follows a
        ``?`` (``extra_label=team=x``) goes with every request.
    access
        Fields of `connectors.access.Access`: ``token``, ``headers``, ``ca``, ``tenant``, ``extra_filters`` …
    max_points : int, optional
        Instants a series that one request may ask for, where the server allows fewer than usual.
    max_bytes : int
        How large one request's answer may be, as numbers; a larger one is asked for in shards of series where the query
        is a plain selector, or a roll-up of one.
    send : callable, optional
        What sends a request: the seam of `connectors.wire`.
    patience
        Fields of `connectors.http.Policy`: ``timeout_s``, ``deadline_s``, ``attempts`` …
    """

    latency: pd.Timedelta = pd.Timedelta(seconds=30)
    """What is younger may still be on its way (VictoriaMetrics' -search.latencyOffset, where that is not longer)."""

    max_points: int
    """Instants a series that one request may ask for."""

    max_subquery_points: int
    """Values a series that a subquery may go through."""

    def __init__(
        self,
        url: str,
        *,
        max_points: int | None = None,
        max_bytes: int = MAX_BYTES,
        send: Send | None = None,
        **access_and_patience: Any,
    ) -> None:
        patience = dict(access_and_patience)
        where = reached(url, Access.taken(patience, others=list(Policy.__dataclass_fields__)))
        super().__init__(where.name)
        self.client = Client(where, policy=Policy(**patience), send=send)
        self.scoped = any(key in SCOPING for key, _ in where.params)
        if max_points is not None:
            self.max_points = max_points
        self.large = Ranges(
            self.client,
            self.name,
            self.max_points,
            self.max_subquery_points,
            max_bytes=max_bytes,
            limit_known=max_points is not None,
        )
        self._met: servers.Met | None = None

    # Asking -------------------------------------------------------------------------------------------------------

    def _document(self, path: str, params: Params = (), *, query: str = "", method: str = "POST") -> Any:
        """Return the field ``data`` of an answer."""
        if self.scoped:
            self._meet()  # which refuses a server that would pass over the scope
        body = self.client.ask(path, params, query=query, method=method)
        with self.client.where.scrubbing():
            return decode.document(body, source=self.name, query=query)

    def _meet(self) -> servers.Met:
        """Ask once who answers; it also sets the clock."""
        if self._met is None:
            met = servers.meet(self.client, kind=self.kind)
            if self.scoped and met.kind == "Prometheus":
                raise Unsupported(
                    f"{self.name} is a {met}, which passes over extra_filters: it would show everything.",
                    source=self.name,
                    hint="Put a proxy that enforces the scope before it, or leave the scope out.",
                )
            self.latency = max(self.latency, met.limit("search.latencyOffset") or self.latency)
            self.large.learn({} if met.kind == "Prometheus" else met.limits)
            self._met = met
        return self._met

    @property
    def notes(self) -> tuple[str, ...]:
        """What provenance says of every answer of this kind of server."""
        return servers.remarks(self._meet())

    @contextmanager
    def bounded(self, deadline: Duration | None) -> Iterator[None]:
        """Let everything that is asked inside end within ``deadline``: see `Source.bounded`."""
        if deadline is None:
            yield
            return
        with self.client.within(duration(deadline, name="deadline").total_seconds()):
            yield

    def retention(self, selector: str | None = None) -> Retention:
        """Return how far back samples go: see `Source.retention`; found by asking for single days, as in `info`.

        Raises
        ------
        QueryRejected
            It is no plain selector.
        """
        if selector is not None and not is_selector(selector):
            raise QueryRejected(f"{selector!r} is no selector of series.", source=self.name, query=selector)
        told = servers.info(self.client, self._meet(), self._document, selector=selector)
        return Retention(told.retention, told.oldest, told.newest)

    def now(self) -> pd.Timestamp:
        """Return the server's time."""
        self._meet()
        return self.client.now()

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def info(self) -> ServerInfo:
        """Return kind and version, retention where it can be read, and the days of the oldest and the newest samples.

        The days are found by probing, which takes samples to be there from the oldest day on without long gaps.
        """
        return servers.info(self.client, self._meet(), self._document)

    # Queries ------------------------------------------------------------------------------------------------------

    def range(
        self,
        query: str,
        *,
        start: When,
        end: When,
        step: Duration = "1h",
        aggregate: str | None = None,
        name: str | None = None,
        resolution: Duration | None = None,
        progress: Progress | None = None,
    ) -> pd.DataFrame:
        """Return ``query`` at every instant of a grid: see `Source.range`.

        A window longer than the server allows is asked for in parts, which cannot be seen in the result.

        Raises
        ------
        QueryRejected
            The server rejects the query, or it would have to be asked in parts and depends on the whole range.
        """
        asked = window(start, end, step)
        ready = asked.until(self.finished(asked.step))
        if not len(ready.times):
            raise ParameterError(
                f"no step of the window is finished: {self.name} has answers up to {ready.end.isoformat()}.",
                hint="Ask for an earlier start.",
            )
        fine = None if resolution is None else duration(resolution, name="resolution")
        below = None if aggregate is None or is_selector(query) else resolution_of(asked.step, fine)
        wanted = Asked(query, ready, aggregate, below)
        parts, rolled_here = self.large.parts(wanted, progress)
        frame = assemble.range_frame(parts, ready.times, query=query, name=name, source=self.name)
        runs = 1 if aggregate and below is None else len({run[0] for run, _ in parts})
        notes = self._remarks(asked, ready, below, parts=runs) + self.large.remarks(wanted, rolled_here=rolled_here)
        return assemble.attach(
            frame,
            ready,
            query=query,
            step=duration_text(asked.step),
            aggregate=aggregate or "as written",
            source=self.name,
            server=str(self._meet()),
            pulled_at=self.client.now().floor("s").isoformat(),
            seams=servers.seams(self._meet(), start=asked.start, end=ready.end, now=self.client.now()),
            notes=notes,
        )

    def _remarks(self, asked: Window, ready: Window, below: pd.Timedelta | None, *, parts: int) -> tuple[str, ...]:
        """Say what a reader of the frame should know; ``parts``: of how many the answer is made, where that matters."""
        remarks = list(self.notes)
        if parts > 1:
            # VictoriaMetrics guesses a series' scrape interval, and by it how far to look back, from the first samples
            # of the range. A roll-up of a plain selector over each step has no such guess in it.
            remarks.append(f"asked for in {parts} parts; where scrapes are unsteady, look-back may differ between them")
        if below is not None:
            remarks.append(f"the expression was evaluated every {duration_text(below)}")
        if ready.end < asked.end and len(ready.times) < len(asked.times):
            left_out = len(asked.times) - len(ready.times)
            remarks.append(f"{left_out} step(s) after {ready.end.isoformat()} were not finished and are left out")
        if self.client.skew:
            remarks.append(f"the server's clock differs from ours by {self.client.skew.total_seconds():.0f} s")
        return tuple(remarks)

    def instant(self, query: str, *, at: When | None = None, name: str | None = None) -> pd.DataFrame:
        """Return ``query`` at one instant as a wide frame of one row; None: the last second that is complete."""
        when = (self.now() - self.latency).floor("s") if at is None else instant(at, name="at")
        params = [("query", query), ("time", seconds(when)), ("nocache", "1")]
        data = self._document("/api/v1/query", params, query=query)
        series = decode.vector(data, source=self.name, query=query)
        if not series:
            raise assemble.no_data(query, source=self.name, when=f"at {when}")
        rows = {key: np.array([value]) for key, value in series.items()}
        frame = assemble.wide_frame(rows, pd.DatetimeIndex([when]), query=query, name=name, source=self.name)
        return assemble.attach(
            frame,
            Window(when, when, pd.Timedelta(seconds=1)),
            query=query,
            source=self.name,
            server=str(self._meet()),
            pulled_at=self.client.now().floor("s").isoformat(),
        )

    # What there is ------------------------------------------------------------------------------------------------

    def _between(self, start: When | None, end: When | None) -> list[tuple[str, str]]:
        """Return the parameters of a window; without one, of all times: some versions look at today alone."""
        first = FIRST if start is None else instant(start, name="start")
        last = self.now() if end is None else instant(end, name="end")
        return [("start", seconds(first)), ("end", seconds(last))]

    def series(
        self, selector: str | Sequence[str], *, start: When | None = None, end: When | None = None
    ) -> list[dict[str, str]]:
        """Return the labels (with ``__name__``) of every series that matches, sorted; no window: of all times."""
        selectors = [selector] if isinstance(selector, str) else list(selector)
        params = [*(("match[]", one) for one in selectors), *self._between(start, end)]
        found: Sequence[Mapping[str, str]] = self._document("/api/v1/series", params, query=", ".join(selectors))
        return [dict(key) for key in sorted(decode.key_of(labels) for labels in found)]

    def labels(self, *, start: When | None = None, end: When | None = None) -> list[str]:
        """Return the names of all labels, sorted."""
        return sorted(self._document("/api/v1/labels", self._between(start, end)))

    def label_values(self, label: str, *, start: When | None = None, end: When | None = None) -> list[str]:
        """Return the values of one label, sorted; of ``__name__``: the metrics."""
        path = f"/api/v1/label/{quote(label, safe='')}/values"
        return sorted(self._document(path, self._between(start, end), method="GET"))

    def metadata(self) -> pd.DataFrame:
        """Return what the server knows of its metrics: ``metric``, ``type``, ``help``, ``unit``; empty if nothing."""
        return decode.metadata(self._document("/api/v1/metadata", method="GET"))

    def cardinality(self, *, top: int = 20, date: When | None = None) -> pd.DataFrame:
        """Return what has the most series on a day (UTC; None: today), and who asks for it where the server knows.

        Returns
        -------
        DataFrame
            ``by`` ("metric", "label", "pair", or "values": distinct values of a label), ``name``, ``series``,
            ``requests`` and ``last_request`` (missing where the server does not count them).
        """
        params = [("topN", str(top))]
        if date is not None:
            params.append(("date", instant(date, name="date").strftime("%Y-%m-%d")))
        return decode.tsdb_status(self._document("/api/v1/status/tsdb", params, method="GET"))
