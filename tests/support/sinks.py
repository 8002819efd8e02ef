"""Where messages go in tests: a real SMTP server, an HTTP server, and a proxy that stands in for the internet."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass
class Post:
    """A request that came: to which host and path, and its JSON."""

    host: str
    path: str
    body: Any


@dataclass
class Sink:
    """What came, and how many requests are refused before one is taken."""

    url: str = ""
    posts: list[Post] = field(default_factory=list)
    tries: int = 0
    refuse: int = 0


class _Handler(BaseHTTPRequestHandler):
    sink: Sink
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.sink.tries += 1
        refused = self.sink.tries <= self.sink.refuse
        if not refused:
            self.sink.posts.append(Post(self.headers.get("Host", ""), self.path, json.loads(body)))
        self.send_response(503 if refused else 200)
        self.send_header("Content-Length", "2")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"ok")
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def http_sink(*, refuse: int = 0) -> Iterator[Sink]:
    """Take posts on a loopback port; the first ``refuse`` of them are answered with 503."""
    sink = Sink(refuse=refuse)
    handler = type("Handler", (_Handler,), {"sink": sink})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        sink.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield sink
        server.shutdown()


@contextmanager
def internet(folder: Path, *hosts: str, refuse: int = 0) -> Iterator[tuple[Sink, dict[str, str]]]:
    """Stand in for hosts of the internet: a proxy that ends TLS by their names; yields the sink and the environment."""
    _certificates(folder, hosts)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "host.pem", folder / "host.key")
    sink = Sink(refuse=refuse)
    handler = type("Handler", (_Handler,), {"sink": sink})
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                with suppress(TimeoutError):
                    connection, address = listening.accept()
                    threading.Thread(target=answer, args=(connection, address), daemon=True).start()

        def answer(connection: socket.socket, address: object) -> None:
            head = b""
            connection.settimeout(10)
            while b"\r\n\r\n" not in head:
                head += connection.recv(4096)
            assert head.startswith(b"CONNECT "), head
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with suppress(OSError, ssl.SSLError), context.wrap_socket(connection, server_side=True) as secured:
                handler(secured, address, None)  # type: ignore[arg-type]

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        proxy = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            yield sink, {"https_proxy": proxy, "HTTPS_PROXY": proxy, "REQUESTS_CA_BUNDLE": str(folder / "ca.pem")}
        finally:
            over.set()
            thread.join()


def _certificates(folder: Path, hosts: tuple[str, ...]) -> None:
    def openssl(words: str) -> None:
        subprocess.run(["openssl", *words.split()], cwd=folder, check=True, capture_output=True)

    openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem")
    (folder / "ext").write_text("subjectAltName=" + ",".join(f"DNS:{host}" for host in hosts))
    openssl("req -newkey rsa:2048 -nodes -subj /CN=host -keyout host.key -out host.csr")
    openssl("x509 -req -days 2 -CA ca.pem -CAkey ca.key -CAcreateserial -extfile ext -in host.csr -out host.pem")


@dataclass
class Mails:
    """Mails that came to an SMTP server; the first ``refuse`` are turned away."""

    url: str = ""
    raw: list[bytes] = field(default_factory=list)
    tries: int = 0
    refuse: int = 0

    @property
    def messages(self) -> list[EmailMessage]:
        """The mails, parsed."""
        return [message_from_bytes(each, policy=policy.default) for each in self.raw]  # type: ignore[misc]

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Take a mail in, or do not."""
        self.tries += 1
        if self.tries <= self.refuse:
            return "451 come back later"
        self.raw.append(bytes(envelope.content or b""))
        return "250 taken"


@contextmanager
def smtp_sink(*, refuse: int = 0) -> Iterator[Mails]:
    """Run an SMTP server on a loopback port; yields the mails, with the address to send to."""
    mails = Mails(refuse=refuse)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(mails, hostname="127.0.0.1", port=port)  # type: ignore[no-untyped-call]
    controller.start()  # type: ignore[no-untyped-call]
    try:
        mails.url = f"mailto://127.0.0.1:{port}/?from=capacity@example.org&to=planner@example.org&mode=insecure"
        yield mails
    finally:
        controller.stop()  # type: ignore[no-untyped-call]
