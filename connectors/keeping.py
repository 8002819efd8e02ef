"""Writing a snapshot: what was put becomes part of it all at once, or not at all."""

from __future__ import annotations

import copy
import os
import re
import weakref
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd

from capacity import provenance
from capacity.errors import SnapshotTorn
from capacity.frames import duration_text
from connectors.archive import MANIFEST, Entry, read_manifest, sealed, sweep, write_frame, write_manifest, writing

__all__ = ["SnapshotWriter"]


class SnapshotWriter:
    """Keeps answers in a folder; they are a snapshot once `close` has returned, and not before.

    What the folder held already stays, but for answers to the same question over the same window. As a context manager
    it closes at the end of its block, and lets go of what was put where the block fails.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.new: list[Entry] = []
        self._dropped: set[tuple[object, ...]] = set()
        self._let_go = weakref.finalize(self, os.close, writing(self.folder))

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
        **asked: Any,
    ) -> Entry:
        """Keep one query's answer, as the source gave it, with its provenance.

        ``asked``: further fields of `Entry`: of whom, when, how finely.
        """
        last = min(end, frame.index[-1]) if len(frame) else end
        stem = re.sub(r"[^A-Za-z0-9_]+", "-", f"{resource or 'query'}-{role or 'answer'}-{duration_text(step)}")
        file, digest = write_frame(self.folder, frame, step=step, stem=stem)
        record: Mapping[str, Any] = copy.deepcopy(frame.attrs.get(provenance.KEY, {}))
        entry = Entry(query, start, last, step, aggregate, file, digest, role, resource, record, **asked)
        self.new.append(entry)
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
        **asked: Any,
    ) -> Entry:
        """Keep that a query had no data, in the source's words: it is answered so again."""
        entry = Entry(query, start, end, step, aggregate, role=role, resource=resource, nothing=said, **asked)
        self.new.append(entry)
        return entry

    def drop(self, entries: Iterable[Entry]) -> None:
        """Let go of entries, once this is closed: something that was put says the same."""
        self._dropped |= {entry.key for entry in entries}

    def close(self) -> Path:
        """Make what was put the snapshot, all at once, and return the folder."""
        with sealed(self.folder):
            try:
                before = read_manifest(self.folder)
            except SnapshotTorn:
                before = []  # the torn one is what this pull replaces
            keys = {entry.key for entry in self.new} | self._dropped
            entries = {entry.key: entry for entry in before if entry.key not in keys}
            entries |= {entry.key: entry for entry in self.new}
            if self.new or self._dropped or not before:
                write_manifest(self.folder, entries.values())
            self._let_go()
            sweep(self.folder, entries.values())
        return self.folder

    def discard(self) -> None:
        """Let go of what was put: the folder is as it was."""
        with sealed(self.folder):
            self._let_go()
            try:
                sweep(self.folder, read_manifest(self.folder))
            except SnapshotTorn:
                if not (self.folder / MANIFEST).exists():
                    sweep(self.folder, ())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()
