"""What can be told from a query's text, and how a roll-up over each step is written.

This is no parser: the server is the judge of a query. It looks past string literals and comments, so that a label's
value is never taken for a function.
"""

from __future__ import annotations

import re

import pandas as pd

from capacity.errors import ParameterError, did_you_mean
from capacity.frames import duration_text

__all__ = [
    "is_selector",
    "masked",
    "metric_of",
    "resolution_of",
    "rolled_up",
    "selectors_in",
    "whole_window_part",
]

AGGREGATES = {
    "max": "max_over_time",
    "min": "min_over_time",
    "mean": "avg_over_time",
    "sum": "sum_over_time",
    "count": "count_over_time",
    "last": "last_over_time",
}
"""Name of an aggregate → the function that rolls a window up to it; "p95" and its like are quantiles."""

RESOLUTION = pd.Timedelta(minutes=1)
"""How finely an expression is evaluated below a step, unless it is told: the usual scrape interval."""

_QUANTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")
_STRING = re.compile(r"""("(?:\\.|[^"\\])*")|('(?:\\.|[^'\\])*')|(`[^`]*`)""", re.DOTALL)
_COMMENT = re.compile(r"#[^\n]*")
_SELECTOR = re.compile(r"\s*(?:(?P<name>[A-Za-z_:][\w:.]*)\s*(?:\{[^{}]*\})?|\{[^{}]*\})\s*")
_NUMBERS = ("inf", "nan", "infinity")
_WORDS = "by|without|on|ignoring|group_left|group_right"
_LISTS_AND_WINDOWS = re.compile(rf"\b(?:{_WORDS})\s*\([^()]*\)|\[[^\]]*\]", re.IGNORECASE)
_SERIES = re.compile(r"(?<![\w.:])(?:[A-Za-z_:][\w:.]*\b\s*(?:\{[^{}]*\})?|\{[^{}]*\})(?!\s*\()")
_KEYWORD = re.compile(
    rf"(?:{_WORDS}|offset|bool|and|or|unless|atan2|default|if|ifnot|limit|keep_metric_names|inf|nan|infinity)\s*",
    re.IGNORECASE,
)

# Functions (MetricsQL's and PromQL's) whose value at an instant depends on the whole range that the query is asked for:
# windows that were asked for one by one would each give another answer.
_WHOLE = re.compile(
    r"\b(?:(?:range|running)_\w+|smooth_exponential|remove_resets|interpolate|keep_(?:last|next)_value|ttf|ru"
    r"|drop_empty_series|buckets_limit|limitk|outliers\w*|(?:top|bottom)k_\w+|rand\w*|start|end)\s*\(",
    re.IGNORECASE,
)


def _bare(query: str) -> str:
    """Return the query with empty string literals and without comments."""
    return _COMMENT.sub(" ", _STRING.sub('""', query))


def masked(query: str) -> str:
    """Return the query, character by character, with ``_`` in string literals and spaces for comments."""
    hidden = _STRING.sub(lambda found: f"{found[0][0]}{'_' * (len(found[0]) - 2)}{found[0][-1]}", query)
    return _COMMENT.sub(lambda found: " " * len(found[0]), hidden)


def selectors_in(query: str) -> list[str]:
    """Return the selectors of series that an expression reads, each once, in order, as far as its text shows them."""
    plain = _LISTS_AND_WINDOWS.sub(lambda found: " " * len(found[0]), masked(query))
    found = [
        query[one.start() : one.start() + len(one[0].rstrip())]
        for one in _SERIES.finditer(plain)
        if not _KEYWORD.fullmatch(one[0])
    ]
    return list(dict.fromkeys(found))


def is_selector(query: str) -> bool:
    """Whether a query is a plain selector of series: ``name``, ``name{…}`` or ``{…}``."""
    found = _SELECTOR.fullmatch(_bare(query))
    return found is not None and (found["name"] or "").lower() not in _NUMBERS


def metric_of(query: str) -> str | None:
    """Return the metric that a plain selector names before its braces; None: it names none there, or is no selector."""
    found = _SELECTOR.fullmatch(_bare(query)) if is_selector(query) else None
    return found["name"] if found else None


def whole_window_part(query: str) -> str | None:
    """Return what makes the answer depend on the whole range that is asked for, such as ``range_max(…)``, or None."""
    found = _WHOLE.search(_bare(query))
    return f"{found.group(0).rstrip('(').strip()}(…)" if found else None


def resolution_of(step: pd.Timedelta, resolution: pd.Timedelta | None) -> pd.Timedelta:
    """Return how finely an expression is evaluated below ``step``: as told, else every minute, never above the step.

    Raises
    ------
    ParameterError
        It was told, and is longer than the step.
    """
    if resolution is not None and resolution > step:
        raise ParameterError(f"resolution {duration_text(resolution)} is longer than the step {duration_text(step)}.")
    return min(RESOLUTION, step) if resolution is None else resolution


def rolled_up(query: str, aggregate: str | None, *, step: pd.Timedelta, resolution: pd.Timedelta | None = None) -> str:
    """Write the query that rolls ``query`` up to ``aggregate`` over the ``step`` before each instant.

    A plain selector is rolled up from its samples, an expression from its values every ``resolution``:
    ``max_over_time(m[1h])``, ``quantile_over_time(0.95, (sum(m))[1h:1m])``. None: the query as it is written.

    Raises
    ------
    ParameterError
        The aggregate is not known.
    """
    if aggregate is None:
        return query
    over = duration_text(step)
    if is_selector(query):
        windowed = f"{query.strip()}[{over}]"
    else:
        # The line break ends a comment that the query may end in.
        closing = "\n)" if "#" in query else ")"
        windowed = f"({query.strip()}{closing}[{over}:{duration_text(resolution_of(step, resolution))}]"
    if aggregate in AGGREGATES:
        return f"{AGGREGATES[aggregate]}({windowed})"
    quantile = _QUANTILE.fullmatch(aggregate)
    if quantile is None:
        known = [*AGGREGATES, "p50", "p95", "p99"]
        raise ParameterError(
            f"unknown aggregate {aggregate!r}.{did_you_mean(aggregate, known)}",
            hint=f"There are {', '.join(AGGREGATES)}, and quantiles such as p95.",
        )
    return f"quantile_over_time({float(quantile[1]) / 100:.10g}, {windowed})"
