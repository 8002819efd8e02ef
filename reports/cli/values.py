"""How the values of options are read; what cannot be read is wrong usage, told in one line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["duration", "instant", "instant_or_now", "names", "pair", "port", "share"]


def names(text: str) -> tuple[str, ...]:
    """Read names that are separated by commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def pair(text: str) -> tuple[str, str]:
    """Read ``key=value``."""
    key, equals, value = text.partition("=")
    if not (equals and key.strip()):
        raise argparse.ArgumentTypeError(f"expected key=value, got {text!r}")
    return key.strip(), value.strip()


def duration(text: str) -> pd.Timedelta:
    """Read a duration such as ``90d``."""
    from capacity import frames

    if text.strip().startswith("-"):
        raise argparse.ArgumentTypeError(f"a duration must be positive, like 90d, and {text!r} is negative")
    return _usage(frames.duration, text)  # type: ignore[no-any-return]


def instant(text: str) -> pd.Timestamp:
    """Read an instant such as ``2026-11-01``; without a zone it is UTC."""
    from capacity import frames

    return _usage(frames.instant, text)  # type: ignore[no-any-return]


def instant_or_now(text: str) -> pd.Timestamp:
    """Read an instant; ``now`` is the clock's, asked once."""
    import pandas as pd

    return pd.Timestamp.now(tz="UTC") if text == "now" else instant(text)


def share(text: str) -> float:
    """Read a probability from 0 to below 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"expected a probability from 0 to below 1, got {text!r}")
    return value


def port(text: str) -> int:
    """Read the number of a port."""
    if not (text.isdecimal() and 0 < int(text) < 65536):
        raise argparse.ArgumentTypeError(f"expected a port from 1 to 65535, got {text!r}")
    return int(text)


def _usage(read: Callable[[str], Any], text: str) -> Any:
    from capacity.errors import ParameterError

    try:
        return read(text)
    except ParameterError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
