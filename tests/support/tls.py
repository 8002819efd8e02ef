"""TLS for tests: an authority with certificates of its own, and a server that ends TLS before a plain one."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Papers:
    """PEM files: an authority, a server's certificate for 127.0.0.1, a client's, and the client's key encrypted."""

    ca: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path
    locked_key: Path


def papers(folder: Path) -> Papers:
    """Make an authority, and what it signs, with the openssl that every Debian has."""
    _openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem", folder)
    for name, more in (("server", "subjectAltName=IP:127.0.0.1"), ("client", "extendedKeyUsage=clientAuth")):
        (folder / "ext").write_text(more + "\n")
        _openssl(f"req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr", folder)
        sign = "x509 -req -days 2 -CA ca.pem -CAkey ca.key -CAcreateserial -extfile ext"
        _openssl(f"{sign} -in {name}.csr -out {name}.pem", folder)
    _openssl("rsa -aes128 -passout pass:sesame -in client.key -out locked.key", folder)
    names = ("ca.pem", "server.pem", "server.key", "client.pem", "client.key", "locked.key")
    return Papers(*(folder / name for name in names))


def _openssl(arguments: str, folder: Path) -> None:
    program = shutil.which("openssl")
    assert program, "openssl is needed"
    subprocess.run([program, *arguments.split()], cwd=folder, check=True, capture_output=True)


@contextmanager
def ending_tls(url: str, has: Papers, *, client: bool = False) -> Iterator[str]:
    """Serve TLS on a free loopback port before a plain server; with ``client`` only who shows a certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=has.ca)
    context.load_cert_chain(has.server, has.server_key)
    context.verify_mode = ssl.CERT_REQUIRED if client else ssl.CERT_NONE
    parts = urlsplit(url)
    target = (parts.hostname, parts.port)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)

        def serve() -> None:
            while not over.is_set():
                try:
                    plain, _ = listening.accept()
                except (TimeoutError, OSError):
                    continue
                threading.Thread(target=_joined, args=(plain, context, target), daemon=True).start()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"https://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


def _joined(plain: socket.socket, context: ssl.SSLContext, target: tuple[str | None, int | None]) -> None:
    """Carry one connection over, both ways, until one side has gone."""
    with plain, suppress(OSError):
        plain.settimeout(10)
        with context.wrap_socket(plain, server_side=True) as outer, socket.create_connection(target) as inner:  # type: ignore[arg-type]
            back = threading.Thread(target=_carry, args=(inner, outer), daemon=True)
            back.start()
            _carry(outer, inner)
            back.join(10)


def _carry(source: socket.socket, to: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(1 << 16):
            to.sendall(piece)
    with suppress(OSError):
        to.shutdown(socket.SHUT_WR)
