"""Every error that the workbench raises, in one tree.

A message says what was expected, what came, where, and what to do. An error is raised once and logged never: whoever
can act on it prints its one line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

__all__ = [
    "AuthFailed",
    "CapacityError",
    "CatalogError",
    "ConfigError",
    "DeliveryFailed",
    "FrameError",
    "HistoryTooShort",
    "MissingExtra",
    "ModelFailed",
    "NoData",
    "NotHeld",
    "ParameterError",
    "PartialResult",
    "QueryRejected",
    "RateLimited",
    "ReportError",
    "ResultTooLarge",
    "ResultTruncated",
    "RunFailed",
    "SecretFound",
    "SnapshotTorn",
    "SourceError",
    "SourceUnavailable",
    "UnitError",
    "Unsupported",
    "WriteUnverified",
    "did_you_mean",
]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the nearest of ``known``, or an empty string when nothing is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""


class CapacityError(Exception):
    """The root. ``hint`` says what to do; it is printed behind the message."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}" if self.hint else self.message


class FrameError(CapacityError, ValueError):
    """A frame does not keep the contract of `capacity.frames`."""


class UnitError(CapacityError, ValueError):
    """A unit is unknown, or two units do not measure the same thing."""


class CatalogError(CapacityError, ValueError):
    """A catalogue cannot be read: an unknown key, a wrong type, a reference to nothing."""


class ConfigError(CapacityError, ValueError):
    """``capacity.toml`` cannot be read."""


class ParameterError(CapacityError, ValueError):
    """An argument, an option or a notebook's parameter is not one that can be used."""


class HistoryTooShort(CapacityError):
    """No series of a history is long enough for what was asked."""


class ModelFailed(CapacityError):
    """A model gave no usable forecast."""


class SourceError(CapacityError):
    """Something between us and the samples went wrong.

    Parameters
    ----------
    message : str
        One line. Secrets never stand in it.
    source : str
        The source's name, redacted.
    query : str
        The query asked for, or an empty string.
    hint : str, optional
        What to do about it.
    """

    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, source: str = "", query: str = "", hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.source = source
        self.query = query


class SourceUnavailable(SourceError):
    """The server cannot be reached, or says that it cannot answer now."""

    retryable = True


class RateLimited(SourceError):
    """The server asks for patience. ``retry_after_s`` is its own wish, in seconds, when it gave one."""

    retryable = True

    def __init__(
        self,
        message: str,
        *,
        source: str = "",
        query: str = "",
        hint: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, source=source, query=query, hint=hint)
        self.retry_after_s = retry_after_s


class AuthFailed(SourceError):
    """The server does not accept who we are (401), or not what we ask (403)."""


class QueryRejected(SourceError):
    """The server does not accept the query, or it may not be asked in the way that was wanted."""


class ResultTooLarge(SourceError):
    """The answer is larger than the server's limit or the caller's budget."""


class ResultTruncated(SourceError):
    """The answer ended before it was whole."""


class PartialResult(SourceError):
    """A cluster answered without some of its storage nodes."""


class NoData(SourceError):
    """No series matches."""


class NotHeld(SourceError):
    """A snapshot does not hold what was asked; the message lists what it holds."""


class Unsupported(SourceError):
    """The kind of source cannot do what was asked."""


class SnapshotTorn(SourceError):
    """A snapshot's file is not the one that its manifest describes."""


class WriteUnverified(SourceError):
    """Samples were sent and could not be read back."""


class MissingExtra(SourceError):
    """An optional package is needed and not installed."""


class ReportError(CapacityError):
    """A report was not made, or not delivered."""


class RunFailed(ReportError):
    """A notebook did not run to its end. The last good report is untouched."""


class SecretFound(ReportError):
    """What was about to be published holds a secret's value."""


class DeliveryFailed(ReportError):
    """A report was made and could not be delivered."""
