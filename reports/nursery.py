"""Children that are ready at once: one process has everything loaded and forks them (`reports.child`).

It is started when the first child is asked for, kept for the next, and ends with this process.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from capacity.errors import ReportError

__all__ = ["Child", "start"]

ROOT = Path(__file__).resolve().parent.parent
START = "import sys; sys.path.append(sys.argv[2]); from reports.child import main; main(int(sys.argv[1]))"
"""With ``-P`` the working folder is not on its path; the folder of this package comes last on it."""
READY_S = 60.0
"""How long it may take to load everything, on a machine that has much else to do, before it is given up."""


@dataclass
class Child:
    """A process of ours that a notebook runs in: ``events`` is the pipe on which it tells what happens."""

    pid: int
    events: int
    line: socket.socket
    code: int | None = None
    _said: bytes = b""

    def poll(self) -> int | None:
        """Return its exit code (negative: the signal that ended it), or None while it runs."""
        return self.wait(0.0)

    def wait(self, timeout_s: float) -> int | None:
        """Wait for its end; None: it has not come within ``timeout_s``."""
        if self.code is None:
            self.line.settimeout(timeout_s)
            with suppress(BlockingIOError, TimeoutError):
                while not self._said.endswith(b"\n"):
                    part = self.line.recv(64)
                    if not part:  # the nursery is gone, and whatever it had forked with it
                        part = b"-9\n"
                    self._said += part
                self.code = int(self._said)
        return self.code

    def end(self) -> None:
        """End it, with all that it started, if it has not ended; returns when that is done."""
        with suppress(OSError):
            self.line.shutdown(socket.SHUT_WR)
        self.wait(READY_S)
        self.line.close()
        os.close(self.events)


@dataclass
class _Nursery:
    """The process that forks; ``owner`` is the process that started it: a fork of that one starts its own."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    log: IO[bytes]
    owner: int = field(default_factory=os.getpid)

    @property
    def usable(self) -> bool:
        return self.owner == os.getpid() and self.process.poll() is None

    def close(self) -> None:
        self.control.close()
        self.log.close()
        if self.owner == os.getpid():
            self.process.wait()


_lock = threading.Lock()
_kept: list[_Nursery] = []


def start(
    request: Mapping[str, Any], *, log: IO[bytes], environment: Mapping[str, str], folder: str | None = None
) -> Child:
    """Start a child on a request; what it prints goes into ``log``.

    Raises
    ------
    ReportError
        No process can be started.
    """
    told = {**request, "environment": {**os.environ, **environment}, "folder": folder or os.getcwd()}  # noqa: PTH109
    mine, its = socket.socketpair()
    read, write = os.pipe()
    asked = os.memfd_create("request")  # it may hold credentials, which no disk shall see
    try:
        with os.fdopen(os.dup(asked), "wb") as file:
            file.write(json.dumps(told).encode("utf-8"))
        os.lseek(asked, 0, os.SEEK_SET)
        with _lock:
            socket.send_fds(_nursery().control, [b"x"], [asked, write, log.fileno(), its.fileno()])
        its.close()
        return Child(_number(mine), read, mine)
    except OSError as error:
        os.close(read)
        mine.close()
        raise ReportError(f"no process can be started for the notebook: {error}") from error
    finally:
        its.close()
        os.close(write)
        os.close(asked)


def _number(line: socket.socket) -> int:
    """Wait until the child is there; return its process number."""
    line.settimeout(READY_S)
    said = b""
    while not said.endswith(b"\n"):
        part = line.recv(1)
        if not part:
            raise ConnectionResetError("the process that starts notebooks has ended")
        said += part
    return int(said)


def _nursery() -> _Nursery:
    """Return the nursery that is there, or start one."""
    if _kept and _kept[0].usable:
        return _kept[0]
    _close()
    control, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    log = tempfile.TemporaryFile()  # noqa: SIM115 - it is kept as long as the process is
    with its:
        command = [sys.executable, "-P", "-c", START, str(its.fileno()), str(ROOT)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[its.fileno()],
            start_new_session=True,
        )
    _kept.append(_Nursery(process, control, log))
    return _kept[0]


@atexit.register
def _close() -> None:
    while _kept:
        _kept.pop().close()
