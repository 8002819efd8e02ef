"""``demo:``: simulated DWCP telemetry, answered as if it were kept in a snapshot; no server, no file, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl

import numpy as np
import pandas as pd

from capacity import __version__
from capacity.errors import ParameterError
from capacity.frames import METRIC, TIME, duration, duration_text, instant, series_labels, wide
from capacity.simulate import Demo as Drawn
from capacity.simulate import demo
from capacity.simulate.answers import answers
from capacity.simulate.planning import LIMITS, QUESTIONS, Answerable, Question
from capacity.simulate.platform import Node
from connectors import assemble
from connectors.base import Duration, Progress, ServerInfo, Source, When, Window, window
from connectors.expressions import is_selector, metric_of
from connectors.held import Holding, find, keep, not_held
from connectors.listing import Lists

__all__ = ["PLANNED", "Demo", "write_demo"]

MINUTE = pd.Timedelta(minutes=1)
HOUR = pd.Timedelta(hours=1)
SERIES_AT_ONCE = 450
PLANNED = (
    "dwcp_cpu_usage_percent",
    "dwcp_memory_usage_bytes",
    "dwcp_memory_available_bytes",
    "dwcp_disk_used_bytes",
    "dwcp_disk_size_bytes",
    "dwcp_bandwidth_utilization_mbps",
    "dwcp_bandwidth_capacity_mbps",
    "dwcp_amst_active_streams",
    "dwcp_consensus_latency_seconds",
)
"""The metrics that the built-in catalogue's resources ask for: 33 series a node, of some 360."""


NOTHING = Question(lambda *_: np.empty(0))


@dataclass(frozen=True)
class Drawable(Holding):
    """A query of the catalogue that the simulation answers."""

    question: Answerable = NOTHING


class Demo(Lists):
    """The simulated platform, by seed: ``demo:`` or ``demo:?seed=3``.

    It answers what the resources and objectives of the built-in catalogue ``dwcp`` ask, what its dashboards show
    (`capacity.panels`), and plain selectors of these, over any window of its history and on any multiple of the minutes
    that they are evaluated at. Everything else is `NotHeld`.
    """

    kind = "simulation"

    def __init__(self, url: str = "demo:") -> None:
        seed = _seed(url)
        super().__init__(f"demo:?seed={seed}" if seed else "demo:")
        self.demo: Drawn = demo(seed)
        self.holdings = _holdings(self.demo)

    def now(self) -> pd.Timestamp:
        """Return the instant that the demo pretends is now: its ``as_of``."""
        return self.demo.as_of

    def info(self) -> ServerInfo:
        """Return what answers, and from when to when there are samples."""
        kept = self.demo.as_of - self.demo.start
        return ServerInfo(self.kind, __version__, retention=kept, oldest=self.demo.start, newest=self.demo.as_of)

    def _held(self) -> Iterator[tuple[Holding, Iterable[dict[str, str]]]]:
        """Give the metrics that can be selected, each with its series."""
        for one in self.holdings:
            metric = metric_of(one.query)
            if metric is not None:
                last = Window(one.end - one.step, one.end, one.step)
                frame = _drawn(self.demo.seed, one.question, last, one.aggregate)
                yield one, [{"__name__": metric, **labels} for labels in series_labels(frame)]

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
        """Return a query that is held on a grid: see `connectors.base.Source.range`.

        Raises
        ------
        NotHeld
            Another query, a finer step than the query is evaluated at, another resolution, or a window that is not
            within the history; it lists what there is.
        NoData
            The conditions on labels leave no series.
        """
        asked = window(start, end, step)
        found = find(query, self.holdings)
        if not found:
            raise not_held(query, self.holdings, source=self.name)
        drawable, matchers = found[0]
        kept = asked.until(self.finished(asked.step))
        self._check(query, drawable, kept, resolution)
        whole = _drawn(self.demo.seed, drawable.question, kept, aggregate)
        frame = keep(whole, matchers, query=query, source=self.name).copy()
        frame.columns = pd.MultiIndex.from_frame(
            frame.columns.to_frame().assign(**{METRIC: name or metric_of(query) or query.strip()})
        )
        if progress is not None:
            progress(1, 1, query)
        return self._told(frame, query, asked, kept, aggregate)

    def _check(self, query: str, drawable: Drawable, kept: Window, resolution: Duration | None) -> None:
        points = drawable.question.resolution * MINUTE
        told = points if resolution is None else duration(resolution, name="resolution")
        why = ""
        if told != points and not is_selector(query):
            why = f"It is evaluated every {duration_text(points)}, not every {duration_text(told)}."
        elif kept.step % points:
            why = (
                f"A step of {duration_text(kept.step)} is not a multiple of the {duration_text(points)} between points."
            )
        elif kept.start < self.demo.start or not len(kept.times):
            why = f"The window {kept.start.isoformat()} to {kept.end.isoformat()} does not lie within its history."
        if why:
            raise not_held(query, self.holdings, source=self.name, why=why)

    def _told(
        self, frame: pd.DataFrame, query: str, asked: Window, kept: Window, aggregate: str | None
    ) -> pd.DataFrame:
        notes = ["simulated"]
        if kept.end < asked.end:
            notes.append(f"taken back to the last finished step, {kept.end.isoformat()}")
        return assemble.attach(
            frame,
            kept,
            query=query,
            step=duration_text(kept.step),
            aggregate=aggregate or "none",
            source=self.name,
            server=f"{self.kind} {__version__}",
            pulled_at=self.demo.as_of.isoformat(),
            notes=notes,
        )


def _seed(url: str) -> int:
    _, _, rest = url.partition(":")
    path, _, given = rest.partition("?")
    options = dict(parse_qsl(given, keep_blank_values=True))
    seed = options.pop("seed", "0")
    if path.strip("/") or options or not seed.isdigit():
        raise ParameterError(f"{url!r} is not a demo.", hint='Write "demo:" or "demo:?seed=3".')
    return int(seed)


def _holdings(drawn: Drawn) -> list[Drawable]:
    held = []
    for name in QUESTIONS:
        resource = drawn.catalog.resources[name]
        span = (drawn.start, drawn.as_of, resource.step)
        held.append(Drawable(resource.query, *span, resource.aggregate, QUESTIONS[name]))
        if resource.limit_query is not None:
            held.append(Drawable(resource.limit_query, *span, "min", LIMITS[name]))
    known = {one.query for one in held}
    for query, question in answers(drawn.catalog).items():
        if query in known:
            continue
        held.append(Drawable(query, drawn.start, drawn.as_of, question.resolution * MINUTE, None, question))
    return held


@lru_cache(maxsize=64)
def _drawn(seed: int, question: Answerable, kept: Window, aggregate: str | None) -> pd.DataFrame:
    """Draw an answer, once a process: columns in the order of their labels, in the query's own unit."""
    times, series, values = demo(seed).answer(
        question, start=kept.start, end=kept.end, step=kept.step, aggregate=aggregate
    )
    return wide(values, times=times, series=series, metric="drawn").sort_index(axis=1)


def write_demo(
    source: Source,
    start: When,
    end: When,
    *,
    seed: int = 0,
    ends: When | None = None,
    regions: Sequence[str] | None = None,
    nodes: Sequence[str] | None = None,
    metrics: Sequence[str] | None = PLANNED,
    verify: bool = True,
    progress: Progress | None = None,
) -> int:
    """Write the simulated raw telemetry, a sample a minute, into a real server; returns how many samples.

    Parameters
    ----------
    source : Source
        What is written to: its `write` must work.
    start, end : str or Timestamp
        Which part of the demo's own history: start < t ≤ end.
    ends : str or Timestamp, optional
        The whole telemetry is shifted in time, by whole hours, so that the demo's ``as_of`` lies within the hour up to
        this instant. None: it stays where it is.
    regions, nodes, metrics : sequences of str, optional
        Which; None: all. A histogram is written as its ``_bucket``, ``_sum`` and ``_count``.
    verify : bool
        Whether everything is read back: see `connectors.write`.
    progress : callable, optional
        ``progress(done, total, what)``, in nodes.

    Raises
    ------
    SourceError
        The server does not take them, or does not give them back.
    """
    drawn = demo(seed)
    asked = window(start, end, MINUTE)
    shift = pd.Timedelta(0) if ends is None else (instant(ends, name="ends") - drawn.as_of) // HOUR * HOUR
    at_once = max(1, SERIES_AT_ONCE // drawn.series_of_a_node(metrics))
    machines, written, done = drawn.machines(regions=regions, nodes=nodes), 0, 0
    for chunk in (machines[first : first + at_once] for first in range(0, len(machines), at_once)):
        # every frame is read back, which takes the server its time: so they are few, and wide
        for parts in zip(*(_raw_of(drawn, asked, machine, metrics) for machine in chunk), strict=True):
            frame = pd.concat(parts, axis=1)
            frame.index = (pd.DatetimeIndex(frame.index) + shift).as_unit("us").rename(TIME)
            written += source.write(frame, verify=verify)
        done += len(chunk)
        if progress is not None:
            progress(done, len(machines), f"{chunk[-1].region}/{chunk[-1].name}")
    return written


def _raw_of(drawn: Drawn, asked: Window, machine: Node, metrics: Sequence[str] | None) -> Iterator[pd.DataFrame]:
    return drawn.raw(asked.start, asked.end, regions=[machine.region], nodes=[machine.name], metrics=metrics)
