"""What every source of samples is: the verbs, their contract, and what they share.

A connector is one file with one class below `Source`, and one line in `connectors.SCHEMES`. It must answer `range` and
tell its own clock (`now`); what it cannot do raises `Unsupported`, which is what the verbs here do.
"""
# ruff: noqa: ARG002 - the verbs that say "Unsupported" need none of their arguments

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, NoReturn, Self

import pandas as pd

from capacity.catalog import Catalog
from capacity.errors import ParameterError, Unsupported
from capacity.frames import EPOCH, Pull, duration, grid, instant
from capacity.measured import Measured
from connectors.foretold import HORIZONS, ForecastWritten
from connectors.retention import Retention

__all__ = ["Duration", "Progress", "ServerInfo", "Source", "When", "Window", "window"]

When = str | pd.Timestamp
Duration = str | pd.Timedelta
Progress = Callable[[int, int, str], None]
"""Called as ``progress(done, total, what)`` whenever a part of long work is done; ``done`` never falls."""


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What answers, how long it keeps samples, from when to when it has any, and within which limits it answers.

    ``kind`` and ``version`` are "unknown" where it does not say.
    ``retention`` None: it cannot be read. ``oldest`` and ``newest`` None: there are no samples, or none were found.
    ``limits``: the server's own flags that bound an answer, by name, as far as it tells them.
    """

    kind: str
    version: str = "unknown"
    retention: pd.Timedelta | None = None
    oldest: pd.Timestamp | None = None
    newest: pd.Timestamp | None = None
    limits: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Window:
    """The instants start < t ≤ end that are whole multiples of ``step`` since the epoch."""

    start: pd.Timestamp
    end: pd.Timestamp
    step: pd.Timedelta

    @property
    def times(self) -> pd.DatetimeIndex:
        """The instants, in order; an empty index where there is none."""
        return grid(self.start, self.end, self.step)

    def until(self, end: pd.Timestamp) -> Window:
        """Return the part of the window up to ``end``."""
        return Window(self.start, min(self.end, end), self.step)


def window(start: When, end: When, step: Duration) -> Window:
    """Read the three arguments that say which instants are asked for.

    Raises
    ------
    ParameterError
        One of them cannot be read, or no instant lies in between.
    """
    asked = Window(instant(start, name="start"), instant(end, name="end"), duration(step, name="step"))
    if asked.step % pd.Timedelta(1, unit="ms"):
        raise ParameterError(f"step {asked.step} is not a whole number of milliseconds.")
    if asked.start >= asked.end:
        raise ParameterError(f"start {asked.start.isoformat()} is not before end {asked.end.isoformat()}.")
    if not len(asked.times):
        raise ParameterError(
            f"no multiple of {asked.step} lies after {asked.start.isoformat()} and up to {asked.end.isoformat()}.",
            hint="Ask for a longer window or a shorter step.",
        )
    return asked


class Source(ABC):
    """Where samples come from. Use it as a context manager, or `close` it."""

    kind: ClassVar[str] = "source"
    """What answers, for a person: "VictoriaMetrics"."""

    latency: pd.Timedelta = pd.Timedelta(0)
    """How long after an instant its samples may still be on their way."""

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    def connect(cls, url: str, **options: Any) -> Source:
        """Make the source that ``url`` names; a class whose constructor takes the URL needs nothing else."""
        return cls(url, **options)

    # What a connector must have -----------------------------------------------------------------------------------

    @abstractmethod
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
        """Return ``query`` at every instant of a grid, as a wide frame with its provenance.

        Parameters
        ----------
        query : str
            PromQL or MetricsQL.
        start, end : str or Timestamp
            Instants t with start < t ≤ end are answered: a step speaks for the time that *ends* there. An ``end`` past
            the last finished step is taken back to it, and provenance tells so.
        step : str or Timedelta
            Spacing; the instants are its whole multiples since 1970-01-01T00:00Z.
        aggregate : {"max", "min", "mean", "sum", "count", "last", "p95" …}, optional
            What each step (t − step, t] is rolled up to, from the samples of a plain selector, or from the value of an
            expression every ``resolution``. None: the query as it is written.
        name : str, optional
            The column level ``metric``; else ``__name__``, else the query's text.

        Returns
        -------
        DataFrame
            One row an instant, none left out; columns in the order of their labels. A matched series without samples
            is NaN throughout.

        Raises
        ------
        NoData
            No series matches.
        SourceError
            One of its kinds: see `capacity.errors`.
        """

    @abstractmethod
    def now(self) -> pd.Timestamp:
        """Return the source's own clock: a live server's time, or the end of what an archive holds."""

    # What is shared -----------------------------------------------------------------------------------------------

    def finished(self, step: Duration) -> pd.Timestamp:
        """Return the last multiple of ``step`` whose samples have all arrived."""
        width = duration(step, name="step")
        return EPOCH + (self.now() - self.latency - EPOCH) // width * width

    def pull(
        self,
        catalog: Catalog | str | Path,
        resources: str | Iterable[str] | None = None,
        as_of: When | None = None,
        window: Duration = "120d",
        into: str | Path | None = None,
        progress: Progress | None = None,
        *,
        deadline: Duration | None = None,
        refresh: bool = False,
    ) -> Pull:
        """Bring every resource's demand and limit, in base units: see `connectors.pulls.pull`."""
        from connectors.pulls import pull

        with self.bounded(deadline):
            return pull(
                self,
                catalog,
                resources=resources,
                as_of=as_of,
                window=window,
                into=into,
                progress=progress,
                refresh=refresh,
            )

    def measure(
        self,
        catalog: Catalog | str | Path,
        objectives: str | Iterable[str] | None = None,
        as_of: When | None = None,
        window: Duration = "90d",
        progress: Progress | None = None,
    ) -> Measured:
        """Bring what a catalogue's objectives are judged by: see `connectors.objectives.measure`."""
        from connectors.objectives import measure

        return measure(self, catalog, objectives=objectives, as_of=as_of, window=window, progress=progress)

    @contextmanager
    def bounded(self, deadline: Duration | None) -> Iterator[None]:
        """Let everything that is asked inside end within ``deadline``, or fail; None: no bound but each request's own.

        A source that waits for nobody has nothing to bound.
        """
        if deadline is not None:
            duration(deadline, name="deadline")
        yield

    def retention(self, selector: str | None = None) -> Retention:
        """Return how far back samples go, of the whole server or of what a selector matches, and what is knowable."""
        if selector is not None:
            self._cannot("tell how far back a selector's samples go")
        told = self.info()
        return Retention(told.retention, told.oldest, told.newest)

    def close(self) -> None:  # noqa: B027 - most sources hold nothing open
        """Let go of what is held open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    # What a source may have ---------------------------------------------------------------------------------------

    def info(self) -> ServerInfo:
        """Return what answers, how long it keeps samples, and from when to when it has any."""
        return ServerInfo(self.kind)

    def samples(self, selector: str, *, start: When, end: When, stale: bool = False) -> pd.DataFrame:
        """Return the raw samples at start < t ≤ end as a long frame: ``time``, ``metric``, the labels, ``value``.

        ``stale``: with the markers that end a series, as NaN.
        """
        self._cannot("give raw samples")

    def instant(self, query: str, *, at: When | None = None, name: str | None = None) -> pd.DataFrame:
        """Return ``query`` at one instant as a wide frame of one row; None: the last instant that is complete."""
        self._cannot("answer for one instant")

    def series(
        self, selector: str | Sequence[str], *, start: When | None = None, end: When | None = None
    ) -> list[dict[str, str]]:
        """Return the labels (with ``__name__``) of every series that matches, sorted; no window: of all times."""
        self._cannot("list series")

    def labels(self, *, start: When | None = None, end: When | None = None) -> list[str]:
        """Return the names of all labels, sorted."""
        self._cannot("list labels")

    def label_values(self, label: str, *, start: When | None = None, end: When | None = None) -> list[str]:
        """Return the values of one label, sorted; of ``__name__``: the metrics."""
        self._cannot("list a label's values")

    def metadata(self) -> pd.DataFrame:
        """Return what the server knows of its metrics: ``metric``, ``type``, ``help``, ``unit``; empty if nothing."""
        self._cannot("tell about its metrics")

    def cardinality(self, *, top: int = 20, date: When | None = None) -> pd.DataFrame:
        """Return what has the most series: ``by``, ``name``, ``series``, and what else is known."""
        self._cannot("count its series")

    def write(self, frame: pd.DataFrame, *, verify: bool = True) -> int:
        """Store a wide frame's samples (NaN left out) and return how many; verified: read back before this returns."""
        self._cannot("be written to")

    def write_forecast(
        self,
        forecast: pd.DataFrame | Mapping[float, pd.DataFrame],
        *,
        horizons: Sequence[str] = HORIZONS,
        verify: bool = True,
    ) -> ForecastWritten:
        """Store a forecast's quantiles, at their own times or as gauges at the present: see `connectors.foretold`."""
        self._cannot("be written to")

    def _cannot(self, what: str) -> NoReturn:
        raise Unsupported(f"{self.name} ({self.kind}) cannot {what}.", source=self.name)
