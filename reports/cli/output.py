"""What verbs print: JSON, notes, and progress."""

from __future__ import annotations

import json
import math
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TextIO

__all__ = ["Progress", "jsonable", "note", "print_json"]

CLEARED = "\r\033[K"


def print_json(value: object) -> None:
    """Print a value as JSON on stdout."""
    print(json.dumps(jsonable(value), indent=2, ensure_ascii=False))


def jsonable(value: object) -> object:
    """Return a value as JSON knows it: times as ISO text, durations as Prometheus writes them, NaN and NaT as null."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [jsonable(each) for each in value]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return _other(value)


def _other(value: object) -> object:
    import pandas as pd

    from capacity.frames import duration_text

    if value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, pd.Timedelta):
        return duration_text(value)
    if isinstance(value, pd.Timestamp):
        return value.isoformat().replace("+00:00", "Z")
    item = getattr(value, "item", None)
    return jsonable(item()) if callable(item) else str(value)


def note(text: str) -> None:
    """Tell the person at the terminal something that is not data."""
    print(text, file=sys.stderr)


@dataclass
class Progress:
    """Tells long work on stderr: one line, rewritten, on a terminal, and nothing where nobody watches.

    Call it as ``progress(done, total, what)``; use it as a context manager, so that the line is cleared.
    """

    stream: TextIO = field(default_factory=lambda: sys.stderr)

    def __call__(self, done: int, total: int, what: str = "") -> None:
        """Tell that ``done`` of ``total`` is done, of ``what``."""
        if self.stream.isatty():
            # What is wider than the terminal would wrap, and the part that wrapped could not be cleared.
            room = max(shutil.get_terminal_size().columns - 1, 1)
            text = f"{what} {done}/{total}".strip()[:room]
            print(f"{CLEARED}{text}", end="", file=self.stream, flush=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self.stream.isatty():
            print(CLEARED, end="", file=self.stream, flush=True)
