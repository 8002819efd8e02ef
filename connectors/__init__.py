"""Where samples come from and go to: ``connect(url)`` gives a `Source`.

To add a connector: one file with a class below `Source`, and one line in `SCHEMES`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from capacity.errors import ParameterError, did_you_mean
from connectors.base import Progress, ServerInfo, Source

__all__ = ["SCHEMES", "Progress", "ServerInfo", "Source", "connect"]

SCHEMES: Mapping[str, str] = {
    "demo": "connectors.demo:Demo",
    "snapshot": "connectors.snapshot:Snapshot",
    "http": "connectors.victoriametrics:VictoriaMetrics",
    "https": "connectors.victoriametrics:VictoriaMetrics",
    "prometheus+http": "connectors.prometheus:Prometheus",
    "prometheus+https": "connectors.prometheus:Prometheus",
}
"""Scheme of a URL → module and class; the module is imported when it is first asked for."""

ADDRESS = re.compile(r"[\w.-]+:\d{1,5}(?=/|$)")


def connect(url: str | Sequence[str | Source] | Mapping[str, str | Source], **options: Any) -> Source:
    """Return the source that a URL names; nothing is sent before something is asked.

    Parameters
    ----------
    url : str, list or mapping
        ``demo:``, ``snapshot:FOLDER``, ``http(s)://HOST[:PORT][/PATH]`` (VictoriaMetrics; a path, such as a tenant's,
        is kept) or ``prometheus+http(s)://…``. Several of them answer as one: their series get a label ``source``,
        which is the key of a mapping, or the name of the source.
    options
        Handed to the connector: for servers those of `connectors.http.Policy` and `connectors.access.Access`. And of
        every source ``cache``, a folder that keeps what was pulled, with ``settle`` and ``refresh``: see
        `connectors.cached`.

    Raises
    ------
    ParameterError
        The URL names no source; the message says which schemes there are.
    """
    if not isinstance(url, str):
        from connectors.several import Several

        named = url.items() if isinstance(url, Mapping) else [(None, one) for one in url]
        return Several([(key, one if isinstance(one, Source) else connect(one, **options)) for key, one in named])
    scheme, colon, _ = url.strip().partition(":")
    where = SCHEMES.get(scheme.lower())
    if address := ADDRESS.match(url.strip()):
        raise ParameterError(f"a source has a scheme. Did you mean 'http://{address[0]}'?")
    if not colon or where is None:
        known = ", ".join(f"{one}:" for one in SCHEMES)
        # Only the scheme is repeated: what stands behind it may hold a password.
        what = f"{scheme!r} is no kind of source" if colon else "a source has a scheme before its first colon"
        raise ParameterError(f"{what}.{did_you_mean(scheme.lower(), SCHEMES)}", hint=f"There are: {known}")
    keeping = {name: options.pop(name) for name in ("cache", "settle", "refresh") if name in options}
    module, _, name = where.partition(":")
    kind: type[Source] = getattr(import_module(module), name)
    source = kind.connect(url.strip(), **options)
    if keeping.get("cache") is None:
        return source
    from connectors.cached import Cached

    return Cached(source, keeping.pop("cache"), **keeping)
