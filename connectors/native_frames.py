"""The frames of the native stream: a window, then names and blocks, each behind its length.

The stream has no end mark, and a server that gives up in the middle says so in English between two frames: both are
told apart from data here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from capacity.errors import ResultTruncated, SourceError, Unsupported
from connectors.faults import one_line

__all__ = ["Frames"]

HEAD_BYTES = 16
LENGTH_BYTES = 4
LONGEST = 1 << 24
"""Bytes of a frame: above 16 MiB it is none. Four letters of a text, read as a length, are 500 MB and more."""

TEXT_SHOWN = 1000

OTHER_FORMS = (b"{", b"[", b"<")
"""What JSON or a page begins with: the answer of something that has no native export."""


class Frames:
    """Cuts a stream into pairs of name and block; ``first`` and ``last`` are its window in ms, both included."""

    def __init__(self, chunks: Iterable[bytes], *, source: str, query: str) -> None:
        self._chunks = iter(chunks)
        self._source, self._query = source, query
        self._held = b""
        self._at = 0
        self._seen: list[tuple[bytes, bytes]] = []
        head = self._bytes(HEAD_BYTES)
        if head[0] or head[HEAD_BYTES // 2]:
            # A time whose first byte is not zero lies millions of years from here: this is a text.
            raise self._odd(head)
        self.first, self.last = _time(head[:8]), _time(head[8:])

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """Give name and block until the stream ends, which it may only behind a block."""
        while self._seen:
            yield self._seen.pop(0)
        while self._more():
            yield self._frame(), self._frame()

    def peek(self, most: int) -> list[tuple[bytes, bytes]]:
        """Return the first pairs, ``most`` at most; they are given again."""
        while len(self._seen) < most and self._more():
            self._seen.append((self._frame(), self._frame()))
        return list(self._seen)

    def _frame(self) -> bytes:
        """Return what stands behind the next length."""
        length = self._bytes(LENGTH_BYTES)
        size = int.from_bytes(length, "big")
        if size > LONGEST:
            raise self._odd(length)
        return self._bytes(size)

    def _more(self) -> bool:
        """Return whether anything is left."""
        while self._at == len(self._held):
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._held, self._at = chunk, 0
        return True

    def _bytes(self, size: int) -> bytes:
        """Return the next bytes, all of them."""
        end = self._at + size
        if end > len(self._held):
            self._gather(end - len(self._held))
            end = size
        part = self._held[self._at : end]
        self._at = end
        return part

    def _gather(self, missing: int) -> None:
        """Hold what is left and enough chunks behind it."""
        parts = [self._held[self._at :]]
        while missing > 0:
            chunk = next(self._chunks, None)
            if chunk is None:
                raise self._cut(b"".join(parts))
            parts.append(chunk)
            missing -= len(chunk)
        self._held, self._at = b"".join(parts), 0

    def _cut(self, rest: bytes = b"") -> ResultTruncated:
        words = _words(rest)
        what = f"ended its export early: {words}" if words else "ended its export in the middle of a block"
        return ResultTruncated(f"{self._source} {what}.", source=self._source, query=self._query, hint="Try again.")

    def _odd(self, begun: bytes) -> SourceError:
        """Return the error for what cannot be a frame: a server's words, or a stream of another form."""
        rest = begun + self._held[self._at :]
        for chunk in self._chunks:
            if len(rest) >= TEXT_SHOWN:
                break
            rest += chunk
        said = rest[:TEXT_SHOWN]
        if _words(said) and said[:1] not in OTHER_FORMS:
            return self._cut(said)
        return Unsupported(
            f"{self._source} exports in a form that is not known.", source=self._source, query=self._query
        )


def _time(word: bytes) -> int:
    """Return a time in ms: zigzag, most significant byte first."""
    number = int.from_bytes(word, "big")
    return (number >> 1) ^ -(number & 1)


def _words(rest: bytes) -> str:
    """Return bytes as a line of text, empty if they are none."""
    try:
        text = rest.decode()
    except UnicodeDecodeError:
        return ""
    plain = text.strip("\r\n")
    return one_line(text, longest=200) if plain.replace("\n", " ").replace("\t", " ").isprintable() else ""
