"""An HTTP server that answers byte for byte what a test tells it to, however wrong that is."""

from __future__ import annotations

import gzip
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

import orjson

STATUS_PAGES = ("/api/v1/status/buildinfo", "/metrics")
"""Asked when a source meets its server; always absent here, so that a test's answers go to its own requests."""

Answer = bytes | Callable[[socket.socket], None]


@dataclass
class Asked:
    """A request, as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def params(self) -> dict[str, str]:
        """The parameters, from the URL and the form."""
        return dict(parse_qsl(urlsplit(self.path).query) + parse_qsl(self.body.decode()))


@dataclass
class BadServer:
    """Gives one answer after the other; the last one is repeated."""

    answers: list[Answer]
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def next(self, request: Asked) -> Answer:
        """Return what to answer to a request."""
        if urlsplit(request.path).path.removeprefix("/tenant") in STATUS_PAGES:
            return reply(404, b"no such page")
        self.asked.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def reply(status: int, body: bytes | str | object = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """Return a whole, well-formed answer; what is neither bytes nor text is written as JSON."""
    text = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else orjson.dumps(body)
    head = {"Content-Length": str(len(text)), "Connection": "close", **(headers or {})}
    return _head(status, head) + text


def chunked(*chunks: bytes, whole: bool = True, headers: Mapping[str, str] | None = None) -> bytes:
    """Return an answer in chunks, with or without the last one that says that it is over."""
    head = _head(200, {"Transfer-Encoding": "chunked", "Connection": "close", **(headers or {})})
    return head + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + (b"0\r\n\r\n" if whole else b"")


def until_closed(body: bytes) -> bytes:
    """Return an answer that does not say where it ends."""
    return _head(200, {"Connection": "close"}) + body


def cut(answer: bytes, *, missing: int) -> bytes:
    """Return an answer without its last bytes."""
    return answer[:-missing]


def zipped(body: bytes, *, missing: int = 0) -> bytes:
    """Return a gzipped answer of honest length; ``missing`` bytes were lost before it was measured."""
    packed = gzip.compress(body, mtime=0)
    return reply(200, packed[: len(packed) - missing], {"Content-Encoding": "gzip"})


def reset(connection: socket.socket) -> None:
    """Break the connection off instead of answering."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def silence(connection: socket.socket) -> None:
    """Say nothing until the other side has gone."""
    connection.settimeout(10)
    with suppress(OSError):
        connection.recv(1)


def trickle(connection: socket.socket) -> None:
    """Begin an answer and go on byte by byte, for ever."""
    with suppress(OSError):
        connection.sendall(_head(200, {"Content-Length": "1000000"}))
        pause = threading.Event()
        while not pause.wait(0.02):
            connection.sendall(b" ")


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Something", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        line = self.rfile.readline().decode().split()
        if len(line) < 2:
            return
        headers: dict[str, str] = {}
        while text := self.rfile.readline().decode().strip():
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", 0)))
        answer = self.server.script.next(Asked(line[0], line[1], headers, body))  # type: ignore[attr-defined]
        if callable(answer):
            answer(self.connection)
        else:
            with suppress(OSError):
                self.connection.sendall(answer)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: connections break here on purpose."""


@contextmanager
def bad_server(*answers: Answer) -> Iterator[BadServer]:
    """Run a server on a free loopback port until the block ends."""
    script = BadServer(list(answers))
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.script = script  # type: ignore[attr-defined]
        script.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()
