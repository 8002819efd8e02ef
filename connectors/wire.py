"""The wire: a request, its response, and the one function between them that touches the network.

`Send` is the seam: a test hands in a function of its own.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import urllib3

from capacity.errors import ResultTruncated

__all__ = ["Request", "Response", "Send", "decoded", "over_the_network"]

PIECE_BYTES = 1 << 20
GZIP_OR_ZLIB = 47
"""zlib's `wbits` for "largest window (15), and the header says which of the two (32)"."""


@dataclass(frozen=True)
class Request:
    """What is sent, and how long its connection and each piece of its answer may take, in seconds."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    connect_s: float = 5.0
    timeout_s: float = 60.0


@dataclass(frozen=True)
class Response:
    """What came: header names in lower case, and the body's pieces as they arrive, still encoded.

    ``framed``: the server said where the body ends (a length, or chunks), so that a cut is noticed.
    """

    status: int
    headers: Mapping[str, str]
    pieces: Iterator[bytes]
    framed: bool = True


Send = Callable[[Request], Response]


def over_the_network(pool: urllib3.PoolManager) -> Send:
    """Return the `Send` that uses real connections, kept open in ``pool``."""

    def send(request: Request) -> Response:
        answer = pool.request(
            request.method,
            request.url,
            body=request.body,
            headers=dict(request.headers),
            timeout=urllib3.Timeout(connect=request.connect_s, read=request.timeout_s),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        headers = {name.lower(): value for name, value in answer.headers.items()}
        framed = "content-length" in headers or "chunked" in headers.get("transfer-encoding", "")
        return Response(answer.status, headers, _pieces(answer), framed)

    return send


def _pieces(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Give the body as it arrives; a connection that was not read to the end is not used again."""
    try:
        while piece := answer.read1(PIECE_BYTES, decode_content=False):
            yield piece
    finally:
        answer.close()


def decoded(response: Response, *, source: str, query: str) -> Iterator[bytes]:
    """Give the body's pieces as they were before they were encoded for the way.

    Done here because a gzip stream that is cut short must be an error, and elsewhere it is not.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        yield from response.pieces
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise ResultTruncated(
            f"{source} answers in an encoding that was not asked for: {encoding[:40]!r}.", source=source
        )
    inflate = zlib.decompressobj(wbits=GZIP_OR_ZLIB)
    begun = False
    try:
        for piece in response.pieces:
            while piece:
                if inflate.eof:  # a gzip file may have several members
                    inflate = zlib.decompressobj(wbits=GZIP_OR_ZLIB)
                begun = True
                yield inflate.decompress(piece)
                piece = inflate.unused_data
    except zlib.error:
        raise ResultTruncated(f"the answer of {source} is broken {encoding}.", source=source, query=query) from None
    if begun and not inflate.eof:
        raise ResultTruncated(
            f"the answer of {source} ended in the middle of its {encoding}.", source=source, query=query
        )
