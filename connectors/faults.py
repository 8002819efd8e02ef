"""What went wrong, said as an error of the tree: one line, what to check, and no secret.

Two roads lead here: an answer that is no answer (`refusal`), and a connection that gave none (`failure`).
"""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping
from http import HTTPStatus

import orjson
import pandas as pd
from urllib3 import exceptions as broken

from capacity.errors import (
    AuthFailed,
    PartialResult,
    QueryRejected,
    RateLimited,
    ResultTooLarge,
    ResultTruncated,
    SourceError,
    SourceUnavailable,
    Unsupported,
)

__all__ = ["failure", "one_line", "refusal", "retry_after_s"]

LONGEST_TEXT = 400
"""Characters of a server's own text that a message repeats."""

# A server's limit on points, series, samples, memory or time: asking for less may do.
_TOO_LARGE = re.compile(
    r"too many points|maximum resolution|maxPoints|maxSamples|maxUniqueTimeseries|maxSeries|maxMemory|not enough memory"
    r"|too many samples|timeout exceeded|query timed out|maxQueryDuration|exceeds .{0,40}limit",
    re.IGNORECASE,
)
_ECHO = re.compile(
    r"^(?:remoteAddr: .*?; )?(?:requestURI: .*?; )?(?:error when executing query=.*? on the time range \(.*?\): )?"
)
_UNKNOWN_USER = re.compile(r"auth token|Authorization.{0,20}header", re.IGNORECASE)
"""How an older vmauth (1.79) says 401: with status 400."""
_STORAGE_NODES = re.compile(r"\bvmstorage nodes?\b|\bon vmstorage\b")
"""What a cluster refuses an export with, or a query with deny_partial_response: it names what it cannot reach."""
_NO_SUCH_PATH = re.compile(r"unsupported (?:url )?path|missing route|unsupported path", re.IGNORECASE)


def one_line(text: str, *, longest: int = LONGEST_TEXT) -> str:
    """Return text from elsewhere as one printable line of bounded length."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    line = " ".join(plain.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _said(body: bytes) -> str:
    """Return the server's own words without its echo of the query: a JSON answer's ``error``, else the text."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = None
    told = document.get("error") if isinstance(document, dict) else None
    text = str(told) if told is not None else body.decode("utf-8", "replace")
    if "<html" in text[:500].lower():
        text = re.sub(r"<(style|script).*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE)
    return one_line(_ECHO.sub("", text, count=1))


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return how long a server asks to be left alone, in seconds; it says so in seconds or as a date."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    try:
        when = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (pd.Timestamp(when) - pd.Timestamp.now(tz=when.tzinfo)).total_seconds())


def refusal(status: int, headers: Mapping[str, str], body: bytes, *, source: str, query: str) -> SourceError:
    """Return the error that an answer with a status other than 2xx means, with the server's own words."""
    said = _said(body)
    kind, what, hint = _meaning(status, said, headers)
    if kind is SourceUnavailable and _STORAGE_NODES.search(body.decode("utf-8", "replace")):
        kind, what, hint = PartialResult, "cannot reach all of its storage nodes", "Wait until all of them are back."
    message = f"{source} {what} ({status}){f': {said}' if said else '.'}"
    if kind is RateLimited:
        return RateLimited(message, source=source, query=query, hint=hint, retry_after_s=retry_after_s(headers))
    return kind(message, source=source, query=query, hint=hint)


def _meaning(status: int, said: str, headers: Mapping[str, str]) -> tuple[type[SourceError], str, str | None]:
    """Return the error's class, what the server does, and what to do about it."""
    if status == HTTPStatus.UNAUTHORIZED or (status == HTTPStatus.BAD_REQUEST and _UNKNOWN_USER.search(said)):
        return AuthFailed, "does not know who asks", "Check CAPACITY_TOKEN, or CAPACITY_USER and CAPACITY_PASSWORD."
    if status == HTTPStatus.FORBIDDEN:
        return AuthFailed, "does not allow this", "Ask for the right to read there, or use another user."
    pleads = status == HTTPStatus.SERVICE_UNAVAILABLE and retry_after_s(headers) is not None
    if pleads or status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited, "asks for patience", "Try again later."
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or _TOO_LARGE.search(said):
        return ResultTooLarge, "does not give that much", "Ask for a shorter window or a coarser step."
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return SourceUnavailable, "cannot answer now", "Look into the server's log."
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED) or _NO_SUCH_PATH.search(said):
        return (
            Unsupported,
            "has no such endpoint",
            "Check the URL's path, and that it is a VictoriaMetrics or a Prometheus.",
        )
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        where = one_line(headers.get("location", "an address that it does not tell"))
        return Unsupported, f"sends us on to {where}", "Name that address, if it is the one that is meant."
    return QueryRejected, "rejects the request", None


def failure(error: Exception, *, source: str, query: str, answering: bool) -> SourceError:
    """Return the error that a broken connection means; ``answering``: the answer had already begun."""
    what, hint = _failed(error)
    if answering and not isinstance(error, broken.TimeoutError):
        return ResultTruncated(
            f"the answer of {source} ended too early: {what}.", source=source, query=query, hint="Try again."
        )
    return SourceUnavailable(f"cannot reach {source}: {what}.", source=source, query=query, hint=hint)


def _failed(error: Exception) -> tuple[str, str]:
    """Return what failed, and what to check."""
    if isinstance(error, broken.NameResolutionError):
        return "its host name is not known", "Check the name, and this machine's DNS."
    if isinstance(error, broken.NewConnectionError):
        refused = isinstance(error.__cause__, ConnectionRefusedError)
        what = "connection refused" if refused else _cause(error.__cause__)
        return what, "Check that the server runs, and its host and port."
    if isinstance(error, broken.ConnectTimeoutError):
        return "no connection in time", "Check host and port, and that no firewall lies in between."
    if isinstance(error, broken.SSLError):
        return f"TLS failed ({_cause(error)})", (
            "Check https against http, and the certificate; SSL_CERT_FILE names the authorities to trust."
        )
    if isinstance(error, broken.ReadTimeoutError):
        return "no answer in time", "Ask for a shorter window, or allow a longer timeout_s."
    if isinstance(error, broken.IncompleteRead):
        return "the body was cut short", "Try again."
    return (
        f"the connection broke ({_cause(error)})",
        "Check that the server runs, and that it speaks HTTP on this port.",
    )


def _cause(error: BaseException | None) -> str:
    """Return the innermost reason of a chain of errors, in the system's words."""
    inner = next((arg for arg in getattr(error, "args", ()) if isinstance(arg, BaseException)), None)
    if inner is not None:
        return _cause(inner)
    text = getattr(error, "strerror", None) or str(error or "unknown")
    return one_line(re.sub(r"^\[[^]]*\] ?| ?\(_ssl\.c:\d+\)", "", text), longest=120)
