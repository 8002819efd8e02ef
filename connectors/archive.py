"""The files of a snapshot: a Parquet file for each answer, a row for each series, and a manifest that vouches for them.

pandas' own Parquet cannot carry columns of several levels that have missing labels. So labels are columns, a series'
values are a list, and the grid of times stands in the file's metadata. Every file is written whole under another name
and then renamed, the manifest last: what a reader finds is either all of a snapshot or the one before it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from capacity import __version__
from capacity.errors import SnapshotTorn
from capacity.frames import TIME, duration, duration_text, instant
from connectors.held import Holding

__all__ = [
    "MANIFEST",
    "Entry",
    "read_frame",
    "read_manifest",
    "replace_file",
    "sealed",
    "sweep",
    "torn",
    "write_frame",
    "write_manifest",
    "writing",
]

MANIFEST = "manifest.json"
FORMAT = 1
VALUES = "__values__"
GRID = b"capacity.grid"
AGAIN = "Pull it again: capacity pull --into {folder}."


@dataclass(frozen=True)
class Entry(Holding):
    """One answer in the archive.

    Attributes
    ----------
    file, sha256
        Its file in the folder, and that file's hash; both empty where the answer was that there is no data.
    role, resource
        What it was pulled for: "demand" or "limit" of a resource.
    provenance
        The frame's, as plain JSON.
    nothing
        What the source said when it had no data; empty: there is a file.
    asked_of, pulled_at
        The source's name, and its time when it was asked; empty where that was not recorded.
    resolution
        How finely an expression was evaluated; empty: as is usual.
    """

    file: str = ""
    sha256: str = ""
    role: str = ""
    resource: str = ""
    provenance: Mapping[str, Any] = field(default_factory=dict, hash=False)
    nothing: str = ""
    asked_of: str = ""
    pulled_at: str = ""
    resolution: str = ""

    @property
    def key(self) -> tuple[object, ...]:
        """What must be the same for one answer to take another's place."""
        what = (self.query, self.step, self.aggregate, self.resolution, self.asked_of)
        return (*what, self.start, self.end, self.role, self.resource)

    def to_json(self) -> dict[str, Any]:
        """Return the plain JSON form."""
        return {
            "query": self.query,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "step": duration_text(self.step),
            "aggregate": self.aggregate,
            "role": self.role,
            "resource": self.resource,
            "file": self.file,
            "sha256": self.sha256,
            "nothing": self.nothing,
            "asked_of": self.asked_of,
            "pulled_at": self.pulled_at,
            "resolution": self.resolution,
            "provenance": dict(self.provenance),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Entry:
        """Read the plain JSON form."""
        read = dict(stored)
        for name in ("start", "end"):
            read[name] = instant(read[name])
        read["step"] = duration(read["step"])
        if Path(read["file"]).name != read["file"]:
            raise ValueError(f"{read['file']!r} is not in the folder")
        return cls(**read)


def torn(folder: Path, what: str) -> SnapshotTorn:
    """Say that a snapshot is not as it was written, and what to do."""
    return SnapshotTorn(
        f"the snapshot {folder} is torn: {what}.", source=f"snapshot:{folder}", hint=AGAIN.format(folder=folder)
    )


# The manifest --------------------------------------------------------------------------------------------------------


def read_manifest(folder: Path) -> list[Entry]:
    """Read what a snapshot holds.

    Raises
    ------
    SnapshotTorn
        There is no manifest, or it cannot be read.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise torn(folder, f"it has no {MANIFEST}, so it was never finished")
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["format"] != FORMAT:
            raise ValueError(f"format {stored['format']!r} is not {FORMAT}")
        return [Entry.from_json(entry) for entry in stored["entries"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise torn(folder, f"{MANIFEST} cannot be read ({type(error).__name__}: {error})") from None


def write_manifest(folder: Path, entries: Iterable[Entry]) -> None:
    """Write what a snapshot holds, in the order of its questions: from here on it is what readers find."""
    ordered = sorted(
        entries, key=lambda entry: (entry.resource, entry.role, entry.query, entry.start, entry.end, str(entry.key))
    )
    stored = {
        "format": FORMAT,
        "versions": {"capacity-workbench": __version__, "pandas": pd.__version__, "pyarrow": pa.__version__},
        "entries": [entry.to_json() for entry in ordered],
    }
    text = json.dumps(stored, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    replace_file(folder / MANIFEST, text.encode("utf-8"))


@contextmanager
def sealed(folder: Path) -> Iterator[None]:
    """Keep other writers out of a folder's manifest while it is read, added to and written."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def writing(folder: Path) -> int:
    """Say that files are being written which no manifest names yet; the lock lasts until the descriptor is closed."""
    descriptor = os.open(folder / ".writers", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def sweep(folder: Path, entries: Iterable[Entry]) -> int:
    """Remove the files that no entry names, and return how many; none while anybody is writing: they may be theirs."""
    descriptor = os.open(folder / ".writers", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        named = {entry.file for entry in entries}
        left = [file for file in folder.glob("*.parquet") if file.name not in named]
        left += folder.glob(".*.part")
        for file in left:
            file.unlink(missing_ok=True)
    except BlockingIOError:
        return 0
    finally:
        os.close(descriptor)
    return len(left)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, even if the power fails."""
    part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# Frames --------------------------------------------------------------------------------------------------------------


def write_frame(folder: Path, frame: pd.DataFrame, *, step: pd.Timedelta, stem: str) -> tuple[str, str]:
    """Write a frame, and return its file's name and hash; the name has part of the hash, so nothing is overwritten."""
    sink = pa.BufferOutputStream()
    table = _table(frame, step)
    labels = [name for name in table.column_names if name != VALUES]
    pq.write_table(
        table,
        sink,
        compression="zstd",
        use_dictionary=labels,
        column_encoding={f"{VALUES}.list.element": "BYTE_STREAM_SPLIT"},
    )
    content = sink.getvalue().to_pybytes()
    digest = hashlib.sha256(content).hexdigest()
    name = f"{stem}-{digest[:12]}.parquet"
    replace_file(folder / name, content)
    return name, digest


def _table(frame: pd.DataFrame, step: pd.Timedelta) -> pa.Table:
    values = np.ascontiguousarray(frame.to_numpy(dtype=float).T)
    offsets = np.arange(values.shape[0] + 1, dtype=np.int32 if values.size < 2**31 else np.int64) * values.shape[1]
    kind = pa.ListArray if offsets.dtype == np.int32 else pa.LargeListArray
    levels = [str(name) for name in frame.columns.names]
    columns = {level: pa.array(frame.columns.get_level_values(level).astype(str), type=pa.string()) for level in levels}
    columns[VALUES] = kind.from_arrays(pa.array(offsets), pa.array(values.ravel()))
    first = frame.index[0].isoformat() if len(frame) else None
    grid = {"first": first, "count": len(frame), "step": duration_text(step), "levels": levels}
    return pa.table(columns).replace_schema_metadata({GRID: json.dumps(grid).encode()})


def read_frame(folder: Path, entry: Entry) -> pd.DataFrame:
    """Read an answer's frame, without its provenance.

    Raises
    ------
    SnapshotTorn
        The file is gone, or is not the one that the manifest vouches for.
    """
    path = folder / entry.file
    try:
        content = path.read_bytes()
    except OSError as error:
        raise torn(folder, f"{entry.file} cannot be read ({error.strerror})") from None
    if hashlib.sha256(content).hexdigest() != entry.sha256:
        raise torn(folder, f"{entry.file} is not the file that was written ({len(content)} bytes)")
    table = pq.read_table(pa.BufferReader(content))
    grid = json.loads(table.schema.metadata[GRID])
    step = duration(grid["step"])
    if grid["first"] is None:
        times = pd.DatetimeIndex([], tz="UTC")
    else:
        times = pd.date_range(instant(grid["first"]), periods=grid["count"], freq=step)
    values = (
        table[VALUES].combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(table.num_rows, grid["count"])
    )
    columns = pd.MultiIndex.from_arrays([table[level].to_pylist() for level in grid["levels"]], names=grid["levels"])
    return pd.DataFrame(values.T, index=times.as_unit("us").rename(TIME), columns=columns)
