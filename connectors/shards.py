"""Shards: a selector of many series as several selectors of fewer, which together match the same."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from connectors.expressions import is_selector, masked

__all__ = ["narrowed", "shards"]

LONGEST_PATTERN = 6_000
"""Characters; VictoriaMetrics refuses a query above 16 KiB (-search.maxQueryLen)."""

_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
Labels = Mapping[str, str]


def shards(selector: str, series: Sequence[Labels], *, most: int) -> list[str]:
    """Cut a selector into ones of about ``most`` series each, by the values of the label that tells most apart.

    Parameters
    ----------
    selector : str
        A plain one.
    series : sequence of mappings
        The labels, with ``__name__``, of all series that it matches.
    most : int
        How many series a shard may have. A value that more series share is divided further by other labels, as far as
        these tell them apart.

    Returns
    -------
    list of str
        Only the selector itself where it is small enough, or cannot be cut.
    """
    labels = {label for one in series for label in one if _PLAIN_NAME.fullmatch(label)}
    values = {label: {one.get(label, "") for one in series} for label in labels}
    label = max(sorted(labels), key=lambda each: len(values[each]), default="")
    if len(series) <= most or len(values.get(label, ())) < 2 or narrowed(selector, "") is None:
        return [selector]
    cut: list[str] = []
    for group in _groups(label, series, most=most):
        pattern = "|".join(re.escape(value) for value in sorted(group))
        text = pattern.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        members = [one for value in sorted(group) for one in group[value]]
        cut += shards(str(narrowed(selector, f'{label}=~"{text}"')), members, most=most)
    return cut


def _groups(label: str, series: Sequence[Labels], *, most: int) -> list[dict[str, list[Labels]]]:
    """Put the values of a label into groups that are not too large, nor too long to be written."""
    by_value: dict[str, list[Labels]] = {}
    for one in series:
        by_value.setdefault(one.get(label, ""), []).append(one)
    groups: list[dict[str, list[Labels]]] = []
    count = length = 0
    for value, members in sorted(by_value.items()):
        count, length = count + len(members), length + 2 * len(value.encode()) + 1
        if not groups or count > most or length > LONGEST_PATTERN:
            groups.append({})
            count, length = len(members), 2 * len(value.encode()) + 1
        groups[-1][value] = members
    return groups


def narrowed(selector: str, matcher: str) -> str | None:
    """Return a plain selector with one more condition; None: there is no place for it (``{a="1" or b="2"}``)."""
    plain = masked(selector)
    if not is_selector(selector) or re.search(r"[\s,]or[\s{]", plain):
        return None
    end = plain.rfind("}")
    if end < 0:
        end = len(plain.rstrip())
        return f"{selector[:end]}{{{matcher}}}{selector[end:]}"
    open_ended = plain[:end].rstrip().endswith(("{", ","))
    return f"{selector[:end]}{'' if open_ended else ','}{matcher}{selector[end:]}"
