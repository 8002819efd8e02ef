"""What is about to be published is looked through for the values of known secrets, and refused if it holds one."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote, urlsplit

from capacity.errors import SecretFound

__all__ = ["refuse_secrets", "secrets"]

SHORTEST = 6
"""A shorter secret would be found in any text; the message of nobody's report should depend on one."""


def secrets(variables: Mapping[str, str]) -> dict[str, str]:
    """Return what is not to be seen, by the variable that holds it: values, and the secret parts of URLs."""
    found = {name: value for name, value in variables.items() if len(value) >= SHORTEST}
    for name, value in variables.items():
        if "://" in value:
            parts = urlsplit(value)
            inside = [parts.password or "", *parts.path.split("/")]
            found |= {f"{name} (part {at})": unquote(each) for at, each in enumerate(inside) if len(each) >= 12}
            if len(parts.password or "") >= SHORTEST:
                found[f"{name} (password)"] = unquote(parts.password or "")
    return found


def refuse_secrets(texts: Mapping[str, str], hidden: Mapping[str, str]) -> None:
    """Raise SecretFound where one of ``texts`` (by name) holds one of the values, however it is escaped."""
    for variable, value in hidden.items():
        for name, text in texts.items():
            if any(form in text for form in _forms(value)):
                raise SecretFound(
                    f"{name} holds the value of {variable}, and is not published.",
                    hint="Look at which cell put it out; parameters carry names of secrets, never values.",
                )


def _forms(value: str) -> Iterator[str]:
    yield value
    yield json.dumps(value)[1:-1]
    yield html.escape(value)
    yield quote(value, safe="")
