"""Plain selectors, read: ``name{region="eu-west", node!~"node-[12]"}`` is what an archive can answer by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from capacity.errors import QueryRejected

__all__ = ["Matcher", "Selector", "normal", "parse"]

_NAME = re.compile(r"\s*([A-Za-z_:][\w:.]*)?\s*(\{(.*)\})?\s*", re.DOTALL)
_MATCHER = re.compile(
    r'\s*([A-Za-z_][\w.]*)\s*(=~|!~|!=|=)\s*("(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\')\s*(,|$)', re.DOTALL
)
_ESCAPES = {"n": "\n", "t": "\t"}


@dataclass(frozen=True, order=True)
class Matcher:
    """One condition on a label; a label that a series lacks reads as empty, and patterns must match all of it."""

    label: str
    operator: str
    value: str

    def keeps(self, labels: Mapping[str, str]) -> bool:
        """Whether a series with these labels is wanted."""
        found = labels.get(self.label, "")
        same = re.fullmatch(self.value, found) is not None if self.operator.endswith("~") else found == self.value
        return same is not self.operator.startswith("!")


@dataclass(frozen=True)
class Selector:
    """A metric's name (empty: any) and the conditions on its labels."""

    metric: str
    matchers: frozenset[Matcher] = frozenset()

    def keeps(self, labels: Mapping[str, str]) -> bool:
        """Whether a series with these labels is wanted; the metric's name is not looked at."""
        return all(matcher.keeps(labels) for matcher in self.matchers)

    def narrows(self, wider: Selector) -> frozenset[Matcher] | None:
        """Return the conditions that this one has on top of ``wider``; None: it is no selection from it."""
        if self.metric != wider.metric or not wider.matchers <= self.matchers:
            return None
        return self.matchers - wider.matchers


def parse(query: str) -> Selector | None:
    """Read a plain selector; None: the query is not one.

    Raises
    ------
    QueryRejected
        A pattern in it is no regular expression.
    """
    found = _NAME.fullmatch(query)
    if found is None or not (found[1] or found[2]):
        return None
    matchers = _matchers(found[3] or "")
    if matchers is None:
        return None
    metric, rest = found[1] or "", set()
    for matcher in matchers:
        if matcher.operator.endswith("~"):
            _check_pattern(matcher, query)
        if matcher.label == "__name__" and matcher.operator == "=" and not metric:
            metric = matcher.value
        else:
            rest.add(matcher)
    return Selector(metric, frozenset(rest))


def _matchers(text: str) -> list[Matcher] | None:
    matchers, position = [], 0
    while text[position:].strip():
        found = _MATCHER.match(text, position)
        if found is None:
            return None
        value = re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), found[3][1:-1], flags=re.DOTALL)
        matchers.append(Matcher(found[1], found[2], value))
        position = found.end()
    return matchers


def _check_pattern(matcher: Matcher, query: str) -> None:
    try:
        re.compile(matcher.value)
    except re.error as error:
        raise QueryRejected(f"{matcher.value!r} is no regular expression: {error}.", query=query) from None


def normal(query: str) -> str:
    """Return a query in one spelling of its white space, so that two spellings of it are told to be the same."""
    parts = re.split(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""", query.strip())
    return "".join(
        part if part[:1] in ("'", '"') else re.sub(r"\s*([^\w\s])\s*|\s+", r"\1 ", part) for part in parts
    ).strip()
