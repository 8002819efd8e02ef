"""The tests' own network rule for child processes: proxies that lead nowhere, loopback excepted."""

from __future__ import annotations

import json
import os

NOWHERE = "http://127.0.0.1:9"
"""The discard port: nothing listens there, so a child that asks for the outside is refused at once."""

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
EXCEPT = ("no_proxy", "NO_PROXY")
LOOPBACK = "127.0.0.1,localhost,::1"
SAVED = "CAPACITY_TESTS_OUTER_PROXIES"


def close_the_outside() -> None:
    """Point the proxy variables of this process and of all its children to nowhere; a second call changes nothing.

    What stood there before is kept in one variable of its own, since the tests' workers are children too and
    `outer_environment` must still be able to give it back.
    """
    if SAVED in os.environ:
        return
    os.environ[SAVED] = json.dumps({name: os.environ.get(name) for name in (*PROXIES, *EXCEPT)})
    os.environ.update(dict.fromkeys(PROXIES, NOWHERE) | dict.fromkeys(EXCEPT, LOOPBACK))


def outer_environment() -> dict[str, str]:
    """Return the environment as it was before `close_the_outside`, for the package managers alone."""
    environment = dict(os.environ)
    saved: dict[str, str | None] = json.loads(environment.pop(SAVED, "{}"))
    for name, value in saved.items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    return environment
