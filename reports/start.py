"""What `capacity init` reads from a server and writes beside the user's work: a catalogue and its ``capacity.toml``."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from capacity.catalog_load import built_in, load_catalog
from capacity.errors import ConfigError, ParameterError, SourceError, Unsupported
from reports.config import FILE
from reports.draft import Draft

if TYPE_CHECKING:
    from connectors import Source

__all__ = ["held_metrics", "refuse_to_overwrite", "title_of", "without_secrets", "write_start"]


def held_metrics(source: Source) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the names of the metrics that a source holds, and the types that it knows of.

    An archive lists the series of plain selectors alone: what is behind its expressions is asked for, too.
    """
    from connectors.listing import Lists

    try:
        names = source.label_values("__name__")
    except Unsupported:
        return _probed(source), {}
    if isinstance(source, Lists):
        names = sorted({*names, *_probed(source)})
    try:
        known = source.metadata()
        types = dict(zip(known["metric"], known["type"], strict=True))
    except SourceError:
        types = {}  # a server that keeps no metadata still keeps names
    return tuple(names), types


def _probed(source: Source) -> tuple[str, ...]:
    """Return the metrics of the built-in resources whose queries an archive answers."""
    found: set[str] = set()
    for name in built_in():
        catalog = load_catalog(name)
        for resource in catalog.resources.values():
            end = source.finished(resource.step)
            try:
                source.range(
                    resource.query,
                    start=end - 2 * resource.step,
                    end=end,
                    step=resource.step,
                    aggregate=resource.aggregate,
                    resolution=resource.resolution,
                )
            except SourceError:
                continue
            asked = f"{resource.query} {resource.limit_query or ''}"
            found |= {metric for metric in catalog.metrics if metric in asked}
    return tuple(sorted(found))


def without_secrets(url: str) -> tuple[str, dict[str, str]]:
    """Return a source's URL without credentials, and the ``user`` and ``password`` that it held.

    Raises
    ------
    ParameterError
        A secret stands in its query, where nothing can take its place.
    """
    from connectors.auth import HIDDEN, address

    kind = "prometheus+" if url.startswith("prometheus+") else ""
    plain = url.removeprefix(kind)
    if not plain.startswith(("http:", "https:")):
        return url, {}
    known, parts = address(plain), urlsplit(plain)
    if HIDDEN in known.name:
        raise ParameterError(
            "the URL's query holds a secret, which would be written into a file.",
            hint="Give it by the environment: CAPACITY_TOKEN, or CAPACITY_USER and CAPACITY_PASSWORD.",
        )
    held = {"user": unquote(parts.username or ""), "password": unquote(parts.password or "")}
    return kind + known.name, {what: value for what, value in held.items() if value}


def title_of(urls: Iterable[str]) -> str:
    """Return a title for what these sources measure: the hosts by name; an address in figures names nobody."""
    hosts = [urlsplit(url.removeprefix("prometheus+")).hostname or "" for url in urls if "://" in url]
    named = [host for host in hosts if host != "localhost" and not host.replace(".", "").isdigit() and ":" not in host]
    return f"Capacity of {' and '.join(dict.fromkeys(named))}" if named else ""


def refuse_to_overwrite(catalog: Path, *, force: bool) -> None:
    """Raise ConfigError when a file is there that would be lost."""
    if catalog.exists() and not force:
        raise ConfigError(f"{catalog} is there already.", hint="Choose another with -o, or overwrite it with --force.")


def write_start(drafted: Draft, catalog: Path, urls: Mapping[str, str], *, force: bool) -> tuple[Path, ...]:
    """Write the catalogue, and beside it a ``capacity.toml`` that points to it; one that is there stays unless forced.

    Returns
    -------
    tuple of Path
        What was written.
    """
    config = catalog.parent / FILE
    catalog.parent.mkdir(parents=True, exist_ok=True)
    _write(catalog, drafted.text)
    if config.exists() and not force:
        return (catalog,)
    _write(config, _config_text(catalog.name, urls))
    return catalog, config


def _config_text(catalog: str, urls: Mapping[str, str]) -> str:
    chosen = ", ".join(json.dumps(name) for name in urls)
    lines = [
        "# Which sources there are, which catalogue describes the platform, where output goes.",
        "# Secrets stay in the environment; token_env, user_env and password_env name the variables that hold them.",
        f"source = {chosen if len(urls) == 1 else f'[{chosen}]'}",
        f"catalog = {json.dumps(catalog)}",
        'out = "out"',
    ]
    for name, url in urls.items():
        lines += ["", f"[sources.{name}]", f"url = {json.dumps(url)}"]
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
