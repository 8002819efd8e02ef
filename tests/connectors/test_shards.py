"""Shards: several selectors that together match what one does, each series once."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.expressions import selectors_in
from connectors.selectors import parse
from connectors.shards import narrowed, shards
from connectors.windows import limit_told

values = st.sampled_from(["", "a", "b.c", "a|b", "(x)", "é", "-1", "a b"])
series = st.lists(st.fixed_dictionaries({"zone": values, "node": values}), max_size=30)


def matched(selector: str, held: list[dict[str, str]]) -> list[int]:
    read = parse(selector)
    assert read is not None
    return [number for number, labels in enumerate(held) if read.keeps(labels)]


@given(series, st.integers(1, 10))
def test_every_series_is_in_exactly_one_shard(held: list[dict[str, str]], most: int) -> None:
    """Any labels, also missing ones and ones with the signs of patterns: nothing is lost, and nothing is double."""
    cut = shards("m", held, most=most)
    assert sorted(number for one in cut for number in matched(one, held)) == list(range(len(held)))


def test_a_shard_has_no_more_series_than_allowed() -> None:
    """100 nodes in 4 zones by 7: fifteen shards; where one zone is all there is, it is divided by node."""
    held = [{"zone": f"z{n % 4}", "node": f"n{n // 4}"} for n in range(100)]
    cut = shards('m{job="x"}', held, most=7)
    assert max(len(matched(one, [{**labels, "job": "x"} for labels in held])) for one in cut) <= 7
    assert shards("m", held, most=100) == ["m"]
    assert shards("m", [{"zone": "a"}] * 9, most=2) == ["m"]


def test_long_values_make_more_shards_than_the_servers_longest_query() -> None:
    """10,000 names of 30 characters: no selector comes near VictoriaMetrics' 16 KiB."""
    held = [{"node": f"{number:030d}"} for number in range(10_000)]
    assert max(len(one) for one in shards("m", held, most=10_000)) < 16_000


@pytest.mark.parametrize(
    ("selector", "written"),
    [
        ("m", "m{a=~1}"),
        ("m ", "m{a=~1} "),
        ("m{}", "m{a=~1}"),
        ('m{x="}"}', 'm{x="}",a=~1}'),
        ('{x="1",} # }', '{x="1",a=~1} # }'),
        ("m # and so on", "m{a=~1} # and so on"),
        ('{x="1" or y="2"}', None),
        ("sum(m)", None),
    ],
)
def test_a_condition_is_added_where_it_belongs(selector: str, written: str | None) -> None:
    """After the last one, whatever stands in label values and comments; where it has no place, none is."""
    assert narrowed(selector, "a=~1") == written


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('histogram_quantile(0.95, sum(rate(l_bucket{a="x{y}"}[5m])) by (le))', ['l_bucket{a="x{y}"}']),
        ('sum by (a) (m) / on (b) group_left(c) n offset 5m + {__name__="z"} > bool 1e5', ["m", "n", '{__name__="z"}']),
        ("a and b or inf", ["a", "b"]),
        ("m # sum(x)", ["m"]),
        ("1 + 2", []),
    ],
)
def test_the_selectors_of_an_expression_are_found(query: str, found: list[str]) -> None:
    """Functions, keywords, windows, grouping labels and numbers are none."""
    assert selectors_in(query) == found


@pytest.mark.parametrize(
    ("said", "limit"),
    [
        ("too many points: 86401; cannot exceed -search.maxPointsPerTimeseries=30000", 30_000),
        ("86401; the maximum number of points is 30000; (see -search.maxPointsPerTimeseries", 30_000),
        ("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing", 11_000),
        ("timeout exceeded", None),
    ],
)
def test_a_servers_limit_is_read_off_its_refusal(said: str, limit: int | None) -> None:
    """The old words of VictoriaMetrics, the new ones, and those of Prometheus; other limits are none of points."""
    assert limit_told(said) == limit


def test_patterns_are_written_for_the_server() -> None:
    """A value's own signs are escaped once for the pattern and once for the string."""
    cut = shards("m", [{"a": 'q"\\'}, {"a": "p.q"}], most=1)
    assert cut == ['m{a=~"p\\\\.q"}', 'm{a=~"q\\"\\\\\\\\"}']
    assert re.fullmatch("p\\.q", "p.q")
