"""Writes the native stream of an export byte for byte, slowly and obviously: what the decoder's tests read back.

A block's integers are encoded in the kind that is asked for, in either layout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import zstandard

SECOND, CONSTANT_STEP, CONSTANT, FIRST, PLAIN_SECOND, PLAIN_FIRST = range(1, 7)
"""Kinds of payload: zstd of second differences, one step, nothing, zstd of differences; the same two without zstd."""

STALE, PLUS, MINUS = 2**63 - 2, 2**63 - 1, -(2**63)
"""The integers that stand for a stale marker and the infinities."""

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Block:
    """Times in ms (ascending) and integers, which are values × 10^-scale; kinds of their payloads."""

    times: Sequence[int]
    integers: Sequence[int]
    scale: int = 0
    time_kind: int = PLAIN_SECOND
    value_kind: int = PLAIN_FIRST
    precision: int = 64


def varint(word: int) -> bytes:
    out = bytearray()
    while word >= 128:
        out.append(word & 127 | 128)
        word >>= 7
    return bytes([*out, word])


def wrapped(number: int) -> int:
    """Return the number as 64 bits hold it."""
    return (number + 2**63) % 2**64 - 2**63


def signed(number: int) -> bytes:
    number = wrapped(number)
    return varint(((number << 1) ^ (number >> 63)) % 2**64)


def payload(integers: Sequence[int], kind: int) -> bytes:
    """Return what stands behind a header for these integers, whose first one the header has."""
    steps = [wrapped(b - a) for a, b in pairwise(integers)]
    if kind == CONSTANT:
        assert not any(steps)
        return b""
    if kind == CONSTANT_STEP:
        assert len(set(steps)) == 1
        return signed(steps[0])
    if kind in (SECOND, PLAIN_SECOND):
        steps = [b - a for a, b in zip([0, *steps], steps, strict=False)]
    body = b"".join(map(signed, steps))
    return zstandard.compress(body) if kind in (SECOND, FIRST) else body


def block(one: Block, *, new: bool = True) -> bytes:
    """Return a block; ``new``: in the layout since 1.82."""
    last = signed(one.times[-1]) if new else b""
    kinds = bytes([one.time_kind, one.value_kind, *([one.precision] if new else [])])
    parts = [payload(one.times, one.time_kind), payload(one.integers, one.value_kind)]
    head = signed(one.times[0]) + last + signed(one.integers[0]) + varint(len(one.times)) + signed(one.scale) + kinds
    return head + b"".join(varint(len(part)) + part for part in parts)


def escaped(text: str) -> bytes:
    plain = text.encode()
    return b"".join(b"\x00" + b"012"[byte : byte + 1] if byte < 3 else bytes([byte]) for byte in plain)


def name(labels: Labels) -> bytes:
    words = [labels.get("__name__", ""), *(word for key in labels if key != "__name__" for word in (key, labels[key]))]
    return b"".join(escaped(word) + b"\x01" for word in words)


def framed(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


def head(first: int, last: int) -> bytes:
    return b"".join((((time << 1) ^ (time >> 63)) % 2**64).to_bytes(8, "big") for time in (first, last))


def stream(series: Sequence[tuple[Labels, Block]], *, first: int = 0, last: int = 2**45, new: bool = True) -> bytes:
    """Return a whole stream: one pair of name and block each, in the order given."""
    pairs = [framed(name(labels)) + framed(block(one, new=new)) for labels, one in series]
    return head(first, last) + b"".join(pairs)
