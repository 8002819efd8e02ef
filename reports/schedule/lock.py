"""One at a time: a lock that ends with the process that holds it, however that ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from capacity.errors import ReportError

__all__ = ["held"]


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Hold the lock for the block; False: somebody else has it, and the block is to do nothing.

    Raises
    ------
    ReportError
        There can be no lock there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("w")
    except OSError as error:
        raise ReportError(f"{path} cannot be written: {error.strerror}.", hint="Choose another `out`.") from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
