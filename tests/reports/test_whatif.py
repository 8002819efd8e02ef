"""The panel of what if: what it answers, and what it is made of."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from capacity.errors import ParameterError
from capacity.forecast import forecast
from capacity.frames import wide
from capacity.outlook import Outlook, outlook
from capacity.scenario import one_series
from reports import whatif
from reports.renderer import MIME
from reports.whatif import Assumptions


@pytest.fixture(scope="module")
def found() -> Outlook:
    """A node that climbs to its limit of 100, and one without a limit."""
    rng = np.random.default_rng(8)
    hours = np.arange(60 * 24)
    values = np.column_stack([30 + 40 * hours / hours[-1] + rng.normal(0, 2, len(hours)), rng.normal(9, 1, len(hours))])
    times = pd.date_range("2026-09-01", periods=len(hours), freq="1h", tz="UTC")
    history = wide(values, times=times, series=[{"node": "a"}, {"node": "b"}], metric="load")
    limit = pd.Series([100.0], index=pd.Index(["a"], name="node"))
    return outlook(forecast(history, horizon="90d"), limit=limit, lead_time="14d")


def test_the_answer_is_a_sentence_and_a_chart(found: Outlook) -> None:
    """Its title is what it was called; the words are those of the chart's own finding, with the day to order by."""
    said, spec = whatif.answer(one_series(found, "a"), Assumptions(lead_days=14), name="Load of a")
    assert spec["title"]["text"] == "Load of a"
    assert "breach" in said
    assert "order by" in said
    assert " ".join(spec["title"]["subtitle"]) in said


def test_an_answer_unchecked_is_the_chart_that_a_check_would_pass(found: Outlook) -> None:
    """Skipping altair's own check changes nothing: what is put out is valid, and compiles."""
    import altair as alt

    _, spec = whatif.answer(one_series(found, "a"), Assumptions(growth=0.4, added=20.0, lead_days=30), name="x")
    checked = alt.LayerChart.from_dict(spec).to_dict()
    assert checked["layer"] == spec["layer"]


def test_sliders_ask_again(found: Outlook) -> None:
    """More growth changes the sentence and the chart at once; what makes no sense is told, and the chart stays."""
    box = whatif.panel(found, "a")
    growth, _, day, _, _, said, drawn = box.children
    before, chart = said.value, drawn.outputs[0]["data"][MIME]
    growth.value = 2.0
    assert said.value != before
    assert drawn.outputs[0]["data"][MIME] != chart
    day.value = None
    assert "breach" in said.value


def test_the_most_urgent_that_can_be_judged_is_taken(found: Outlook) -> None:
    """Without a name the node with a limit is asked about; the one without is refused with its reason."""
    assert "a" in whatif.panel(found).children[-1].outputs[0]["data"][MIME]["title"]["text"]
    with pytest.raises(ParameterError, match="limit missing"):
        whatif.panel(found, "b")
    with pytest.raises(ParameterError, match="no series 'z'"):
        whatif.panel(found, "z")


def test_nothing_to_ask_about_is_told() -> None:
    """An outlook without a single limit has no panel."""
    times = pd.date_range("2026-09-01", periods=800, freq="1h", tz="UTC")
    history = wide(np.ones((800, 1)), times=times, series=[{"node": "a"}], metric="load")
    with pytest.raises(ParameterError, match="None of the series"):
        whatif.panel(outlook(forecast(history, horizon="7d"), limit=None))
