"""Signed and unsigned varints (LEB128, 7 bits a byte, lowest first), a whole array at a time.

There is no loop over values: the bytes below 128 end the varints, one unaligned load at each beginning brings its
bytes, and three shifts close the gaps that the continuation bits leave. `connectors.native_fast` has it, compiled.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["Ints", "Summed", "summed", "unsigned", "zigzag"]

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Signed = npt.NDArray[np.signedinteger]

Summed = Callable[[bytes, int, int, bool], Ints]
"""What sums changes up: `summed`, or what does the same faster."""

LONGEST = 10
"""Bytes of the longest varint of 64 bits."""

_LOW = np.uint8(127)
_SHORT = np.array([0, 0xFF, 0xFFFF, 0xFFFFFF, 0xFFFFFFFF], dtype=np.uint32)
_SEVENS = 0x7F7F7F7F7F7F7F7F
_LONG = np.array([_SEVENS & ((1 << 8 * min(size, 8)) - 1) for size in range(LONGEST + 1)], dtype=np.uint64)
"""By the size of a varint: which bytes, or bits, of a load are its own."""


def summed(payload: bytes, first: int, rows: int, second: bool) -> Ints:
    """Return ``rows`` integers, given the first and a varint of each change; sums wrap around at 64 bits.

    ``second``: the varints, which must use ``payload`` up exactly, are differences of the changes.

    Raises
    ------
    ValueError
        They do not.
    """
    values = np.empty(rows, dtype=np.int64)
    changes = zigzag(payload, rows - 1)
    values[0] = first
    if second:
        np.cumsum(changes, dtype=np.int64, out=values[1:])
    else:
        values[1:] = changes
    values.cumsum(out=values)
    return values


def zigzag(payload: bytes, count: int) -> Signed:
    """Read ``count`` zigzag varints, which must use ``payload`` up exactly, as the narrowest integers that hold them.

    Raises
    ------
    ValueError
        They do not.
    """
    words = unsigned(payload, count)
    one = words.dtype.type(1)
    signs = words & one
    np.negative(signs, out=signs)
    # In the width that the words came in: a narrow one has room for the sign, since each byte gave seven bits.
    signed: Signed = ((words >> one) ^ signs).view(f"i{words.itemsize}")
    return signed


def unsigned(payload: bytes, count: int) -> npt.NDArray[np.unsignedinteger]:
    """Read ``count`` varints as the narrowest words that hold the longest of them."""
    data: Bytes = np.frombuffer(payload, dtype=np.uint8)
    if len(data) == count:
        if count and data.max() > _LOW:
            raise ValueError("a varint is cut short")
        return data
    ends = np.flatnonzero(data <= _LOW)
    if len(ends) != count or not count or ends[-1] != len(data) - 1:
        raise ValueError("the payload does not hold as many varints as it should")
    begins = np.empty_like(ends)
    begins[0] = 0
    np.add(ends[:-1], 1, out=begins[1:])
    sizes = ends - begins
    longest = int(sizes.max()) + 1
    if longest == 2:
        return _of_two(data, ends, begins)
    sizes += 1
    if longest <= 4:
        return _of_four(payload, begins, sizes)
    if longest > LONGEST:
        raise ValueError("a varint is longer than 64 bits")
    return _of_ten(payload, begins, sizes)


def _of_two(data: Bytes, ends: Ints, begins: Ints) -> npt.NDArray[np.uint16]:
    """Read varints of one or two bytes."""
    last = data.take(ends).astype(np.uint16)
    first = data.take(begins)
    double = first > _LOW
    last <<= np.uint16(7) * double.astype(np.uint16)
    # One byte: first and last are the same, and so is their union.
    last |= first & _LOW
    return last


def _of_four(payload: bytes, begins: Ints, sizes: Ints) -> npt.NDArray[np.uint32]:
    """Read varints of at most four bytes."""
    x = _loads(payload, np.dtype("<u4")).take(begins)
    x &= _SHORT.take(sizes)
    x = (x & np.uint32(0x007F007F)) | ((x & np.uint32(0x7F007F00)) >> np.uint32(1))
    return (x & np.uint32(0x00003FFF)) | ((x & np.uint32(0x3FFF0000)) >> np.uint32(2))


def _of_ten(payload: bytes, begins: Ints, sizes: Ints) -> Words:
    """Read varints of any size: eight bytes at once, the ninth and the tenth where there are such."""
    x = _loads(payload, np.dtype("<u8")).take(begins)
    x &= _LONG.take(sizes)
    # Each pair of lanes becomes one: the upper lane moves down by the bits that the lower one does not use.
    for high, gap in ((0x7F007F007F007F00, 1), (0x3FFF00003FFF0000, 2), (0x0FFFFFFF00000000, 4)):
        upper = x & np.uint64(high)
        x ^= upper
        upper >>= np.uint64(gap)
        x |= upper
    data = np.frombuffer(payload, dtype=np.uint8)
    for size, shift in ((9, 56), (10, 63)):
        where = np.flatnonzero(sizes >= size)
        if len(where):
            more = data.take(begins[where] + (size - 1)).astype(np.uint64)
            if size == LONGEST and more.max() > 1:
                raise ValueError("a varint is longer than 64 bits")
            x[where] |= (more & np.uint64(127)) << np.uint64(shift)
    return x


def _loads(payload: bytes, kind: np.dtype[np.unsignedinteger]) -> npt.NDArray[np.unsignedinteger]:
    """View the payload as the words that begin at each of its bytes; behind its end there are zeros."""
    padded = payload + bytes(kind.itemsize)
    return np.ndarray(shape=(len(payload),), dtype=kind, buffer=padded, strides=(1,))
