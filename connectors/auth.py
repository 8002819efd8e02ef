"""Where a server is, who we are to it, and how both are told without a secret.

Credentials come, first found, from the URL (``user:password@``), from the arguments of `connect`, or from the
environment: ``CAPACITY_TOKEN`` (bearer), or ``CAPACITY_USER`` with ``CAPACITY_PASSWORD`` (basic). Further headers come
from the arguments, or from ``CAPACITY_HEADERS``: ``Name: value``, one a line, or with ``^^`` between them.
"""

from __future__ import annotations

import base64
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from capacity.errors import ParameterError, SourceError

__all__ = ["HIDDEN", "Address", "address"]

HIDDEN = "***"
TOKEN, USER, PASSWORD, HEADERS = "CAPACITY_TOKEN", "CAPACITY_USER", "CAPACITY_PASSWORD", "CAPACITY_HEADERS"
HEADER_SHORTEST = 4
"""Characters: a shorter value of a header, such as a tenant's number, is hidden only if its name tells a secret."""

_SECRET_NAME = re.compile(r"token|secret|passw|api_?key|auth|signature|cookie|credential", re.IGNORECASE)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Address:
    """A server's address, taken apart. Its repr shows no secret.

    Attributes
    ----------
    base : str
        Scheme, host, port and path, without a slash at the end and without credentials.
    name : str
        The same for people, with the fixed parameters, and `HIDDEN` for what is secret.
    params : tuple of pairs
        What stands behind the URL's ``?`` (such as ``extra_label=team=x``): sent with each request.
    headers : mapping
        ``Authorization``, where there is one, and what else was given.
    secrets : tuple of str
        What must be seen nowhere.
    insert : str
        As ``base``, of where samples are written to; empty: to ``base``.
    tls : SSLContext, optional
        Whom we trust, and who we are; None: as the system has it.
    """

    base: str
    name: str
    params: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    insert: str = ""
    tls: ssl.SSLContext | None = field(default=None, repr=False, compare=False)

    def scrub(self, text: str) -> str:
        """Return ``text`` with `HIDDEN` in the place of every secret."""
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return text

    @contextmanager
    def scrubbing(self) -> Iterator[None]:
        """Let no error out whose message, or whose repr, holds a secret: a server may say back what it was sent."""
        try:
            yield
        except SourceError as error:
            error.message = self.scrub(error.message)
            error.args = (error.message,)
            raise


def address(
    url: str,
    *,
    token: str | None = None,
    user: str | None = None,
    password: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Address:
    """Read a server's URL and find its credentials, and the headers to send with them (None: the environment's).

    Raises
    ------
    ParameterError
        It is no URL of a server, or a credential cannot stand in a header. No message repeats a secret.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise ParameterError("the URL names no server.", hint='Write it like "http://victoriametrics:8428".')
    bracketed = f"[{host}]" if ":" in host else host
    base = f"{parts.scheme}://{bracketed}{f':{port}' if port else ''}{parts.path.rstrip('/')}"
    params = tuple(parse_qsl(parts.query, keep_blank_values=True))
    authorization, secrets = _authorization(
        token=token, user=unquote(parts.username or "") or user, password=unquote(parts.password or "") or password
    )
    more = _checked(_from_environment() if headers is None else headers)
    secrets += tuple(
        value for key, value in more.items() if value and (len(value) >= HEADER_SHORTEST or _SECRET_NAME.search(key))
    )
    hidden = tuple(value for key, value in params if _SECRET_NAME.search(key) and value)
    shown = [(key, HIDDEN if _SECRET_NAME.search(key) else value) for key, value in params]
    name = f"{base}?{urlencode(shown, safe='*=')}" if shown else base
    return Address(base, name, params, {**authorization, **more}, _forms((*secrets, *hidden)))


def _authorization(
    *, token: str | None, user: str | None, password: str | None
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the header, and what of it is secret; nothing given: what the environment holds."""
    if not (token or user or password):
        token, user, password = (os.environ.get(name) for name in (TOKEN, USER, PASSWORD))
    for what, value in (("the token", token), ("the user", user), ("the password", password)):
        if value and _CONTROL.search(value):
            raise ParameterError(f"{what} holds a line break or another control character.")
    if token:
        return {"Authorization": f"Bearer {token}"}, (token,)
    if user or password:
        pair = base64.b64encode(f"{user or ''}:{password or ''}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}, (pair, *((password,) if password else ()))
    return {}, ()


def _from_environment() -> dict[str, str]:
    """Return the headers that the environment holds; what is no header is told by its number, not by its text."""
    found: dict[str, str] = {}
    lines = [line.strip() for line in re.split(r"\^\^|\r?\n", os.environ.get(HEADERS, ""))]
    for number, line in enumerate((line for line in lines if line), start=1):
        name, colon, value = line.partition(":")
        if not colon:
            raise ParameterError(
                f"{HEADERS}: entry {number} is no header.", hint="Write Name: value, one a line, or with ^^ in between."
            )
        found[name.strip()] = value.strip()
    return found


def _checked(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers that can be sent; no message repeats a value."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ParameterError(f"a header is named {name[:40]!r}, which cannot be sent.")
        if _CONTROL.search(value) or not value.isascii():
            raise ParameterError(f"the header {name} holds a line break, or what is not ASCII.")
    return dict(headers)


def _forms(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Return every form that a secret may be repeated in, the longest first so that none is left half hidden."""
    forms = {form for secret in secrets for form in (secret, quote(secret), quote(secret, safe=""))}
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))
