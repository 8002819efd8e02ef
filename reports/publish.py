"""Put a report where people look for it, whole or not at all.

A new report appears under its name in one step, so that nobody ever opens half of one; a run that failed leaves the
last good report as it is, and stands beside it as ``NAME.failed.ipynb``.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from capacity.errors import ReportError
from reports.notebooks import node, written

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from reports.truth import Failure

__all__ = [
    "check_target",
    "failed_path",
    "failed_text",
    "keep_failed",
    "publish",
    "sync_folder",
    "write_through",
    "write_whole",
]


def check_target(out: Path) -> None:
    """Make the folder of ``out``, and make sure that a file can be written there, before anything long is begun.

    Raises
    ------
    ReportError
        It cannot.
    """
    if out.is_dir():
        raise ReportError(f"{out} is a folder; a report is a file.", hint=f"Say {out / 'report.html'}.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        probe = _beside(out)
        probe.touch(exist_ok=False)
        probe.unlink()
    except OSError as error:
        raise _unwritable(out, error) from error


def publish(out: Path, content: bytes) -> None:
    """Write ``content`` to ``out``: to a file beside it first, through to the disk, then by one rename.

    Raises
    ------
    ReportError
        It cannot be written; what was there before is there still.
    """
    write_whole(out, content)
    failed_path(out).unlink(missing_ok=True)


def write_whole(out: Path, content: bytes) -> None:
    """Make a file appear whole, in one step; see `publish`."""
    beside = _beside(out)
    try:
        try:
            write_through(beside, content)
            beside.replace(out)
        finally:
            beside.unlink(missing_ok=True)
        sync_folder(out.parent)
    except OSError as error:
        raise _unwritable(out, error) from error


def keep_failed(out: Path, notebook: NotebookNode, failure: Failure) -> Path:
    """Write a notebook that failed, as far as it came, beside the report that it did not become; returns where.

    Its first cell says why it failed; the reason stands in its metadata too, as ``capacity.failed``.
    """
    path = failed_path(out)
    beside = _beside(path)
    try:
        try:
            beside.write_text(failed_text(notebook, failure), encoding="utf-8")
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def failed_text(notebook: NotebookNode, failure: Failure) -> str:
    """Return a notebook that failed as its file's text: the first cell, and its metadata, say why."""
    said = f"**This run failed.** The report was not made.\n\n{_quoted(str(failure))}"
    kept = node(notebook)
    kept.cells = [node({"cell_type": "markdown", "id": "failed", "metadata": {}, "source": said}), *kept.cells]
    kept.metadata.setdefault("capacity", node({}))["failed"] = str(failure)
    return written(kept)


def failed_path(out: Path) -> Path:
    """Return where a failed run of the report ``out`` is kept."""
    return out.with_name(f"{out.stem}.failed.ipynb")


def _quoted(text: str) -> str:
    """Indent text as code, so that no word of it is taken for Markdown."""
    return "\n".join(f"    {line}" for line in text.splitlines())


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def write_through(path: Path, content: bytes) -> None:
    """Write a file that is not there yet, through to the disk."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Have the rename itself on the disk, where the file system can do that."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def _unwritable(out: Path, error: OSError) -> ReportError:
    reason = error.strerror or type(error).__name__
    return ReportError(f"{out} cannot be written: {reason}.", hint="Choose another place for it.")
