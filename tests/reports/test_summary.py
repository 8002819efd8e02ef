"""The summary: plain JSON with the answer."""

from __future__ import annotations

import json

from reports import summary
from tests.support.plans import empty_plan, small_plan


def test_it_is_strict_json_with_the_plans_own_answer() -> None:
    """Finding, counts, a row a series in the plan's order, dates as ISO 8601, nothing that JSON has no word for."""
    made = small_plan()
    found = json.loads(json.dumps(summary.summary(made), allow_nan=False))
    assert found["finding"] == made.finding
    assert found["as_of"] == "2026-11-01T00:00:00Z"
    assert found["horizon"] == "P30DT0H0M0S"
    assert found["verdicts"] == {"past": 1, "order now": 2, "fine": 2, "cannot judge": 3}
    assert [row["series"] for row in found["rows"]] == list(made.table["series"])
    (fills,) = [row for row in found["rows"] if row["series"] == "eu/fills"]
    assert fills["breach_p10"] < fills["breach_p50"] < fills["breach_p90"]
    assert fills["breach_p50"].endswith("Z")
    assert fills["limit"] == 1000 * 2**30
    (unknown,) = [row for row in found["rows"] if row["series"] == "eu/nolimit"]
    assert unknown["limit"] is None
    assert found["catalog"] == {"name": "test", "sha256": made.catalog.sha256}
    assert {one["reason"] for one in found["skipped"]} == {"no data", "too short", "limit missing"}


def test_it_is_the_notebooks_last_word_and_reads_as_text() -> None:
    """Beside the JSON stands the finding."""
    found = summary.bundle(small_plan(), title="Disks")
    assert found[summary.MIME]["title"] == "Disks"
    assert found["text/plain"] == small_plan().finding


def test_a_plan_of_nothing_has_a_summary_too() -> None:
    """No rows, no calibration, and a sentence."""
    found = json.loads(json.dumps(summary.summary(empty_plan()), allow_nan=False))
    assert found["rows"] == []
    assert found["calibration"]["coverage80"] is None
    assert found["finding"].startswith("There is nothing to judge")
