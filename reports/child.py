"""The process that notebooks run in: a nursery, which has everything loaded, and forks a child for each notebook.

The nursery is asked over a socket, is never threaded, and runs nothing itself. With each request it gets four files:
what to run, where to tell what happens (one JSON object a line), a log, and a line of life to whoever waits. That line
tells the child's number and, at the end, its exit code; when it is cut, the child ends with all that it started. So
does every child when the nursery or its owner is gone: a report that nobody waits for uses nobody's machine.
"""

from __future__ import annotations

import faulthandler
import gc
import importlib
import json
import os
import resource
import selectors
import signal
import socket
import sys
import threading
from contextlib import suppress
from typing import Any, NoReturn

from capacity.errors import CapacityError

__all__ = ["PRELOADED", "main"]

PRELOADED = (
    "papermill",
    "reports.engine",
    "reports.renderer",
    "reports.overview",
    "capacity.plan",
    "capacity.backtest",
)
"""What takes a report half of its time to import; nothing that starts a thread (vl-convert's engine does)."""


def main(control: int) -> None:
    """Answer the socket ``control`` until its other end is closed."""
    faulthandler.enable()
    for name in PRELOADED:
        importlib.import_module(name)
    gc.freeze()  # what is there now is shared by all children: nothing shall write on it to count references
    _Nursery(socket.socket(fileno=control)).serve()


class _Nursery:
    """Children by process number, each with its line of life."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.lines: dict[int, socket.socket] = {}
        self.alive, self.mine = os.pipe()  # its end in a child tells that the nursery is gone
        self.selector = selectors.DefaultSelector()
        self.selector.register(control, selectors.EVENT_READ, self._asked)

    def serve(self) -> None:
        while True:
            for key, _ in self.selector.select():
                if not key.data(key.fileobj):
                    for pid in self.lines:
                        os.killpg(pid, signal.SIGKILL)
                    return

    def _asked(self, _control: object) -> bool:
        """Fork a child for a request; false when there will be none any more."""
        message, files, _, _ = socket.recv_fds(self.control, 1, 4)
        if not message:
            return False
        request, channel, log, line = files
        pid = os.fork()
        if pid == 0:
            self._become_child(request, channel, log, line)
        with suppress(OSError):  # the child may have done it, and ended
            os.setpgid(pid, pid)
        for each in (request, channel, log):
            os.close(each)
        watched = self.lines[pid] = socket.socket(fileno=line)
        watched.sendall(f"{pid}\n".encode())
        self.selector.register(watched, selectors.EVENT_READ, lambda _: self._cut(pid))
        ended = os.pidfd_open(pid)
        self.selector.register(ended, selectors.EVENT_READ, lambda _: self._ended(pid, ended))
        return True

    def _cut(self, pid: int) -> bool:
        """End a child that nobody waits for any more."""
        self.selector.unregister(self.lines[pid])
        os.killpg(pid, signal.SIGKILL)
        return True

    def _ended(self, pid: int, watched: int) -> bool:
        """Bury a child, tell how it ended, and end what it has left running: until then its number is nobody else's."""
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.selector.unregister(watched)
        os.close(watched)
        line = self.lines.pop(pid)
        with suppress(KeyError):
            self.selector.unregister(line)
        with suppress(OSError), line:
            line.sendall(f"{code}\n".encode())
        return True

    def _become_child(self, request: int, channel: int, log: int, line: int) -> NoReturn:
        code = 1
        try:
            os.setpgid(0, 0)
            for each in (line, self.mine, self.control.fileno(), *(one.fileno() for one in self.lines.values())):
                os.close(each)
            for stream in (1, 2):
                os.dup2(log, stream)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # a cell that asks for input gets none
            os.close(log)
            threading.Thread(target=_end_with_nursery, args=(self.alive,), daemon=True).start()
            with os.fdopen(request, "rb") as asked:
                _work(json.load(asked), channel)
            code = 0
        finally:
            with suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)


def _work(asked: dict[str, Any], channel: int) -> None:
    """Run what is asked for, in its own folder and environment, and tell what happens."""
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    _limit(asked["memory_bytes"])
    with os.fdopen(channel, "w", encoding="utf-8") as events:

        def tell(event: dict[str, Any]) -> None:
            events.write(json.dumps(event) + "\n")
            events.flush()

        try:
            _run(asked, tell)
            tell({"event": "end"})
        except Exception as error:
            tell({"event": "broken", "said": _said(error)})


def _run(asked: dict[str, Any], tell: Any) -> None:
    import papermill
    from altair.utils import schemapi

    from reports import engine, renderer
    from reports.notebooks import parsed

    engine.register()
    renderer.enable(static=False)
    schemapi.disable_debug_mode()  # a chart is checked whole when it is shown, not each part when it is made as well
    notebook = parsed(json.dumps(asked["notebook"]))
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])  # papermill looks for them in every cell
    notebook.metadata.setdefault("papermill", {})
    with suppress(papermill.PapermillExecutionError):  # told already, in better words, by the engine
        papermill.execute_notebook(
            notebook,
            None,
            parameters=asked["parameters"],
            engine_name=engine.NAME,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            listener=tell,
        )


def _said(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, CapacityError) else f"{type(error).__name__}: {text}"


def _limit(memory_bytes: int) -> None:
    """Bound the address space far above what may be resident: it stops one absurd allocation before it is touched."""
    most = 4 * memory_bytes + 8 * 2**30
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_with_nursery(alive: int) -> None:
    """Wait for the end of the nursery, which comes when whoever owns it is gone."""
    while os.read(alive, 1):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
