"""A folder before a source: what is over is pulled once, and a later question pulls only what has come since.

A stretch of time counts as over once the server was asked `SETTLE` after its end: what was pulled earlier may lack
samples that arrived late, and is pulled again. A backfill into what is over is not seen; `refresh` pulls all anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from capacity import provenance
from capacity.errors import NoData, SnapshotTorn
from capacity.frames import EPOCH, duration, duration_text, instant
from connectors import assemble
from connectors.archive import Entry, read_manifest
from connectors.base import Duration, Progress, ServerInfo, Source, When, Window, window
from connectors.compose import covered
from connectors.expressions import whole_window_part
from connectors.keeping import SnapshotWriter
from connectors.retention import Retention
from connectors.snapshot import Snapshot

__all__ = ["SETTLE", "Cached"]

SETTLE = pd.Timedelta(hours=1)
"""How late samples may be: agents hold back what they could not send, and Prometheus itself takes an hour's."""

MOST_PIECES = 16
"""From how many parts an answer is put together before they are written as one."""

Stretch = tuple[pd.Timestamp, pd.Timestamp]


class Cached(Source):
    """Another source, and a folder that keeps its ranges: ``connect(url, cache=FOLDER)``.

    Everything but `range` and `pull` is asked of the source itself.
    """

    def __init__(self, source: Source, folder: str | Path, *, settle: Duration = SETTLE, refresh: bool = False) -> None:
        super().__init__(source.name)
        self.source = source
        self.latency = source.latency
        self.folder = Path(folder)
        # What does not live has no late samples.
        self.settle = duration(settle, name="settle") if source.latency else pd.Timedelta(0)
        self.refresh = refresh
        self._frames: dict[str, pd.DataFrame] = {}

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
        """Return a query on a grid, of which only what is not kept yet is pulled: see `Source.range`."""
        asked = window(start, end, step)
        with SnapshotWriter(self.folder) as writer:
            how = {"aggregate": aggregate, "name": name, "resolution": resolution}
            try:
                return self.fetch(query, asked, writer, **how, progress=progress)  # type: ignore[arg-type]
            except NoData:
                writer.close()  # that there is nothing is an answer, too
                raise

    def fetch(
        self,
        query: str,
        asked: Window,
        writer: SnapshotWriter,
        *,
        aggregate: str | None = None,
        name: str | None = None,
        resolution: Duration | None = None,
        unit: str = "",
        role: str = "",
        resource: str = "",
        progress: Progress | None = None,
    ) -> pd.DataFrame:
        """As `range`; what is pulled is put into ``writer``, and kept once that is closed.

        Raises
        ------
        NoData
            The source had none, now or when it was asked.
        """
        kept = asked.until(self.source.finished(asked.step))
        ask: dict[str, Any] = {"step": asked.step, "aggregate": aggregate, "name": name, "resolution": resolution}
        if not len(kept.times):
            return self.source.range(query, start=asked.start, end=asked.end, **ask)
        keeping = {"query": query, "step": asked.step, "aggregate": aggregate, "role": role, "resource": resource}
        fine = "" if resolution is None else duration_text(duration(resolution, name="resolution"))
        keeping |= {"asked_of": self.name, "resolution": fine}
        held = self._held(keeping, kept, writer)
        try:
            return self._filled(
                query, asked, kept, held, writer, ask=ask, keeping=keeping, unit=unit, progress=progress
            )
        except SnapshotTorn:
            # What is kept is not what was written: it is let go of, and pulled again.
            writer.drop(held)
            return self._filled(query, asked, kept, [], writer, ask=ask, keeping=keeping, unit=unit, progress=progress)

    def _held(self, keeping: dict[str, Any], kept: Window, writer: SnapshotWriter) -> list[Entry]:
        """Return the answers to this very question that are kept."""
        if self.refresh:
            return []
        try:
            entries = read_manifest(self.folder)
        except SnapshotTorn:
            entries = []
        same = [entry for entry in (*entries, *writer.new) if all(getattr(entry, k) == v for k, v in keeping.items())]
        if whole_window_part(keeping["query"]):  # whose answer is that of its own window alone
            stretch = (kept.times[0] - kept.step, kept.times[-1])
            return [entry for entry in same if covered(entry) == self._over(entry) == stretch]
        return same

    def _filled(
        self,
        query: str,
        asked: Window,
        kept: Window,
        held: list[Entry],
        writer: SnapshotWriter,
        *,
        ask: dict[str, Any],
        keeping: dict[str, Any],
        unit: str,
        progress: Progress | None,
    ) -> pd.DataFrame:
        """Pull what is missing, and answer from all there is then."""
        missing = self._missing(kept, held)
        entries = list(held)
        for number, (after, until) in enumerate(missing, start=1):
            entries.append(self._pulled(query, Window(after, until, kept.step), writer, ask, keeping, unit))
            if progress is not None:
                progress(number, len(missing), f"stretch {number} of {len(missing)}")
        if progress is not None and not missing:
            progress(1, 1, "kept already")
        view = Snapshot.over(self.folder, entries, name=self.name, frames=self._frames)
        answer = view.range(
            query, start=kept.start, end=kept.end, step=kept.step, aggregate=ask["aggregate"], name=ask["name"]
        )
        if len(entries) > MOST_PIECES:
            self._merge(answer, kept, entries, writer, keeping)
        return self._as_if_asked(answer, query, asked, kept, whole=len(entries) == 1 and not held)

    def _missing(self, kept: Window, held: Sequence[Entry]) -> list[Stretch]:
        """Return the stretches of a window that are not kept, or were pulled before they were over."""
        first, last = kept.times[0] - kept.step, kept.times[-1]
        missing: list[Stretch] = []
        for after, until in sorted(self._over(entry) for entry in held):
            if after >= last or until <= first:
                continue
            if after > first:
                missing.append((first, after))
            first = max(first, until)
        if first < last:
            missing.append((first, last))
        if missing and missing[0][0] < kept.start and missing[0][1] > kept.start:
            missing[0] = (kept.start, missing[0][1])
        if missing and missing[-1][1] == last:
            missing[-1] = (missing[-1][0], kept.end)
        return missing

    def _over(self, entry: Entry) -> Stretch:
        """Return the stretch of an entry that was over when it was pulled."""
        after, until = covered(entry)
        settled = EPOCH + (instant(entry.pulled_at) - self.settle - EPOCH) // entry.step * entry.step
        return after, max(after, min(until, settled))

    def _pulled(
        self,
        query: str,
        part: Window,
        writer: SnapshotWriter,
        ask: dict[str, Any],
        keeping: dict[str, Any],
        unit: str,
    ) -> Entry:
        """Pull one stretch, and put it into the writer."""
        told = {"start": part.start, "end": part.end, "pulled_at": self.source.now().isoformat(), **keeping}
        try:
            frame = self.source.range(query, start=part.start, end=part.end, **ask)
        except NoData as error:
            return writer.put_nothing(error.message, **told)
        if unit:
            for metric in frame.columns.get_level_values(0).unique():
                provenance.attach(frame, str(metric), unit=unit)
        entry = writer.put(frame, **told)
        self._frames[entry.file] = frame
        return entry

    def _merge(
        self, answer: pd.DataFrame, kept: Window, entries: list[Entry], writer: SnapshotWriter, keeping: dict[str, Any]
    ) -> None:
        """Write an answer that was put together from many parts as one, and let go of them."""
        pulled_at = max(entry.pulled_at for entry in entries)
        whole = writer.put(answer, start=kept.start, end=kept.end, pulled_at=pulled_at, **keeping)
        after, until = covered(whole)
        inside = [one for one in entries if after <= covered(one)[0] and covered(one)[1] <= until]
        writer.drop(inside)
        writer.new = [one for one in writer.new if one not in inside]

    def _as_if_asked(
        self, answer: pd.DataFrame, query: str, asked: Window, kept: Window, *, whole: bool
    ) -> pd.DataFrame:
        """Leave out the series that have nothing in this window, as the source does; tell of unfinished steps."""
        if not whole and answer.isna().all().any():
            attrs = answer.attrs
            answer = answer.loc[:, answer.notna().any()]
            answer.attrs = attrs
            if not answer.shape[1]:
                raise assemble.no_data(query, source=self.name, when=f"from {kept.start} to {kept.end}")
            answer.columns = pd.MultiIndex.from_frame(answer.columns.to_frame(index=False))
            for metric in answer.columns.get_level_values(0).unique():
                count = int((answer.columns.get_level_values(0) == metric).sum())
                provenance.attach(answer, str(metric), series=count, gaps=assemble.gaps(answer, metric))
        left_out = len(asked.times) - len(kept.times)
        if left_out:
            for entry in provenance.read(answer).metrics:
                note = f"{left_out} step(s) after {kept.end.isoformat()} were not finished and are left out"
                provenance.attach(answer, entry.metric, notes=(*entry.notes, note))
        return answer

    # Everything else is the source's own -------------------------------------------------------------------------

    def now(self) -> pd.Timestamp:
        """Return the source's clock."""
        return self.source.now()

    def finished(self, step: Duration) -> pd.Timestamp:
        """Return the last multiple of ``step`` that the source has finished."""
        return self.source.finished(step)

    def info(self) -> ServerInfo:
        """Return what the source says."""
        return self.source.info()

    def retention(self, selector: str | None = None) -> Retention:
        """Return what the source says."""
        return self.source.retention(selector)

    @contextmanager
    def bounded(self, deadline: Duration | None) -> Iterator[None]:
        """Bound the source: see `Source.bounded`."""
        with self.source.bounded(deadline):
            yield

    def close(self) -> None:
        """Close the source."""
        self.source.close()

    def samples(self, selector: str, **asked: Any) -> pd.DataFrame:
        """Return the source's raw samples; they are not kept."""
        return self.source.samples(selector, **asked)

    def instant(self, query: str, **asked: Any) -> pd.DataFrame:
        """Return the source's answer for one instant."""
        return self.source.instant(query, **asked)

    def series(self, selector: str | Sequence[str], **asked: Any) -> list[dict[str, str]]:
        """Return the source's series."""
        return self.source.series(selector, **asked)

    def labels(self, **asked: Any) -> list[str]:
        """Return the source's labels."""
        return self.source.labels(**asked)

    def label_values(self, label: str, **asked: Any) -> list[str]:
        """Return the source's values of a label."""
        return self.source.label_values(label, **asked)

    def metadata(self) -> pd.DataFrame:
        """Return what the source knows of its metrics."""
        return self.source.metadata()

    def cardinality(self, **asked: Any) -> pd.DataFrame:
        """Return what has the most series in the source."""
        return self.source.cardinality(**asked)

    def write(self, frame: pd.DataFrame, *, verify: bool = True) -> int:
        """Write to the source; what is kept already does not change."""
        return self.source.write(frame, verify=verify)
