"""Draft a catalogue from the names of the metrics that a server holds.

What the built-in catalogues describe is taken over from them, comments and all. For the rest, gauges that look like a
usage and its limit become resources, with comments that say what their owner has to decide.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from capacity.catalog_load import built_in, catalog_text, parse_catalog
from capacity.errors import NoData
from reports.pairs import Pair, find_pairs

__all__ = ["Draft", "draft"]

_HEADER = re.compile(r"^\[([^\[\]]+)\]\s*$")
_WORD = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_PARTS = ("", "_bucket", "_sum", "_count")
LISTED = 20
_SHARED = ("labels", "metrics", "channels", "event_kinds")


@dataclass(frozen=True)
class Draft:
    """A catalogue's text, and where it comes from: the built-in ``catalogs`` and the ``pairs`` of gauges behind it.

    ``unused`` are the metrics that nothing in it asks for.
    """

    text: str
    resources: tuple[str, ...]
    catalogs: tuple[str, ...]
    pairs: tuple[str, ...]
    unused: tuple[str, ...] = ()


def draft(
    metrics: Iterable[str], *, types: Mapping[str, str] | None = None, name: str = "mine", title: str = ""
) -> Draft:
    """Return a catalogue for what these metrics measure; ``types`` (gauge, counter …) helps where it is known.

    ``title`` is what its reports are headed by; empty: that of the built-in catalogues it is made of.

    Raises
    ------
    NoData
        None of the metrics looks like something that can run out.
    """
    held = set(metrics)
    blocks: dict[str, list[str]] = {}
    known: list[str] = []
    covered: set[str] = set()
    for catalog in built_in():
        stated = _Stated(catalog)
        if not (found := stated.held(held)):
            continue
        if _merge(blocks, stated.blocks_for(found), catalog):
            known.append(catalog)
            covered |= {metric + part for metric in found for part in _PARTS}
    pairs = find_pairs(held - covered, types=types or {})
    taken = {header for header in blocks if header.startswith("resources.")}
    for pair in pairs:
        blocks[_free(f"resources.{pair.name}", taken)] = _pair_block(pair)
    if not any(header.startswith("resources.") for header in blocks):
        none = f"of {len(held)} metrics none looks like something that can run out." if held else "it holds no metrics."
        raise NoData(none, hint="A catalogue by hand needs a few lines for each resource: see the built-in dwcp.toml.")
    if len(known) > 1:  # a label that one platform's series all carry is none that all of these carry
        blocks["labels"] = [line.replace("common = true, ", "") for line in blocks["labels"]]
    titles = [parse_catalog(catalog_text(each)[0], name=each).title for each in known]
    unused = sorted(held - covered - {metric for pair in pairs for metric in pair.metrics})
    text = _text(blocks, name=name, title=title or " and ".join(titles) or "Capacity", known=known) + _left(unused)
    catalogue = parse_catalog(text, name="the draft")
    return Draft(text, tuple(catalogue.resources), tuple(known), tuple(pair.name for pair in pairs), tuple(unused))


class _Stated:
    """A built-in catalogue as blocks of text, one a table, and the metrics that it states."""

    def __init__(self, catalog: str) -> None:
        text, _ = catalog_text(catalog)
        self.metrics = set(parse_catalog(text, name=catalog).metrics)
        self.blocks = _blocks(text)

    def held(self, names: set[str]) -> set[str]:
        """Return the stated metrics that are among ``names``, a histogram by its buckets."""
        return {metric for metric in self.metrics if metric in names or f"{metric}_bucket" in names}

    def blocks_for(self, held: set[str]) -> dict[str, list[str]]:
        """Return the tables that ask for metrics which are held, and for no others."""
        chosen = {}
        for header, lines in self.blocks.items():
            if header == "metrics":
                chosen[header] = [line for line in lines if line.partition("=")[0].strip() in held]
            elif self._asked(lines) <= held:
                chosen[header] = lines
        return chosen

    def _asked(self, lines: list[str]) -> set[str]:
        words = {word for line in lines for word in _WORD.findall(line)}
        return {metric for metric in self.metrics if any(metric + part in words for part in _PARTS)}


def _blocks(text: str) -> dict[str, list[str]]:
    """Return the lines under each table header, without those that are comments alone."""
    blocks: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        if header := _HEADER.match(line):
            current = blocks.setdefault(header[1], [])
        elif line.strip() and not line.startswith("#"):
            current.append(line)
    return blocks


def _merge(blocks: dict[str, list[str]], found: Mapping[str, list[str]], catalog: str) -> bool:
    """Add a catalogue's tables to those that are there; False when it has nothing that can run out."""
    if not any(header.startswith("resources.") for header in found):
        return False
    taken = set(blocks)
    for header, lines in found.items():
        if header in _SHARED:
            there = blocks.setdefault(header, [])
            keys = {line.partition("=")[0].strip() for line in there}
            there += [line for line in lines if line.partition("=")[0].strip() not in keys]
        else:
            section, _, name = header.partition(".")
            blocks[header if header not in taken else f"{section}.{catalog}_{name}"] = list(lines)
    return True


def _free(header: str, taken: set[str]) -> str:
    while header in taken:
        header += "_2"
    taken.add(header)
    return header


def _pair_block(pair: Pair) -> list[str]:
    limit = f'limit_query = "{pair.limit_query}"' if pair.limit_query else f"limit = {pair.limit:g}"
    limit_kind = "hard" if pair.limit_query else "soft"
    return [
        f"# {pair.why}",
        f'title = "{pair.title}"',
        f'kind = "{pair.kind}"',
        f'query = "{pair.query}"',
        f'unit = "{pair.unit}" # decide: is this the unit that the query answers in?',
        f"{limit} # decide: is this what demand may not pass?",
        f'limit_kind = "{limit_kind}" # hard: a physical ceiling; soft: an agreed one below it',
        f"buffer = {0.1 if pair.limit_query else 0:g} # decide: the share of the limit to keep free",
        "bounds = { lower = 0 }",
        'lead_time = "21d" # decide: from ordering more of it to having it',
        'owner = "unassigned" # decide: who answers for it',
        'assumed = ["unit", "limit_kind", "buffer", "lead_time", "owner"]',
    ]


def _left(unused: Sequence[str]) -> str:
    """Name in a comment what nothing asks for: perhaps one of them can run out, too."""
    if not unused:
        return ""
    told = [f"#   {json.dumps(metric)}" if not metric.isprintable() else f"#   {metric}" for metric in unused[:LISTED]]
    more = [f"#   and {len(unused) - LISTED:,} more"] if len(unused) > LISTED else []
    return "\n".join(["", "# Held by the server, and asked for by nothing above:", *told, *more]) + "\n"


def _text(blocks: Mapping[str, list[str]], *, name: str, title: str, known: list[str]) -> str:
    source = f", from the built-in {' and '.join(known)}" if known else ""
    head = [
        f"# What can run out{source}, drafted from what the server holds.",
        "# Confirm what `assumed` names; owners and lead times are nobody's but yours to know.",
        "",
        f"name = {json.dumps(name)}",
        f"title = {json.dumps(title, ensure_ascii=False)}",
        'timezone = "UTC"',
    ]
    order = ("timezones", "labels", "metrics", "resources", "objectives", "alerts", "channels", "event_kinds")
    ranked = sorted(blocks, key=lambda header: order.index(header.partition(".")[0]))
    tables = [["", f"[{header}]", *blocks[header]] for header in ranked if blocks[header]]
    return "\n".join([*head, *(line for table in tables for line in table)]) + "\n"
