"""A review of odd objectives: whatever was measured, there is an answer or a reason, and never a stumble."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from capacity.catalog import Catalog
from capacity.errors import HistoryTooShort, ParameterError
from capacity.frames import duration
from capacity.measured import Measured
from capacity.slo import Review, review, review_rows
from tests.support.objectives import START, frame, objective

HOURS = 40 * 24
RANDOM = np.random.default_rng(1)
NOISE = RANDOM.standard_normal(HOURS)
GAUGE = {"indicator": "gauge", "comparison": "<", "target": 1.0}


def reviewed(given: Mapping[str, Any], **frames: pd.DataFrame) -> Review:
    """Return the review of one objective."""
    one = objective(**given)
    end = max(each.index[-1] for each in frames.values())
    return review(
        Measured({"o": frames}, end, end - START, "c"), Catalog("c", "C", objectives={"o": one}), horizon="14d"
    )


def events(bad: Any, total: Any, **how: Any) -> dict[str, pd.DataFrame]:
    """Return the counts of a ratio."""
    return {"bad": frame(bad, **how), "total": frame(total, **how)}


@pytest.mark.parametrize(
    ("given", "frames", "status"),
    [
        (GAUGE, {"value": frame([math.nan] * HOURS)}, "no data"),
        (GAUGE, {"value": frame([0.5, 0.6])}, "kept"),
        (GAUGE, {"value": frame([0.5] * HOURS)}, "kept"),
        (GAUGE, {"value": frame(np.where(RANDOM.random(HOURS) < 0.4, math.nan, 0.5 + 0.1 * NOISE))}, "kept"),
        (GAUGE, {"value": frame(np.where(NOISE > 1, math.inf, 0.5))}, "broken"),
        ({}, events([0.0] * HOURS, [0.0] * HOURS), "no data"),
        ({"objective": 1.0}, events([0.0] * 100 + [1.0] * 100, [100.0] * 200), "broken"),
        ({"calendar": "day", "window": duration("1d")}, events([0.1] * HOURS, [100.0] * HOURS), "kept"),
        ({"calendar": "quarter", "window": duration("91d")}, events([0.1] * HOURS, [100.0] * HOURS), "kept"),
        (
            {"window": duration("7d"), "slice": duration("1d")},
            events([2.0] * 60, [2400.0] * 60, step=duration("1d")),
            "kept",
        ),
        ({"slice": duration("7m")}, events([0.1] * 9000, [100.0] * 9000, step=duration("7m")), "kept"),
        ({**GAUGE, "load": "q"}, {"value": frame(0.5 + 0.01 * NOISE), "load": frame([0.0] * HOURS)}, "kept"),
        ({**GAUGE, "load": "q"}, {"value": frame(0.5 + 0.01 * NOISE), "load": frame([9.0] * HOURS)}, "kept"),
        ({**GAUGE, "load": "q"}, {"value": frame(1.5 + 0.01 * NOISE), "load": frame(90 + 9 * NOISE)}, "broken"),
    ],
    ids=[
        "nothing", "two samples", "constant", "gaps", "infinite", "no traffic", "all of it", "by the day",
        "by the quarter", "slices of a day", "slices of seven minutes", "no load", "one load", "past its target",
    ],
)  # fmt: skip
def test_whatever_was_measured_has_an_answer_or_a_reason(
    given: Mapping[str, Any], frames: Mapping[str, pd.DataFrame], status: str
) -> None:
    """Each has its status and its row as text; nothing fails but for a reason that can be told."""
    found = reviewed(given, **frames)
    assert found.table["status"].tolist() == [status]
    assert len(review_rows(found)) == 1
    assert [one for one in found.skipped if one.reason == "model failed"] == []
    assert found.finding.endswith("kept everywhere.") or status == "no data"


def test_one_that_cannot_be_judged_does_not_stop_the_others() -> None:
    """An objective without its frames is skipped with the reason; where none is left, that is an error."""
    whole = {"o": {"value": frame([0.5] * 200)}, "p": {"bad": frame([1.0] * 200)}}
    stated = {"o": objective(**GAUGE), "p": objective(name="p")}
    end = START + pd.Timedelta(hours=200)
    found = review(Measured(whole, end, end - START, "c"), Catalog("c", "C", objectives=stated), horizon="2d")
    assert list(found.objectives) == ["o"]
    assert ("p", "no data") in [(one.series, one.reason) for one in found.skipped]
    with pytest.raises(HistoryTooShort, match="no objective"):
        review(Measured({"p": whole["p"]}, end, end - START, "c"), Catalog("c", "C", objectives=stated))
    with pytest.raises(ParameterError, match="no such objective"):
        review(Measured(whole, end, end - START, "c"), Catalog("c", "C"))


def test_a_notebook_shows_it_as_a_table() -> None:
    """A row a series, what labels say as text."""
    labels = [{"region": "<b>a</b>"}]
    one = objective(**GAUGE, by=("region",))
    end = START + pd.Timedelta(hours=200)
    held = Measured({"o": {"value": frame([0.5] * 200, labels=labels)}}, end, end - START, "c")
    shown = review(held, Catalog("c", "C", objectives={"o": one}), horizon="2d")._repr_html_()
    assert "<table" in shown
    assert "&lt;b&gt;a&lt;/b&gt;" in shown
    assert "<b>a</b>" not in shown


def test_most_urgent_first() -> None:
    """What is broken stands before what is kept, whatever the catalogue's order."""
    whole = {"o": {"value": frame([0.5] * 200)}, "p": {"value": frame([1.5] * 200)}}
    stated = {name: objective(**GAUGE, name=name, title=name.upper()) for name in whole}
    end = START + pd.Timedelta(hours=200)
    found = review(Measured(whole, end, end - START, "c"), Catalog("c", "C", objectives=stated), horizon="2d")
    assert found.table["objective"].tolist() == ["p", "o"]
    assert found.finding == "P is broken: 150 % over 30 d, promised < 100 %. 1 of 2 objectives are kept everywhere."
