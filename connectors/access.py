"""How a server is reached: the options of `connect` that say who we are, whom we trust, and what we may see of it.

A cluster's tenant is a path; a scope (``extra_filters``) and ``deny_partial_response`` are parameters that go with
every request; certificates come from files, whose names the environment may hold: ``CAPACITY_CA``,
``CAPACITY_CLIENT_CERT`` and ``CAPACITY_CLIENT_KEY``.
"""

from __future__ import annotations

import logging
import os
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from capacity.errors import ParameterError, did_you_mean
from connectors.auth import HIDDEN, Address, address

__all__ = ["SCOPING", "Access", "reached"]

CA, CLIENT_CERT, CLIENT_KEY = "CAPACITY_CA", "CAPACITY_CLIENT_CERT", "CAPACITY_CLIENT_KEY"
MULTITENANT = "multitenant"

SCOPING = ("extra_filters[]", "extra_filters", "extra_label")
"""Parameters that narrow what is seen. Prometheus passes over them: there they would enforce nothing."""

_TENANT = re.compile(rf"\d+(?::\d+)?|{MULTITENANT}")
_SELECT = re.compile(r"^(?P<before>.*)/select/(?P<tenant>[^/]+)/prometheus$")


@dataclass(frozen=True)
class Access:
    """The options, each optional; its repr shows no secret.

    Attributes
    ----------
    token, user, password, headers
        Credentials, else those of `connectors.auth`; headers go with every request.
    ca, client_cert, client_key
        PEM files: the authorities to trust, and our own certificate and key (mTLS); else those of the environment.
    tenant : str
        A cluster's, as ``"3"`` or ``"3:7"``, or ``"multitenant"``: all of them, told apart by the labels
        ``vm_account_id`` and ``vm_project_id``. The URL is then vmselect's alone, without a path.
    insert : str
        URL of a cluster's vminsert, for `write`; else the place of vmselect is asked, which a proxy may serve.
    extra_filters : str or sequence of str
        Series selectors, such as ``{team="infra"}``: the server shows what one of them matches, and nothing else.
    deny_partial_response : bool
        Whether a cluster that lacks a storage node is asked to refuse; a partial answer is an error in any case.
    """

    token: str | None = field(default=None, repr=False)
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    ca: str | Path | None = None
    client_cert: str | Path | None = None
    client_key: str | Path | None = None
    tenant: str | None = None
    insert: str | None = field(default=None, repr=False)
    extra_filters: str | Sequence[str] = ()
    deny_partial_response: bool = False

    @classmethod
    def taken(cls, options: dict[str, Any], *, others: Sequence[str]) -> Access:
        """Take its own out of ``options``; what is then neither its own nor one of ``others`` is refused."""
        own = [each.name for each in fields(cls)]
        for name in options:
            if name not in own and name not in others:
                raise ParameterError(f"no option of a server: {name}.{did_you_mean(name, [*own, *others])}")
        return cls(**{name: options.pop(name) for name in own if name in options})


def reached(url: str, access: Access) -> Address:
    """Return where a server is and how it is spoken to.

    Raises
    ------
    ParameterError
        Something cannot be used: see `connectors.auth.address`; no tenant at all, a file that cannot be read.
    """
    plain = address(
        _of_tenant(url, access.tenant),
        token=access.token,
        user=access.user,
        password=access.password,
        headers=access.headers,
    )
    scoped = (access.extra_filters,) if isinstance(access.extra_filters, str) else tuple(access.extra_filters)
    more = [("extra_filters[]", one) for one in scoped]
    if access.deny_partial_response:
        more.append(("deny_partial_response", "1"))
    _keep_out_of_the_log(plain.secrets)
    return replace(
        plain,
        params=(*plain.params, *more),
        insert=_insert(plain.base, access),
        tls=_context(access) if plain.base.startswith("https:") else None,
    )


def _of_tenant(url: str, tenant: str | None) -> str:
    """Return the URL with a tenant's path behind it."""
    if tenant is None:
        return url
    if not _TENANT.fullmatch(tenant):
        raise ParameterError(
            f"{tenant!r} is no tenant.", hint='Write an account as "3", with a project as "3:7", or "multitenant".'
        )
    try:
        parts = urlsplit(url)
    except ValueError:
        return url  # which `address` refuses, with nothing of it repeated
    if "/select/" in parts.path:
        raise ParameterError(
            "the URL has the path of a tenant already.", hint="Give one of them: the path, or tenant=."
        )
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/select/{tenant}/prometheus"))


def _insert(base: str, access: Access) -> str:
    """Return where samples are written to; empty: to where they are read from."""
    parts = urlsplit(base)
    reading = _SELECT.match(parts.path)
    if access.insert is None:
        if reading is None:
            return ""
        path = f"{reading['before']}/insert/{reading['tenant']}/prometheus"
        return urlunsplit(parts._replace(path=path))
    writing = address(access.insert, headers={}).base
    if "/insert/" in writing or reading is None:
        return writing
    return f"{writing}/insert/{reading['tenant']}/prometheus"


# Certificates --------------------------------------------------------------------------------------------------------


def _context(access: Access) -> ssl.SSLContext | None:
    """Return whom we trust and who we are; None: nothing was said of it."""
    ca, cert, key = (
        given or os.environ.get(name) or None
        for given, name in ((access.ca, CA), (access.client_cert, CLIENT_CERT), (access.client_key, CLIENT_KEY))
    )
    if not (ca or cert or key):
        return None
    if key and not cert:
        raise ParameterError("there is a client's key without its certificate.", hint=f"Set {CLIENT_CERT} too.")
    for what, path in (("the authorities", ca), ("the client's certificate", cert), ("the client's key", key)):
        if path and not Path(path).is_file():
            raise ParameterError(f"{what}: there is no file {str(path)!r}.")
    try:
        context = ssl.create_default_context(cafile=ca)
        if cert:
            context.load_cert_chain(cert, key, password=_encrypted)
    except (ssl.SSLError, OSError) as error:
        why = getattr(error, "reason", None) or getattr(error, "strerror", None) or "unknown"
        raise ParameterError(
            f"the certificates cannot be read ({why}).", hint=f"{CA}, {CLIENT_CERT} and {CLIENT_KEY} name PEM files."
        ) from None
    return context


def _encrypted() -> str:
    """Say that a key needs a password; without this, OpenSSL would ask on the terminal, and a scheduled run wait."""
    raise ParameterError("the client's key is encrypted.", hint="Give one without a password, in a file of your own.")


# The log -------------------------------------------------------------------------------------------------------------


class _Scrubbing(logging.Filter):
    """Hides secrets in what the HTTP library logs: its debug lines repeat URLs with their parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.secrets: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record through, without secrets."""
        said = record.getMessage()
        clean = said
        for secret in sorted(self.secrets, key=len, reverse=True):
            clean = clean.replace(secret, HIDDEN)
        if clean != said:
            record.msg, record.args = clean, ()
        return True


_SCRUBBING = _Scrubbing()


def _keep_out_of_the_log(secrets: Sequence[str]) -> None:
    """Hide these in the HTTP library's log from now on."""
    _SCRUBBING.secrets.update(secrets)
    if secrets:
        for name in ("urllib3.connectionpool", "urllib3.util.retry"):
            logging.getLogger(name).addFilter(_SCRUBBING)
