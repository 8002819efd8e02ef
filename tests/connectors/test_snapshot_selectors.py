"""Selectors and spellings: which question is which, for sources that run no queries."""

from __future__ import annotations

import pytest

from connectors.selectors import Matcher, Selector, normal, parse


@pytest.mark.parametrize(
    ("query", "metric", "matchers"),
    [
        ("m", "m", set()),
        (" m { } ", "m", set()),
        ('m{a="b"}', "m", {Matcher("a", "=", "b")}),
        ('m{a="b", c!~"x|y",}', "m", {Matcher("a", "=", "b"), Matcher("c", "!~", "x|y")}),
        ('{__name__="m",a!="b"}', "m", {Matcher("a", "!=", "b")}),
        ("m{a='it\\'s'}", "m", {Matcher("a", "=", "it's")}),
        ('m{a="}, b=\\"c"}', "m", {Matcher("a", "=", '}, b="c')}),
    ],
)
def test_a_plain_selector_is_read(query: str, metric: str, matchers: set[Matcher]) -> None:
    """Name and conditions, whatever stands in the quotation marks."""
    assert parse(query) == Selector(metric, frozenset(matchers))


@pytest.mark.parametrize(
    "query", ["", "sum(m)", "m[5m]", "m + n", "m offset 1d", 'm{a="b"', "m{a=b}", '{a="b"} or n', "{}"]
)
def test_anything_else_is_no_selector(query: str) -> None:
    """An expression, a window, a half selector."""
    found = parse(query)
    assert found is None or query == "{}"


@pytest.mark.parametrize(
    ("matcher", "keeps"),
    [
        (Matcher("a", "=", "xy"), True),
        (Matcher("a", "=", "x"), False),
        (Matcher("a", "!=", "x"), True),
        (Matcher("a", "=~", "x."), True),
        (Matcher("a", "=~", "x"), False),
        (Matcher("a", "!~", "x|y"), True),
        (Matcher("none", "=", ""), True),
        (Matcher("none", "=~", ".+"), False),
        (Matcher("none", "!=", "x"), True),
    ],
)
def test_conditions_are_prometheus_own(matcher: Matcher, keeps: bool) -> None:
    """Patterns match the whole value; a label that is lacking is empty."""
    assert matcher.keeps({"a": "xy"}) is keeps


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("sum by (a) (m)", "sum  by(a)\n(m)", True),
        ("a+b", "a + b", True),
        ("a or b", "aor b", False),
        ('m{a="x y"}', 'm{a="x  y"}', False),
        ('m{a="b"}', 'm{ a = "b" }', True),
        ("m[5m]", "m[1h]", False),
    ],
)
def test_white_space_outside_strings_does_not_count(one: str, other: str, same: bool) -> None:
    """Two spellings of a query are one; what stands in quotation marks, and between two words, counts."""
    assert (normal(one) == normal(other)) is same
