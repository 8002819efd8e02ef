"""What `connectors.native_varint.summed` does, as a compiled loop: for those who install the extra ``fast`` (numba).

Nothing imports this but a large decoding. What is compiled is kept on disk, so that it happens once a machine.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from connectors.native_varint import Ints

__all__ = ["summed"]


def summed(payload: bytes, first: int, rows: int, second: bool) -> Ints:
    """Return ``rows`` integers, given the first and a varint of each change: see `connectors.native_varint.summed`."""
    values = np.empty(rows, dtype=np.int64)
    values[0] = first
    if not _sum(np.frombuffer(payload, dtype=np.uint8), second, values):
        raise ValueError("the payload does not hold as many varints as it should, or one is longer than 64 bits")
    return values


def _walk(data: npt.NDArray[np.uint8], second: bool, values: Ints) -> bool:
    """Read the bytes one by one; return whether they were as many varints as there are values behind the first.

    All constants are of 64 bits without a sign: with any other kind, numba would count in floats.
    """
    one, seven, low, last = np.uint64(1), np.uint64(7), np.uint64(127), np.uint64(63)
    at = 0
    total, change = np.uint64(values[0]), np.uint64(0)
    for row in range(1, len(values)):
        word, shift, more = np.uint64(0), np.uint64(0), True
        while more:
            if at >= len(data) or shift > last:
                return False
            byte = np.uint64(data[at])
            at += 1
            more = bool(byte > low)
            if shift == last and byte > one:
                return False
            word |= (byte & low) << shift
            shift += seven
        step = (word >> one) ^ (~(word & one) + one)
        change = change + step if second else step
        total += change
        values[row] = np.int64(total)
    return at == len(data)


_sum = numba.njit("boolean(Array(uint8, 1, 'C', readonly=True), boolean, int64[::1])", cache=True, nogil=True)(_walk)
