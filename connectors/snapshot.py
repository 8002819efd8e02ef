"""``snapshot:FOLDER``: answers that were kept, so that a report can be drawn again offline, to the same bytes."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from capacity import provenance
from capacity.errors import NoData, ParameterError, SnapshotTorn
from capacity.frames import METRIC, check, duration_text
from connectors import assemble
from connectors.archive import Entry, read_frame, read_manifest, sealed, write_frame, write_manifest
from connectors.base import Duration, Progress, ServerInfo, Source, When, Window, window
from connectors.expressions import metric_of
from connectors.held import find, keep, not_held
from connectors.selectors import Matcher

__all__ = ["Snapshot", "SnapshotWriter"]

# A roll-up of roll-ups is the roll-up of the whole for these, and for no others.
ROLLS_UP = ("max", "min", "sum", "count", "last")


class Snapshot(Source):
    """A folder that `SnapshotWriter` wrote.

    It answers the queries that it holds, and plain selectors of them, over any window inside and on any multiple of the
    step whose roll-up follows from what is held. Provenance is that of the pull: the server, and when it was asked.
    """

    kind = "snapshot"

    def __init__(self, url: str) -> None:
        _, _, path = url.partition(":")
        self.folder = Path(path).expanduser()
        if not path or not self.folder.is_dir():
            raise ParameterError(
                f"there is no folder {path!r} to read a snapshot from.",
                hint="Write snapshot:FOLDER; capacity pull --into FOLDER makes one.",
            )
        super().__init__(f"snapshot:{path}")
        self.entries = read_manifest(self.folder)
        self._frames: dict[str, pd.DataFrame] = {}

    def now(self) -> pd.Timestamp:
        """Return the end of what is held."""
        if not self.entries:
            raise NoData(f"{self.name} holds nothing.", source=self.name)
        return max(entry.end for entry in self.entries)

    def info(self) -> ServerInfo:
        """Return from when to when answers are held, and which servers gave them."""
        metrics = [one for entry in self.entries for one in entry.provenance.get("metrics", {}).values()]
        servers = sorted({str(one["server"]) for one in metrics if one.get("server")})
        oldest = min((entry.start for entry in self.entries), default=None)
        return ServerInfo(
            self.kind, ", ".join(servers) or "unknown", oldest=oldest, newest=self.now() if self.entries else None
        )

    def range(
        self,
        query: str,
        *,
        start: When,
        end: When,
        step: Duration = "1h",
        aggregate: str | None = None,
        name: str | None = None,
        resolution: Duration | None = None,  # noqa: ARG002 - what is held was evaluated already
        progress: Progress | None = None,
    ) -> pd.DataFrame:
        """Return a query that is held: see `connectors.base.Source.range`.

        Raises
        ------
        NotHeld
            The query, the window, the step or the roll-up does not follow from what is held; it lists what there is.
        NoData
            The source had none when it was asked, or the conditions on labels leave no series.
        SnapshotTorn
            A file is not the one that was written.
        """
        asked = window(start, end, step)
        kept = asked.until(self.finished(asked.step))
        entry, matchers = self._entry(query, kept, aggregate)
        if entry.nothing:
            raise NoData(entry.nothing, source=self.name, query=query)
        whole = keep(self._frame(entry), matchers, query=query, source=self.name)
        frame = _rolled(whole, entry, kept).copy()
        frame.attrs = {}
        frame = _renamed(frame, name or metric_of(query) or query.strip(), forced=name is not None)
        if progress is not None:
            progress(1, 1, query)
        return _told(frame, entry, kept, query)

    def _entry(self, query: str, kept: Window, aggregate: str | None) -> tuple[Entry, frozenset[Matcher]]:
        """Find what answers: the held answer with the step nearest to the one asked for."""
        found = find(query, self.entries)
        fitting = [(entry, more) for entry, more in found if not _hindrance(entry, kept, aggregate)]
        if fitting:
            return max(fitting, key=lambda one: (one[0].step, not one[1], one[0].end))
        why = _hindrance(found[-1][0], kept, aggregate) if found else ""
        raise not_held(query, self.entries, source=self.name, why=why)

    def _frame(self, entry: Entry) -> pd.DataFrame:
        if entry.file not in self._frames:
            self._frames[entry.file] = read_frame(self.folder, entry)
        return self._frames[entry.file]


def _hindrance(entry: Entry, kept: Window, aggregate: str | None) -> str:
    """Say why an answer that is held cannot answer; an empty text: it can."""
    times = kept.times
    if aggregate != entry.aggregate:
        return f"It is held {_rolled_up(entry.aggregate)}, not {_rolled_up(aggregate)}."
    if kept.step % entry.step:
        return f"A step of {duration_text(kept.step)} is not a multiple of {duration_text(entry.step)}."
    if kept.step != entry.step and aggregate is not None and aggregate not in ROLLS_UP:
        steps = f"{duration_text(kept.step)} does not follow from that over {duration_text(entry.step)}"
        return f"The {aggregate} over {steps}."
    first = times[0] - (kept.step if aggregate else entry.step) if len(times) else kept.start
    if not len(times) or min(first, kept.start) < entry.start or kept.end > entry.end:
        return f"The window {kept.start.isoformat()} to {kept.end.isoformat()} is not inside the one that is held."
    return ""


def _rolled_up(aggregate: str | None) -> str:
    return f"rolled up to its {aggregate}" if aggregate else "as it is written"


def _rolled(whole: pd.DataFrame, entry: Entry, kept: Window) -> pd.DataFrame:
    """Return the window's part of an answer, on the window's step."""
    times = kept.times
    if kept.step == entry.step or entry.aggregate is None:
        return whole.reindex(times)
    fine = whole.loc[(whole.index > times[0] - kept.step) & (whole.index <= times[-1])]
    groups = fine.groupby(times[times.searchsorted(fine.index)])
    rolled = groups.sum(min_count=1) if entry.aggregate in ("sum", "count") else groups.agg(entry.aggregate)
    return rolled.reindex(times)


def _renamed(frame: pd.DataFrame, name: str, *, forced: bool) -> pd.DataFrame:
    """Name the metric, as the question asks; several metrics keep their names unless one is given."""
    names = frame.columns.to_frame(index=False)
    if forced or len(set(names[METRIC])) == 1:
        names[METRIC] = name
        frame.columns = pd.MultiIndex.from_frame(names)
    return check(frame)


def _told(frame: pd.DataFrame, entry: Entry, kept: Window, query: str) -> pd.DataFrame:
    """Record where the numbers come from: as it was told when they were pulled, but for what was cut since."""
    told = list(entry.provenance.get("metrics", {}).items())
    for metric in frame.columns.get_level_values(METRIC).unique():
        was = dict(next((fields for name, fields in told if name == metric), told[0][1] if told else {}))
        same = was.get("start") == kept.start.isoformat() and was.get("end") == kept.end.isoformat()
        provenance.attach(frame, str(metric), **was)
        if not (same and kept.step == entry.step and was.get("query") == query):
            assemble.attach(frame, kept, query=query, step=duration_text(kept.step))
    return frame


class SnapshotWriter:
    """Keeps answers in a folder; they are a snapshot once `close` has returned, and not before.

    What the folder held already stays, but for answers to the same question over the same window.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._new: list[Entry] = []

    def put(
        self,
        frame: pd.DataFrame,
        *,
        query: str,
        step: pd.Timedelta,
        aggregate: str | None,
        start: pd.Timestamp,
        end: pd.Timestamp,
        role: str = "",
        resource: str = "",
    ) -> Entry:
        """Keep one query's answer, as the source gave it, with its provenance."""
        last = min(end, frame.index[-1]) if len(frame) else end
        stem = re.sub(r"[^A-Za-z0-9_]+", "-", f"{resource or 'query'}-{role or 'answer'}-{duration_text(step)}")
        file, digest = write_frame(self.folder, frame, step=step, stem=stem)
        record: Mapping[str, Any] = copy.deepcopy(frame.attrs.get(provenance.KEY, {}))
        entry = Entry(query, start, last, step, aggregate, file, digest, role, resource, record)
        self._new.append(entry)
        return entry

    def put_nothing(
        self,
        said: str,
        *,
        query: str,
        step: pd.Timedelta,
        aggregate: str | None,
        start: pd.Timestamp,
        end: pd.Timestamp,
        role: str = "",
        resource: str = "",
    ) -> Entry:
        """Keep that a query had no data, in the source's words: it is answered so again."""
        entry = Entry(query, start, end, step, aggregate, role=role, resource=resource, nothing=said)
        self._new.append(entry)
        return entry

    def close(self) -> Path:
        """Make what was put the snapshot, all at once, and return the folder."""
        with sealed(self.folder):
            try:
                before = read_manifest(self.folder)
            except SnapshotTorn:
                before = []  # the torn one is what this pull replaces
            keys = {entry.key for entry in self._new}
            entries = [*(entry for entry in before if entry.key not in keys), *self._new]
            write_manifest(self.folder, {entry.key: entry for entry in entries}.values())
            for file in {entry.file for entry in before} - {entry.file for entry in entries} - {""}:
                (self.folder / file).unlink(missing_ok=True)
        return self.folder
