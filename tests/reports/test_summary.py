"""The summary: plain JSON with the answer."""

from __future__ import annotations

import json

import pytest

from reports import summary
from tests.support.plans import empty_plan, small_plan


def test_it_is_strict_json_with_the_plans_own_answer() -> None:
    """Finding, counts, a row a series in the plan's order, dates as ISO 8601, nothing that JSON has no word for."""
    made = small_plan()
    found = json.loads(json.dumps(summary.summary(made), allow_nan=False))
    assert found["finding"] == made.finding
    assert found["as_of"] == "2026-11-01T00:00:00Z"
    assert found["horizon"] == "30d"
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


def test_a_row_carries_claims_that_can_be_scored() -> None:
    """Chances by 7 d and 30 d are those of the outlook's curve, quantiles the forecast's."""
    told = summary.summary(small_plan())
    assert told["schema"] == "capacity.summary/1"
    assert told["queries"]["disk"] == {"demand": 'used{job="<b>"}', "limit": "size"}
    row = next(each for each in told["rows"] if each["labels"].get("node") == "fills")
    outlook = small_plan().outlooks["disk"]
    place = next(at for at, column in enumerate(outlook.forecast.columns) if "fills" in column)
    claims = row["claims"]
    assert claims["breach"] == {
        within: pytest.approx(float(outlook.probability(by=within).iloc[place])) for within in ("7d", "30d")
    }
    thirty = {level: float(outlook.forecast.quantile(float(level)).iloc[-1, place]) for level in ("0.1", "0.5", "0.9")}
    assert claims["quantiles"]["30d"] == pytest.approx(thirty)
    assert row["lead_time"] == "7d"
    assert len(row["points"]["behind"]) == len(row["points"]["ahead"]["0.5"]) == 48
