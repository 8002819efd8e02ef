"""One request, and its answer: sent, retried where that helps, read to its true end.

`Client` adds to `connectors.wire` what is the same for every request: credentials, the fixed parameters of the URL,
patience, a deadline, and errors of the tree.
"""

from __future__ import annotations

import email.utils
import math
import random
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar
from urllib.parse import urlencode

import pandas as pd
import urllib3

from capacity.errors import RateLimited, ResultTruncated, SourceError, SourceUnavailable
from connectors.auth import Address
from connectors.faults import failure, refusal
from connectors.wire import Request, Response, Send, decoded, over_the_network

__all__ = ["Client", "Params", "Policy"]

Params = Iterable[tuple[str, str]]
Given = TypeVar("Given")
ERROR_BYTES = 1 << 16
SKEW_NOTICED = pd.Timedelta(seconds=2)
"""A server's clock is told to the second, and its answer takes a while: less than this is no difference."""


@dataclass(frozen=True)
class Policy:
    """How patient a client is. Times are in seconds.

    ``timeout_s`` bounds the wait for the next piece of an answer, ``deadline_s`` a request with all its attempts.
    A server that asks for a longer pause than is left is not waited for.
    """

    attempts: int = 4
    connect_s: float = 5.0
    timeout_s: float = 60.0
    deadline_s: float = 300.0
    backoff_s: float = 0.25


class Client:
    """Asks one server. What goes wrong comes out as a `SourceError`, with no secret in it."""

    def __init__(self, where: Address, *, policy: Policy | None = None, send: Send | None = None) -> None:
        self.where = where
        self.policy = policy or Policy()
        self.skew = pd.Timedelta(0)
        self._last = math.inf
        self._pool = urllib3.PoolManager(maxsize=4, retries=False, ssl_context=where.tls)
        self._send = send or over_the_network(self._pool)

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Let every request that is made inside end before this time is over, together, whatever its own deadline."""
        before = self._last
        self._last = min(before, time.monotonic() + seconds)
        try:
            yield
        finally:
            self._last = before

    def _until(self) -> float:
        """Return the time by which a request that begins now must have ended, with all its attempts."""
        return min(time.monotonic() + self.policy.deadline_s, self._last)

    def now(self) -> pd.Timestamp:
        """Return the server's time, as its last answer told it; before the first answer, this machine's."""
        return pd.Timestamp.now(tz="UTC").as_unit("us") + self.skew

    def ask(self, path: str, params: Params = (), *, query: str = "", method: str = "POST") -> bytes:
        """Return the whole body of an answer; what is retryable is tried again, after growing pauses, in time."""
        return self.read(path, params, b"".join, query=query, method=method)

    def read(
        self,
        path: str,
        params: Params,
        reader: Callable[[Iterator[bytes]], Given],
        *,
        query: str = "",
        method: str = "POST",
    ) -> Given:
        """Return what ``reader`` makes of an answer's body while it arrives; tried again, it begins anew."""
        asked = list(params)

        def attempt(until: float) -> Given:
            with closing(self._pieces(method, path, asked, query=query, until=until)) as pieces, self.where.scrubbing():
                return reader(pieces)

        return self._patiently(attempt)

    def stream(self, path: str, params: Params = (), *, query: str = "") -> Generator[bytes]:
        """Give the body of an answer as it arrives, in pieces of any size.

        Only the beginning is tried again: what was given cannot be taken back. An answer that does not say where it
        ends is refused, since a cut between two lines, or two blocks, would go unseen.
        """
        asked = list(params)

        def begin(until: float) -> Iterator[bytes]:
            pieces = self._pieces("POST", path, asked, query=query, until=until, framed_only=True)
            return chain([next(pieces, b"")], pieces)

        yield from self._patiently(begin)

    def lines(self, path: str, params: Params = (), *, query: str = "") -> Iterator[bytes]:
        """Give the lines of an answer as they arrive, empty ones left out: see `stream`."""
        rest = b""
        for piece in self.stream(path, params, query=query):
            *done, rest = (rest + piece).split(b"\n")
            yield from (line for line in done if line.strip())
        if rest.strip():
            yield rest

    def hand_in(self, path: str, body: bytes) -> None:
        """Send a body, once: whoever sends samples must look what arrived before sending any again."""
        until = self._until()
        for _ in self._pieces("POST", path, (), query="", until=until, body=body):
            pass

    def _patiently(self, attempt: Callable[[float], Given]) -> Given:
        """Run ``attempt`` (given the time by which it must end) until it succeeds, or trying again is no use."""
        until = self._until()
        for number in range(1, self.policy.attempts):
            try:
                return attempt(until)
            except SourceError as error:
                pause = self._pause(error, number)
                if not error.retryable or time.monotonic() + pause > until:
                    raise
                time.sleep(pause)
        return attempt(until)

    def _pause(self, error: SourceError, number: int) -> float:
        """Return how long to wait, in seconds: as the server wishes, else twice as long each time, with jitter."""
        wish = error.retry_after_s if isinstance(error, RateLimited) else None
        grown = self.policy.backoff_s * 2.0 ** (number - 1)
        return grown * random.uniform(0.5, 1.5) if wish is None else wish + grown * random.random()

    def _pieces(
        self,
        method: str,
        path: str,
        params: Params,
        *,
        query: str,
        until: float,
        framed_only: bool = False,
        body: bytes | None = None,
    ) -> Generator[bytes]:
        """Send one request and give the decoded body of its answer, or raise what the answer means."""
        response = None
        if time.monotonic() >= until:
            raise self._late(query)
        with self.where.scrubbing():
            try:
                response = self._send(self._request(method, path, params, until=until, body=body))
                self._note_clock(response.headers)
                yield from self._whole(response, query=query, until=until, framed_only=framed_only)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                # "from None": the chain would carry urllib3's words, which nobody has scrubbed.
                raise failure(error, source=self.where.name, query=query, answering=response is not None) from None
            finally:
                _let_go(response)

    def _whole(self, response: Response, *, query: str, until: float, framed_only: bool) -> Iterator[bytes]:
        """Give the pieces of a good answer, in the time allowed; raise what a bad one means."""
        name = self.where.name
        pieces = decoded(response, source=name, query=query)
        if not 200 <= response.status < 300:
            raise refusal(response.status, response.headers, _beginning(pieces), source=name, query=query)
        if framed_only and not response.framed:
            raise ResultTruncated(f"nothing tells whether the answer of {name} is whole.", source=name, query=query)
        for piece in pieces:
            if time.monotonic() > until:
                raise self._late(query)
            yield piece

    def _late(self, query: str) -> SourceUnavailable:
        """Return the error of an answer that took longer than it may, by itself or with those before it."""
        if time.monotonic() >= self._last:
            what, hint = "the deadline for all requests together has passed", "allow a longer deadline"
        else:
            what, hint = f"it was not whole after {self.policy.deadline_s:g} s", "allow a longer deadline_s"
        return SourceUnavailable(
            f"no answer of {self.where.name}: {what}.",
            source=self.where.name,
            query=query,
            hint=f"Ask for a shorter window, or {hint}.",
        )

    def _request(self, method: str, path: str, params: Params, *, until: float, body: bytes | None) -> Request:
        """Put a request together: parameters as a form, or in the URL where there is a body or no POST."""
        pairs = urlencode([*self.where.params, *params])
        headers = {"Accept-Encoding": "identity", "User-Agent": "capacity-workbench", **self.where.headers}
        base = self.where.insert if body is not None and self.where.insert else self.where.base
        url = f"{base}{path}"
        if body is None and method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = pairs.encode()
        elif pairs:
            url = f"{url}?{pairs}"
        left = max(until - time.monotonic(), 0.001)
        policy = self.policy
        return Request(method, url, headers, body, min(policy.connect_s, left), min(policy.timeout_s, left))

    def _note_clock(self, headers: Mapping[str, str]) -> None:
        """Remember how far the server's clock is from ours."""
        try:
            told = pd.Timestamp(email.utils.parsedate_to_datetime(headers["date"])).tz_convert("UTC")
        except (KeyError, ValueError, TypeError):
            return
        skew = told.as_unit("us") - pd.Timestamp.now(tz="UTC").as_unit("us")
        self.skew = skew if abs(skew) > SKEW_NOTICED else pd.Timedelta(0)


def _let_go(response: Response | None) -> None:
    """Give the connection up, if the body was not read to its end."""
    close = getattr(response.pieces, "close", None) if response else None
    if close is not None:
        close()


def _beginning(pieces: Iterator[bytes]) -> bytes:
    """Return the beginning of a refusal's body; one that breaks off says what it said."""
    said = b""
    try:
        for piece in pieces:
            said += piece
            if len(said) > ERROR_BYTES:
                break
    except (SourceError, urllib3.exceptions.HTTPError, OSError):
        pass
    return said[:ERROR_BYTES]
