"""Run a notebook in a child process under a watch: of the whole run's time, of its memory, of its sudden end.

The child tells each cell's outputs as the cell ends, and they are put together here. So whatever happens to the child,
what it got done is there to be looked at, and whether it was good is judged by who was not in it.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from reports import nursery, truth
from reports.notebooks import node
from reports.nursery import Child
from reports.truth import Failure

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["MEMORY_BYTES", "TIMEOUT_S", "Progress", "Run", "run"]

TIMEOUT_S = 900.0
MEMORY_BYTES = 4 * 2**30

LOOK_EVERY_S = 0.1
GRACE_S = 2.0
LOG_TAIL_BYTES = 8_000

Progress = Callable[[int, int, str], None]
"""Called as ``progress(done, total, what)``."""


@dataclass(frozen=True)
class Run:
    """A run that is over: the notebook as far as it came, why it is not good (None: it is), and its log."""

    notebook: NotebookNode
    failure: Failure | None
    seconds: float
    log: str


def run(
    notebook: NotebookNode,
    parameters: Mapping[str, Any],
    *,
    timeout_s: float = TIMEOUT_S,
    memory_bytes: int = MEMORY_BYTES,
    environment: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Run:
    """Run a notebook with parameters and return what came of it; nothing is raised for what the notebook does.

    Parameters
    ----------
    notebook : NotebookNode
    parameters : mapping
        Plain values (text, numbers, truth values), checked already.
    timeout_s : float
        For the whole run, in seconds.
    memory_bytes : int
        What the child may hold in memory.
    environment : mapping, optional
        Further variables for the child: credentials, which stand in no parameter.
    progress : callable, optional
        Called as ``progress(cells done, cells in all, heading)``.
    """
    started = time.monotonic()
    with tempfile.TemporaryFile() as log:
        record = _Record(notebook, progress)
        asked = {"notebook": notebook, "parameters": dict(parameters), "memory_bytes": memory_bytes}
        child = nursery.start(asked, log=log, environment=environment or {})
        try:
            watch = _Watch(child, started + timeout_s, timeout_s, memory_bytes)
            for event in watch.events():
                record.take(event)
            ended = watch.ended()
        finally:
            child.end()
        said = _tail(log)
    return Run(record.notebook, record.failure(ended, said), time.monotonic() - started, said)


class _Record:
    """The notebook as the child's events make it."""

    def __init__(self, notebook: NotebookNode, progress: Progress | None) -> None:
        self.notebook = notebook
        self.progress = progress
        self.at: int | None = None
        self.told: Failure | None = None
        self.done = False

    def take(self, event: dict[str, Any]) -> None:
        kind, at = event["event"], event.get("at", -1)
        if kind == "begin":
            self.notebook = node(event["notebook"])
        elif kind == "start":
            self.at = at
            self._tell(at)
        elif kind == "cell":
            self.notebook.cells[at].execution_count = event["count"]
            self.notebook.cells[at].outputs = [node(output) for output in event["outputs"]]
            self.at = None
        elif kind == "failed":
            self.told = truth.failure(self.notebook, at, event["said"])
        elif kind == "broken":
            self.told = Failure(event["said"])
        elif kind == "end":
            self.done = True

    def failure(self, ended: str | None, log: str) -> Failure | None:
        """Say why the run is not good: by what was told, else how the child ended, else what the notebook shows."""
        if self.told is not None:
            return self.told
        if ended is None and not self.done:
            ended = "the process that ran the notebook ended before the notebook did"
        if ended is not None:
            fatal = next((line for line in log.splitlines() if line.startswith("Fatal Python error")), "")
            reason = f"{ended}: {fatal}" if fatal else ended
            return Failure(reason) if self.at is None else truth.failure(self.notebook, self.at, reason)
        return truth.judge(self.notebook)

    def _tell(self, at: int) -> None:
        if self.progress is None:
            return
        codes = [n for n, cell in enumerate(self.notebook.cells) if cell.cell_type == "code" and cell.source.strip()]
        self.progress(codes.index(at), len(codes), _heading(self.notebook, at))


def _heading(notebook: NotebookNode, at: int) -> str:
    """Return the last heading before a cell: what the reader of the notebook would say is being done."""
    texts = [cell.source for cell in notebook.cells[:at] if cell.cell_type == "markdown"]
    lines = [line for text in texts for line in text.splitlines() if line.startswith("#")]
    return lines[-1].lstrip("#").strip() if lines else ""


class _Watch:
    """Reads the child's events until it ends, or ends it."""

    def __init__(self, child: Child, deadline: float, timeout_s: float, memory_bytes: int) -> None:
        self.child, self.deadline, self.timeout_s, self.memory_bytes = child, deadline, timeout_s, memory_bytes
        self.stopped: str | None = None

    def events(self) -> Iterator[dict[str, Any]]:
        """Every event that the child tells, as it tells it."""
        held = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(self.child.events, selectors.EVENT_READ)
            while self.stopped is None:
                if selector.select(LOOK_EVERY_S):
                    chunk = os.read(self.child.events, 1 << 16)
                    if not chunk:
                        return
                    held += chunk
                    *lines, rest = held.split(b"\n")
                    held = bytearray(rest)
                    yield from (json.loads(line) for line in lines)
                elif self.child.poll() is not None:
                    return  # a grandchild may hold the pipe open for ever
                self._look()

    def ended(self) -> str | None:
        """Wait for the child; return how it ended if that was not of itself and well."""
        code = self.child.wait(GRACE_S) if self.stopped is None else None
        if not code:  # ended well, or told its end and lingers: then it is ended with all that it started
            return self.stopped
        if code < 0:
            return f"the process that ran the notebook was ended by {signal.Signals(-code).name}"
        return f"the process that ran the notebook ended with exit code {code}"

    def _look(self) -> None:
        resident = _resident_bytes(self.child.pid)
        if time.monotonic() > self.deadline:
            self.stopped = f"the run took longer than {self.timeout_s:g} s"
        elif resident > self.memory_bytes:
            self.stopped = f"the run held more than {self.memory_bytes / 2**20:,.0f} MiB of memory"


def _resident_bytes(pid: int) -> int:
    """Return what a process holds in memory; 0 where the system does not tell."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _tail(log: IO[bytes]) -> str:
    log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
    return log.read().decode("utf-8", errors="replace")
