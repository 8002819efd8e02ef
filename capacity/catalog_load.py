"""Read a catalogue: TOML in, frozen dataclasses out, values in base units, every problem told at once."""

from __future__ import annotations

import hashlib
from functools import partial
from importlib import resources as package_files
from pathlib import Path

from capacity import catalog_parts as parts
from capacity.catalog import Catalog
from capacity.catalog_fields import TOP
from capacity.errors import CatalogError, did_you_mean
from capacity.tomldoc import Document

__all__ = ["built_in", "catalog_text", "load_catalog", "parse_catalog"]


def built_in() -> tuple[str, ...]:
    """Return the names of the catalogues that the package carries."""
    folder = package_files.files("capacity") / "catalogs"
    return tuple(sorted(each.name.removesuffix(".toml") for each in folder.iterdir() if each.name.endswith(".toml")))


def load_catalog(name_or_path: str | Path) -> Catalog:
    """Return a catalogue: a built-in one by name (``"dwcp"``, ``"node_exporter"``), or any TOML file by path.

    A YAML file (``.yaml``, ``.yml``) is read as OpenSLO v1: a catalogue of objectives alone.

    Raises
    ------
    CatalogError
        There is no such catalogue, or something in it is wrong: all problems are told, each with its line.
    """
    text, name = catalog_text(name_or_path)
    return _promised(text, name) if name.endswith((".yaml", ".yml")) else parse_catalog(text, name=name)


def _promised(text: str, name: str) -> Catalog:
    """Return a catalogue of the objectives that an OpenSLO text describes."""
    from capacity.openslo import read_openslo  # YAML is loaded for whoever has any

    found, stem = read_openslo(text, name=name).objectives, Path(name).stem
    return Catalog(stem, stem, objectives=found, sha256=hashlib.sha256(text.encode()).hexdigest())


def catalog_text(name_or_path: str | Path) -> tuple[str, str]:
    """Return a catalogue's TOML and what to call it in messages. Raises CatalogError when it cannot be opened."""
    name = str(name_or_path)
    if name in built_in():
        file = package_files.files("capacity") / "catalogs" / f"{name}.toml"
        return file.read_text(encoding="utf-8"), f"{name}.toml"
    try:
        return Path(name).read_text(encoding="utf-8"), name
    except FileNotFoundError:
        known = built_in()
        hint = f"Built in are {', '.join(known)}; else give the path of a TOML file."
        if name.endswith(".toml"):
            hint = f"`capacity init --source URL -o {name}` drafts one."
        raise CatalogError(f"There is no catalogue {name!r}.{did_you_mean(name, known)}", hint=hint) from None
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "it is not UTF-8 text"
        raise CatalogError(f"The catalogue {name} cannot be read: {reason}.") from problem


def parse_catalog(text: str, *, name: str = "catalogue") -> Catalog:
    """Return the catalogue that a TOML text describes; ``name`` is what messages call it.

    Raises
    ------
    CatalogError
        Something in it is wrong: all problems are told, each with its line.
    """
    doc = Document(text, name=name, error=CatalogError)
    top = doc.read((), doc.data, TOP, required=("name",)) or {}
    risks = doc.items("accepted", partial(parts.accepted, doc))
    catalog = Catalog(
        name=top.get("name", ""),
        title=top.get("title") or top.get("name", ""),
        timezone=top.get("timezone", "UTC"),
        timezones=top.get("timezones", {}),
        holidays=top.get("holidays", {}),
        labels=doc.tables("labels", partial(parts.label, doc)),
        metrics=doc.tables("metrics", partial(parts.metric, doc)),
        resources=doc.tables("resources", partial(parts.resource, doc, risks=risks)),
        objectives=doc.tables("objectives", partial(parts.objective, doc)),
        alerts=doc.tables("alerts", partial(parts.alert, doc)),
        channels=doc.tables("channels", partial(parts.channel, doc)),
        event_kinds=doc.tables("event_kinds", partial(parts.event_kind, doc)),
        events=doc.items("events", partial(parts.event, doc)),
        accepted=risks,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )
    doc.finish()
    return catalog
