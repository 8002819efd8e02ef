"""What a cover says of the report before: which verdicts and dates moved, in words, the most telling first."""

from __future__ import annotations

from typing import Any

from bs4 import BeautifulSoup

from reports.changed import since
from reports.html import to_html
from tests.support.hostile import LABELS
from tests.support.pages import ran, shown, summary


def told(**row: Any) -> dict[str, Any]:
    """Return the summary of a report on one disk."""
    usual = {"resource": "disk", "series": "node-1", "labels": {"node": "1"}, "verdict": "watch", "breach_p50": None}
    return {"as_of": "2026-11-16T00:00:00Z", "rows": [usual | row]}


def test_a_first_report_says_nothing() -> None:
    """There is nothing before it."""
    assert since({}, told()) == ("", ())


def test_a_verdict_and_a_date_that_moved_are_told() -> None:
    """Watch became breach, and the date came 17 days nearer: 11 January less 25 December."""
    before = told(breach_p50="2027-01-11T00:00:00Z")
    heading, lines = since(before, told(verdict="breach", breach_p50="2026-12-25T00:00:00Z"))
    assert heading == "Since the report of 16 Nov 2026"
    assert lines == (
        "disk · node-1 was watch, is breach",
        "disk · node-1 runs out 17 d earlier: 25 Dec 2026 (was 11 Jan 2027)",
    )


def test_a_series_that_came_and_one_that_went_are_told() -> None:
    """By its labels the disk is another one."""
    _, lines = since(told(), told(labels={"node": "2"}, series="node-2"))
    assert lines == ("disk · node-2 is new: watch", "disk · node-1 is gone (was watch)")


def test_no_change_is_said() -> None:
    """Silence could as well mean that nobody looked."""
    assert since(told(), told())[1] == ("nothing changed that a date or a verdict rests on",)


def test_it_stands_above_everything_else_as_text() -> None:
    """The lines come right beneath the cover, and no label in them is markup."""
    page = to_html(ran(shown(text_html="<p>later</p>"), summary()), changed=("Since then", tuple(LABELS)))
    listed = BeautifulSoup(page, "html.parser").select(".changed li")
    assert listed[0].text == LABELS[0]
    assert page.index("Since then") < page.index("<p>later</p>")
    assert "<script>globalThis" not in page
