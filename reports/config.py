"""``capacity.toml``: which sources there are, which catalogue describes the platform, where output goes.

It names the environment variables that hold secrets and never a secret itself. What the command line says goes first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from capacity import tomlvalues as read
from capacity.errors import ConfigError, did_you_mean
from capacity.tomldoc import Document
from reports import settings
from reports.settings import Delivery, Schedule

if TYPE_CHECKING:
    from connectors import Source

ADDRESS = re.compile(r"[\w.-]+:\d{1,5}(?:/\S*)?$")
"""A server's address without ``http://`` before it."""

__all__ = ["FILE", "Config", "SourceConfig", "find_config", "load_config", "parse_config"]

FILE = "capacity.toml"


@dataclass(frozen=True)
class SourceConfig:
    """A source by name: its URL, and the environment variables that hold its credentials."""

    name: str
    url: str
    token_env: str | None = None
    user_env: str | None = None
    password_env: str | None = None

    def credentials(self, environment: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return ``token``, ``user`` and ``password`` as far as they are named; a name that is not set is refused."""
        held = os.environ if environment is None else environment
        named = {"token": self.token_env, "user": self.user_env, "password": self.password_env}
        for variable in named.values():
            if variable and variable not in held:
                raise ConfigError(
                    f"The source {self.name!r} takes its credentials from {variable}, which is not set.",
                    hint=f"Set it: export {variable}=…",
                )
        return {what: held[variable] for what, variable in named.items() if variable}

    def connect(self) -> Source:
        """Return the source, with its credentials."""
        from connectors import connect

        return connect(self.url, **self.credentials())


@dataclass(frozen=True)
class Config:
    """What ``capacity.toml`` says, relative paths resolved against its folder; ``path`` None: there is no file.

    ``publish`` is where scheduled reports go, where that is not ``out``.
    """

    path: Path | None = None
    source: tuple[str, ...] = ("demo:",)
    catalog: str = "dwcp"
    out: Path = Path("out")
    sources: Mapping[str, SourceConfig] = field(default_factory=dict)
    publish: str = ""
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    deliveries: Mapping[str, Delivery] = field(default_factory=dict)

    @property
    def published(self) -> str:
        """Where scheduled reports are published: a URL that fsspec knows, or a folder; by default the output folder."""
        return self.publish or str(self.out)

    def source_configs(self, asked: Sequence[str] = ()) -> tuple[SourceConfig, ...]:
        """Return the sources that were asked for, each by name or by URL; none asked for: those that the file says.

        Raises
        ------
        ConfigError
            It is neither a URL nor the name of a source.
        """
        return tuple(self._one(word) for word in (asked or self.source))

    def connect(self, asked: Sequence[str] = ()) -> Source:
        """Return one source that answers for all that were asked for."""
        from connectors import connect

        chosen = self.source_configs(asked)
        if len(chosen) == 1:
            return chosen[0].connect()
        return connect({each.name: each.connect() for each in chosen})

    def _one(self, word: str) -> SourceConfig:
        if word in self.sources:
            return self.sources[word]
        if address := ADDRESS.match(word):
            raise ConfigError(f"{word!r} is no URL. Did you mean 'http://{address[0]}'?")
        if ":" in word:
            return SourceConfig(word, word)
        named = f"There are: {', '.join(self.sources)}." if self.sources else f"No source is named in a {FILE} here."
        raise ConfigError(
            f"{word!r} is neither a source's name nor a URL.{did_you_mean(word, self.sources)}",
            hint=f"{named} A URL is like http://victoriametrics:8428, snapshot:FOLDER or demo:",
        )


def find_config(path: str | Path | None = None, *, folder: str | Path = ".") -> Config:
    """Return the configuration: of ``path``, else of the file in ``folder``, else the defaults.

    Raises
    ------
    ConfigError
        ``path`` cannot be read, or something in the file is wrong: all problems are told, each with its line.
    """
    if path is not None:
        return load_config(path)
    beside = Path(folder) / FILE
    return load_config(beside) if beside.is_file() else Config()


def load_config(path: str | Path) -> Config:
    """Return what a configuration file says; see `find_config`."""
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"There is no {path}.", hint=f"`capacity init` writes a {FILE}.") from None
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(f"{path} cannot be read: {reason}.") from problem
    return parse_config(text, path=file)


def parse_config(text: str, *, path: Path) -> Config:
    """Return what the text of a configuration file says; ``path`` is where it lies."""
    doc = Document(text, name=str(path), error=ConfigError)
    top = doc.read((), doc.data, _TOP) or {}
    sources = doc.tables("sources", lambda place, name, table: _source(doc, place, name, table))
    schedules = doc.tables("schedules", lambda place, name, table: settings.schedule(doc, place, name, table))
    deliveries = doc.tables("delivery", lambda place, name, table: settings.delivery(doc, place, name, table))
    chosen: tuple[str, ...] = top.get("source", ())
    for word in chosen:
        if ":" not in word:
            doc.known(("source",), word, doc.data.get("sources", {}), what="source")
    doc.finish()
    if not chosen:
        chosen = tuple(sources) if len(sources) == 1 else Config.source
    catalog, out = top.get("catalog", Config.catalog), top.get("out", str(Config.out))
    is_path = catalog.endswith(".toml") or "/" in catalog
    return Config(
        path=path,
        source=chosen,
        catalog=str(path.parent / catalog) if is_path else catalog,
        out=path.parent / out,
        sources=sources,
        publish=_place(top.get("publish", ""), path.parent),
        schedules=schedules,
        deliveries=deliveries,
    )


def _place(text: str, folder: Path) -> str:
    """Return where to publish: a URL as it is, a folder beside the file."""
    return text if not text or "://" in text else str(folder / text)


def _source(doc: Document, place: tuple[str, ...], name: str, table: Any) -> SourceConfig | None:
    values = doc.read(place, table, _SOURCE, required=("url",))
    return None if values is None else SourceConfig(name, **values)


def _one_or_more(value: Any) -> tuple[str, ...]:
    return tuple(read.many(read.text)(value)) if isinstance(value, list) else (read.text(value),)


def _url(value: Any) -> str:
    """Read a URL that holds no secret; the message repeats none either."""
    url = read.text(value)
    if ":" not in url:
        raise ValueError(f"{url!r} is no URL: write it like http://victoriametrics:8428, snapshot:FOLDER or demo:")
    if "@" in urlsplit(url.removeprefix("prometheus+")).netloc:
        raise ValueError("credentials do not belong into a file: name the variables with user_env and password_env.")
    return url


_TOP: Mapping[str, read.Reader] = {
    "source": _one_or_more,
    "catalog": read.text,
    "out": read.text,
    "publish": read.text,
    "sources": lambda value: value,
    "schedules": lambda value: value,
    "delivery": lambda value: value,
}
_SOURCE: Mapping[str, read.Reader] = {
    "url": _url,
    "token_env": settings.variable,
    "user_env": settings.variable,
    "password_env": settings.variable,
}
