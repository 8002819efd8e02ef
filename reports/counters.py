"""Raw counters that somebody plans on: they only ever rise, so what looks like growth is age.

Told from a query's text and from what the catalogue says of its metrics; a warning, never a refusal, for a name proves
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capacity.catalog import Catalog

__all__ = ["counter_in", "counters"]

# Functions of MetricsQL and PromQL that make a rate, a difference or a count of changes of a counter.
TAMED = (
    "ascent_over_time", "changes", "changes_prometheus", "delta", "delta_prometheus", "deriv", "deriv_fast",
    "descent_over_time", "idelta", "ideriv", "increase", "increase_prometheus", "increase_pure", "increases_over_time",
    "irate", "rate", "rate_over_sum", "rate_prometheus", "resets", "rollup_delta", "rollup_deriv", "rollup_increase",
    "rollup_rate", "xincrease", "xrate",
)  # fmt: skip
HISTOGRAM = ("_bucket", "_count", "_sum")
# What holds no metric: strings, selectors, ranges, the labels that an operator is told of.
NO_METRIC = re.compile(
    r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|\{[^}]*\}|\[[^\]]*\]"""
    r"""|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)""",
    re.IGNORECASE,
)
TOKEN = re.compile(r"(?P<name>[A-Za-z_:][\w:.]*)\s*(?P<call>\()?|(?P<open>\()|(?P<close>\))")


def counters(catalog: Catalog, resources: Iterable[str] | None = None) -> dict[str, str]:
    """Return, by resource, what to say of each whose demand is a raw counter: ``"x_total looks like a counter: …"``."""
    chosen = catalog.resources if resources is None else resources
    found = {name: counter_in(catalog.resources[name].query, catalog) for name in chosen if name in catalog.resources}
    return {name: f"{metric} looks like a counter: rate({metric}[5m])?" for name, metric in found.items() if metric}


def counter_in(query: str, catalog: Catalog) -> str | None:
    """Return the first metric of a query that looks like a counter and is taken as it is; None: there is none."""
    around: list[str] = []
    for token in TOKEN.finditer(NO_METRIC.sub(" ", query)):
        if token["close"]:
            around[-1:] = []
        elif token["open"] or token["call"]:
            around.append((token["name"] or "").lower())
        elif _is_counter(token["name"], catalog) and not any(name in TAMED for name in around):
            return token["name"]
    return None


def _is_counter(name: str, catalog: Catalog) -> bool:
    """Whether a metric is a counter by what the catalogue says of it, else by its name."""
    if (stated := catalog.metrics.get(name)) is not None:
        return stated.type == "counter"
    for part in HISTOGRAM:
        whole = catalog.metrics.get(name.removesuffix(part))
        if name.endswith(part) and whole is not None and whole.type in ("histogram", "summary"):
            return True
    return name.endswith("_total")
