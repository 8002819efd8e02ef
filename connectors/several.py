"""Several sources that answer as one: each series gets a label ``source``. The base of views over regions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import ClassVar

import pandas as pd

from capacity import provenance
from capacity.errors import NoData, ParameterError
from capacity.frames import METRIC, join
from connectors.base import Duration, Progress, ServerInfo, Source, When, window

__all__ = ["Several"]

SOURCE = "source"


class Several(Source):
    """Asks each of its sources in turn. One that fails fails the whole: a region must not vanish from a plan unseen."""

    kind: ClassVar[str] = "several sources"

    def __init__(self, named: Sequence[tuple[str | None, Source]]) -> None:
        self.sources = {label or source.name: source for label, source in named}
        if not self.sources or len(self.sources) != len(named):
            raise ParameterError(
                f"{len(named)} source(s) under {len(self.sources)} name(s).",
                hint='Name at least one, and each once: connect({"eu": "http://…", "us": "http://…"}).',
            )
        super().__init__(", ".join(self.sources))
        self.latency = max(source.latency for source in self.sources.values())

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
        """Return every source's series side by side, up to the last step that all of them have finished.

        Raises
        ------
        NoData
            No source has a series that matches; one without any is told in provenance.
        """
        asked = window(start, end, step)
        until = min(asked.end, self.finished(asked.step))
        found: dict[str, pd.DataFrame] = {}
        without: list[str] = []
        for number, (label, source) in enumerate(self.sources.items(), start=1):
            try:
                found[label] = source.range(
                    query,
                    start=asked.start,
                    end=until,
                    step=asked.step,
                    aggregate=aggregate,
                    name=name,
                    resolution=resolution,
                )
            except NoData:
                without.append(label)
            if progress is not None:
                progress(number, len(self.sources), label)
        if not found:
            raise NoData(f"no series of {self.name} matches {query.strip()!r}.", source=self.name, query=query)
        return _told(join(*(_labelled(frame, label) for label, frame in found.items())), found, without)

    def instant(self, query: str, *, at: When | None = None, name: str | None = None) -> pd.DataFrame:
        """Return every source's series at one instant that all of them have; None: the last that is complete."""
        when = self.finished("1s") if at is None else at
        found: dict[str, pd.DataFrame] = {}
        without: list[str] = []
        for label, source in self.sources.items():
            try:
                found[label] = source.instant(query, at=when, name=name)
            except NoData:
                without.append(label)
        if not found:
            raise NoData(f"no series of {self.name} matches {query.strip()!r}.", source=self.name, query=query)
        return _told(join(*(_labelled(frame, label) for label, frame in found.items())), found, without)

    def series(
        self, selector: str | Sequence[str], *, start: When | None = None, end: When | None = None
    ) -> list[dict[str, str]]:
        """Return the labels of every source's series, each with its ``source``."""
        found = [
            {**labels, SOURCE: label}
            for label, source in self.sources.items()
            for labels in source.series(selector, start=start, end=end)
        ]
        return sorted(found, key=lambda labels: sorted(labels.items()))

    def labels(self, *, start: When | None = None, end: When | None = None) -> list[str]:
        """Return the names of all labels of any source, and ``source``."""
        return sorted({SOURCE}.union(*(source.labels(start=start, end=end) for source in self.sources.values())))

    def label_values(self, label: str, *, start: When | None = None, end: When | None = None) -> list[str]:
        """Return the values of one label in any source; of ``source``: the sources."""
        if label == SOURCE:
            return sorted(self.sources)
        every = (source.label_values(label, start=start, end=end) for source in self.sources.values())
        return sorted(set[str]().union(*every))

    def now(self) -> pd.Timestamp:
        """Return the clock of the source that is furthest behind."""
        return min(source.now() for source in self.sources.values())

    def finished(self, step: Duration) -> pd.Timestamp:
        """Return the last multiple of ``step`` that every source has finished."""
        return min(source.finished(step) for source in self.sources.values())

    def info(self) -> ServerInfo:
        """Return what all of them have: the shortest retention, the latest oldest and the earliest newest sample."""
        told = [source.info() for source in self.sources.values()]
        kinds = sorted({one.kind for one in told})
        versions = sorted({one.version for one in told})
        return ServerInfo(
            ", ".join(kinds),
            ", ".join(versions),
            min((one.retention for one in told if one.retention is not None), default=None),
            max((one.oldest for one in told if one.oldest is not None), default=None),
            min((one.newest for one in told if one.newest is not None), default=None),
        )

    @contextmanager
    def bounded(self, deadline: Duration | None) -> Iterator[None]:
        """Bound all of them together: see `Source.bounded`."""
        with ExitStack() as stack:
            for source in self.sources.values():
                stack.enter_context(source.bounded(deadline))
            yield

    def close(self) -> None:
        """Close each of them."""
        for source in self.sources.values():
            source.close()


def _labelled(frame: pd.DataFrame, label: str) -> pd.DataFrame:
    """Return the frame with a level ``source`` behind ``metric``."""
    names = [METRIC, SOURCE, *(str(name) for name in frame.columns.names[1:])]
    rows = [(key[0], label, *key[1:]) for key in frame.columns]
    labelled = frame.copy(deep=False)
    labelled.columns = pd.MultiIndex.from_tuples(rows, names=names)
    return labelled


def _told(joined: pd.DataFrame, found: dict[str, pd.DataFrame], without: list[str]) -> pd.DataFrame:
    """Record all sources of each metric: joining keeps the last one's words alone."""
    for metric in joined.columns.get_level_values(METRIC).unique():
        entries = [
            entry for frame in found.values() for entry in provenance.read(frame).metrics if entry.metric == metric
        ]
        notes = [note for entry in entries for note in entry.notes]
        notes += [f"{label} has no such series" for label in without]
        provenance.attach(
            joined,
            str(metric),
            source=", ".join(entry.source for entry in entries),
            server=", ".join(dict.fromkeys(entry.server for entry in entries)),
            series=sum(entry.series for entry in entries),
            gaps=sum(entry.gaps for entry in entries),
            dropped=sum(entry.dropped for entry in entries),
            duplicates=sum(entry.duplicates for entry in entries),
            seams=tuple(seam for entry in entries for seam in entry.seams),
            notes=tuple(dict.fromkeys(notes)),
        )
    return joined
