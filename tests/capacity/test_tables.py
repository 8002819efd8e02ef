"""Tables for people: scaled, dated in the region's calendar, escaped."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from capacity import dates
from capacity.growth import growth
from capacity.outlook import Outlook, outlook
from capacity.tables import counted, growth_rows, html_table, outlook_rows, text_table, verdict_text
from capacity.verdicts import VERDICTS, percent
from tests.support.paths import known_forecast

GIB = 2.0**30


def disk(name: str = "eu/a") -> Outlook:
    """Return the outlook of a disk that grows by one GiB a day from 10 of 50."""
    paths = np.full((4, 60, 1), 0.0) + (10 + np.arange(1, 61))[None, :, None]
    made = known_forecast(
        paths * GIB, history=[[10 * GIB]] * 3, step="1D", series=[{"node": name}], units={"demand": "bytes"}
    )
    return outlook(made, limit=50 * GIB)


def test_a_row_is_scaled_and_dated() -> None:
    """Bytes become GiB, probabilities per cent, instants days."""
    assert outlook_rows(disk()) == [
        {
            "series": "eu/a",
            "verdict": "◆ breach",
            "now": "10 GiB",
            "limit": "50 GiB",
            "reserve": "",
            "buffer": "",
            "usable": "50 GiB",
            "headroom": "40 GiB",
            "probability": "> 99 %",
            "breach 10 %": "12 Dec 2026",
            "50 %": "12 Dec 2026",
            "90 %": "12 Dec 2026",
            "order by": "21 Nov 2026",
            "add": "20 GiB more",
            "reason": "> 99 % within 60d; order by 21 Nov 2026 at 10 % risk",
        }
    ]


def test_html_escapes_what_came_from_labels() -> None:
    """A node called after a script tag is text."""
    page = disk("<script>alert(1)</script>")._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_text_shows_control_characters_as_spaces() -> None:
    """A label cannot move the cursor of a terminal or break a row in two."""
    table = text_table([{"series": "a\x1b[2J\nb", "x": "1"}, {"series": "c", "x": "2"}])
    assert table.splitlines() == ["series   x", "a [2J b  1", "c        2"]
    assert text_table([]) == "(nothing)"


def test_a_long_table_is_cut_and_says_so() -> None:
    """A cell shows the first rows and counts the rest."""
    page = html_table([{"n": str(number)} for number in range(53)], shown=50)
    assert page.count("<tr><td>") == 50
    assert "and 3 more" in page


def test_a_result_is_one_short_line() -> None:
    """The repr counts the verdicts, the most urgent first."""
    assert repr(disk()) == "Outlook(1 series: 1 breach)"
    words = pd.Series(["fine", "past", "fine", "cannot judge"])
    assert counted("Plan", words) == "Plan(4 series: 1 past, 2 fine, 1 cannot judge)"
    assert counted("Plan", pd.Series([], dtype=object)) == "Plan(0 series)"


def test_growth_is_told_with_its_interval() -> None:
    """A rate, its 80 % interval, and the days to double; without a known unit the bare number."""
    times = pd.date_range("2026-10-01", periods=30, freq="1D", tz="UTC")
    frame = pd.DataFrame({"used": 100 + 5.0 * np.arange(30)}, index=times)
    row = growth_rows(growth(frame))[0]
    assert (row["a day"], row["80 %"], row["doubles in"]) == ("5", "5 – 5", "49 d")
    assert row["in 30 d"] == "+61.2 %"
    assert "<table" in growth(frame)._repr_html_()


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "< 1 %"), (0.005, "< 1 %"), (0.01, "1 %"), (0.125, "12 %"), (0.99, "99 %"), (1.0, "> 99 %"), (np.nan, "–")],
)
def test_a_share_of_paths_knows_no_certainty(share: float, text: str) -> None:
    """None of a thousand paths is less than one per cent, not zero."""
    assert percent(share) == text


def test_a_date_is_a_day_of_the_zone() -> None:
    """23:30Z on 17 November is the 18th in Tokyo; no date is a dash."""
    when = pd.Timestamp("2026-11-17T23:30Z")
    assert dates.day(when) == "17 Nov 2026"
    assert dates.short_day(when, zone="Asia/Tokyo") == "18 Nov"
    assert dates.day(pd.NaT) == "–"


def test_every_verdict_has_a_sign_a_word_and_its_own_rank() -> None:
    """Worst first, and never told by a sign alone."""
    assert list(VERDICTS) == ["past", "order now", "breach", "watch", "fine", "cannot judge"]
    assert [verdict.rank for verdict in VERDICTS.values()] == list(range(6))
    assert [verdict_text(word) for word in VERDICTS] == [
        "✖ past", "! order now", "◆ breach", "▲ watch", "✔ fine", "? cannot judge",
    ]  # fmt: skip
