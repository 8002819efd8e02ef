"""``snapshot:FOLDER``: answers that were kept, so that a report can be drawn again offline, to the same bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from capacity import provenance
from capacity.errors import NoData, ParameterError, SnapshotTorn
from capacity.frames import METRIC, check, duration_text, series_labels
from connectors import assemble
from connectors.archive import Entry, read_frame, read_manifest
from connectors.base import Duration, Progress, ServerInfo, Source, When, Window, window
from connectors.compose import ROLLS_UP, Piece, pieces, rolled, seams_of, told_by
from connectors.expressions import is_selector, metric_of
from connectors.held import Holding, find, keep, not_held
from connectors.keeping import SnapshotWriter
from connectors.listing import Lists

__all__ = ["Snapshot", "SnapshotWriter"]


class Snapshot(Lists):
    """A folder that `SnapshotWriter` wrote.

    It answers the queries that it holds, and plain selectors of them, over any window inside and on any multiple of the
    step whose roll-up follows from what is held. Provenance is that of the pull: the server, and when it was asked.
    What was pulled in several goes, or is held at several spacings, is put together; its seams are told.
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

    @classmethod
    def over(cls, folder: Path, entries: Iterable[Entry], *, name: str, frames: dict[str, pd.DataFrame]) -> Snapshot:
        """Return what answers from these entries, whether a manifest names them yet or not."""
        made = cls.__new__(cls)
        Source.__init__(made, name)
        made.folder, made.entries, made._frames = folder, list(entries), frames
        return made

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

    def _held(self) -> Iterator[tuple[Holding, Iterable[dict[str, str]]]]:
        """Give the selectors that are held, each with its series."""
        for entry in self.entries:
            if is_selector(entry.query) and not entry.nothing:
                frame = self._frame(entry)
                names = [metric_of(entry.query) or str(name) for name in frame.columns.get_level_values(METRIC)]
                labels = series_labels(frame)
                yield entry, [{"__name__": name, **each} for name, each in zip(names, labels, strict=True)]

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
        try:
            frame = self._answer(query, asked, aggregate, name)
        except SnapshotTorn:
            # A writer may have put other files in their place since: then the manifest names those.
            now = read_manifest(self.folder)
            if now == self.entries:
                raise
            self.entries = now
            frame = self._answer(query, asked, aggregate, name)
        if progress is not None:
            progress(1, 1, query)
        return frame

    def _answer(self, query: str, asked: Window, aggregate: str | None, name: str | None) -> pd.DataFrame:
        kept = asked.until(self.finished(asked.step))
        made = self._pieces(query, kept, aggregate)
        whole = [piece for piece in made if not piece.entry.nothing]
        if not whole:
            raise NoData(made[-1].entry.nothing, source=self.name, query=query)

        def see(piece: Piece, entry: Entry) -> pd.DataFrame:
            return keep(self._frame(entry), piece.matchers, query=query, source=self.name)

        frame = rolled(whole, kept, aggregate, see).copy()
        frame.attrs = {}
        frame = _renamed(frame, name or metric_of(query) or query.strip(), forced=name is not None)
        return _told(frame, whole, kept, query, aggregate)

    def _pieces(self, query: str, kept: Window, aggregate: str | None) -> list[Piece]:
        """Find what answers: the held answers with the step nearest to the one asked for."""
        found = find(query, self.entries)
        made = pieces(found, kept, aggregate, self.entries)
        if made is None:
            why = _hindrance(found[-1][0], kept, aggregate) if found else ""
            raise not_held(query, self.entries, source=self.name, why=why)
        return made

    def _frame(self, entry: Entry) -> pd.DataFrame:
        if entry.file not in self._frames:
            self._frames[entry.file] = read_frame(self.folder, entry)
        return self._frames[entry.file]


def _hindrance(entry: Entry, kept: Window, aggregate: str | None) -> str:
    """Say why an answer that is held cannot answer."""
    if aggregate != entry.aggregate:
        return f"It is held {_rolled_up(entry.aggregate)}, not {_rolled_up(aggregate)}."
    if kept.step % entry.step:
        return f"A step of {duration_text(kept.step)} is not a multiple of {duration_text(entry.step)}."
    if kept.step != entry.step and aggregate is not None and aggregate not in ROLLS_UP:
        steps = f"{duration_text(kept.step)} does not follow from that over {duration_text(entry.step)}"
        return f"The {aggregate} over {steps}."
    return f"The window {kept.start.isoformat()} to {kept.end.isoformat()} is not inside the one that is held."


def _rolled_up(aggregate: str | None) -> str:
    return f"rolled up to its {aggregate}" if aggregate else "as it is written"


def _renamed(frame: pd.DataFrame, name: str, *, forced: bool) -> pd.DataFrame:
    """Name the metric, as the question asks; several metrics keep their names unless one is given."""
    names = frame.columns.to_frame(index=False)
    if forced or len(set(names[METRIC])) == 1:
        names[METRIC] = name
        frame.columns = pd.MultiIndex.from_frame(names)
    return check(frame)


def _told(frame: pd.DataFrame, made: list[Piece], kept: Window, query: str, aggregate: str | None) -> pd.DataFrame:
    """Record where the numbers come from: as it was told when they were pulled, but for what was cut since."""
    told = list(told_by(made).items())
    seams, notes = seams_of(made, aggregate)
    plain = len(made) == 1 and not seams and not notes and made[0].entry.step == kept.step
    for metric in frame.columns.get_level_values(METRIC).unique():
        was: dict[str, Any] = dict(
            next((fields for name, fields in told if name == metric), told[0][1] if told else {})
        )
        same = was.get("start") == kept.start.isoformat() and was.get("end") == kept.end.isoformat()
        provenance.attach(frame, str(metric), **was)
        if plain and same and was.get("query") == query:
            continue
        more = {name: [*was.get(name, ()), *new] for name, new in (("seams", seams), ("notes", notes)) if new}
        if aggregate is not None and made[-1].entry.aggregate is None:
            more["aggregate"] = aggregate  # type: ignore[assignment]
        assemble.attach(frame, kept, query=query, step=duration_text(kept.step), **more)
    return frame
