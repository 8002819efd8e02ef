"""The command line as a user runs it: a real process, in a folder of its own."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from tests.support.checkout import run, told

__all__ = ["answering", "capacity", "data", "errors", "refused"]

PROGRESS = re.compile(r".* \d+/\d+")


def capacity(folder: Path, *arguments: str | Path, **environment: str) -> CompletedProcess[str]:
    """Run ``capacity`` in ``folder``; further variables are added to its environment."""
    return run(["capacity", *map(str, arguments)], folder=folder, environment=environment)


def data(folder: Path, *arguments: str | Path, code: int = 0, **environment: str) -> Any:
    """Return what ``capacity … --json`` printed; its stdout is JSON and nothing else."""
    done = capacity(folder, *arguments, "--json", **environment)
    assert done.returncode == code, told(done)
    return json.loads(done.stdout)


def refused(folder: Path, *arguments: str | Path, code: int = 1, **environment: str) -> str:
    """Return the one line that a command ended with; nothing stood on stdout, and no traceback anywhere."""
    done = capacity(folder, *arguments, **environment)
    assert done.returncode == code, told(done)
    assert done.stdout == "", told(done)
    (line,) = errors(done)
    return line


def errors(done: CompletedProcess[str]) -> list[str]:
    """Return the lines of stderr that are no progress: a slow machine tells some."""
    return [line for line in done.stderr.splitlines() if not PROGRESS.fullmatch(line)]


@contextmanager
def answering(status: int, body: bytes = b"{}", *, wait: threading.Event | None = None) -> Iterator[str]:
    """Serve the same answer to every request on loopback; with ``wait`` it is never given. Yields the URL."""
    seen = wait

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if seen is not None:
                seen.set()
                threading.Event().wait(30)
                return
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
