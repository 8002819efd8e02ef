"""Labels as a notebook's parameter says them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.errors import ParameterError
from reports.judged import labels, labels_text

names = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]*", fullmatch=True)


@given(st.dictionaries(names, st.text()))
def test_any_labels_are_read_back(pairs: dict[str, str]) -> None:
    """Commas, quotation marks, backslashes, line breaks, spaces at the ends: what is written is what is read."""
    assert labels(labels_text(pairs)) == pairs


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("region=eu-west", {"region": "eu-west"}),
        (" region = eu-west , node=node-3,", {"region": "eu-west", "node": "node-3"}),
        ('rack="3, left",region=eu', {"rack": "3, left", "region": "eu"}),
        (r'name="a \"b\" \\ c"', {"name": r'a "b" \ c'}),
        ("query=a=b", {"query": "a=b"}),
        ("region=", {"region": ""}),
    ],
)
def test_labels_are_read(text: str, found: dict[str, str]) -> None:
    """Plain ones, and one in quotation marks for its comma."""
    assert labels(text) == found


@pytest.mark.parametrize("text", ["region", "=eu", "a=b,region", 'rack="3, left', 'rack="3" left'])
def test_what_is_no_label_is_refused(text: str) -> None:
    """No equals sign, no label, a quotation that does not end, or does not end the value."""
    with pytest.raises(ParameterError, match="expected label=value"):
        labels(text)
