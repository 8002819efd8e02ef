"""The finding: a table in one sentence."""

from __future__ import annotations

from typing import Any

import pandas as pd

from capacity.catalog import Catalog
from capacity.finding import sentence

AS_OF = pd.Timestamp("2026-11-01T00:00Z")
CATALOG = Catalog(name="test", title="Test", timezones={"jp": "Asia/Tokyo"})


def row(
    verdict: str, *, days: tuple[float | None, float | None, float | None] = (None, None, None), **fields: Any
) -> dict:  # type: ignore[type-arg]
    """Return a row of a plan's table whose dates lie so many days after ``as_of``."""
    dates = [pd.NaT if each is None else AS_OF + pd.Timedelta(each, "D") for each in days]
    return {
        "title": "Disk space", "series": "eu/a", "labels": {"region": "eu"}, "verdict": verdict, "accepted": "",
        "reason": "", "probability": 0.0, "breach_p10": dates[0], "breach_p50": dates[1], "breach_p90": dates[2],
        **fields,
    }  # fmt: skip


def told(*rows: dict[str, Any], horizon: str = "90D") -> str:
    table = pd.DataFrame(list(rows), columns=list(row("fine")))
    for name in ("breach_p10", "breach_p50", "breach_p90"):
        table[name] = pd.to_datetime(table[name], utc=True)
    return sentence(table, catalog=CATALOG, horizon=pd.Timedelta(horizon))


def test_what_runs_out_first_with_its_interval_and_the_orders_due() -> None:
    """The example of a good day's work: what, when, how sure, and what to do."""
    rows = [
        row("order now", days=(11, 16, 24), series="eu-west/node-3"),
        row("order now", days=(20, 30, 40), title="CPU"),
        row("breach", days=(50, 60, None)),
        *[row("fine")] * 59,
    ]
    assert told(*rows) == (
        "3 of 62 series run out within 90 days; first is disk space on eu-west/node-3, around 17 Nov 2026 "
        "(80 %: 12–25 Nov), and 2 need an order now."
    )


def test_one_alone_and_an_open_end() -> None:
    """A 90 % date past the horizon is told as later, and one series is "it"; CPU keeps its capitals."""
    assert told(row("breach", days=(50, 60, None), title="CPU"), row("fine")) == (
        "1 of 2 series runs out within 90 days; it is CPU on eu/a, around 31 Dec 2026 (80 %: 21 Dec or later)."
    )


def test_another_year_is_written() -> None:
    """The median carries its year; the span around it lies within a year and needs none."""
    assert "around 1 Jan 2027 (80 %: 21 Dec – 20 Jan)" in told(row("breach", days=(50, 61, 80)))


def test_a_certain_day() -> None:
    """When the whole interval is one day, it is that day."""
    assert "on 11 Nov 2026 (80 %: that day)" in told(row("breach", days=(10, 10.2, 10.4)))


def test_dates_are_those_of_the_region() -> None:
    """20:00Z on the 11th is the 12th in Tokyo."""
    assert "on 12 Nov 2026" in told(row("breach", days=(10.8, 10.8, 10.8), labels={"region": "jp"}))


def test_nothing_breaches() -> None:
    """None is told as none, with the likeliest of them."""
    assert told(row("fine"), row("fine")) == "None of 2 series is likely to run out within 90 days."
    assert told(row("watch", probability=0.12), row("fine")) == (
        "None of 2 series is likely to run out within 90 days (the likeliest is disk space on eu/a, 12 %)."
    )


def test_an_order_may_be_due_for_what_is_unlikely() -> None:
    """A breach of 15 % before the lead time is over is not likely, and needs an order all the same."""
    text = told(row("order now", probability=0.15), row("fine"))
    assert text.endswith("(the likeliest is disk space on eu/a, 15 %), and 1 needs an order now.")


def test_an_accepted_risk_is_counted_and_not_ordered() -> None:
    """Somebody has decided to live with it."""
    text = told(row("order now", days=(1, 2, 3), accepted="until 1 Dec 2026 by Ada: replaced"))
    assert text.startswith("1 of 1 series runs out")
    assert "order now" not in text


def test_what_is_past_already_comes_first() -> None:
    """It is a fact, and not a forecast; the rest is told after it."""
    past = row("past", days=(0, 0, 0), probability=1.0)
    assert told(past, row("fine")) == (
        "1 of 2 series is past usable capacity already (disk space on eu/a); "
        "nothing else is likely to run out within 90 days."
    )
    assert "2 of 3 series are past usable capacity already (first disk space on eu/a); 1 more runs out" in told(
        past, past, row("breach", days=(10, 20, 30))
    )


def test_nothing_can_be_judged() -> None:
    """The reasons, counted; and no word of comfort."""
    rows = [row("cannot judge", reason="limit missing: no limit is given")] * 2 + [
        row("cannot judge", reason="too short")
    ]
    assert told(*rows) == "None of 3 series can be judged: 2 limit missing, 1 too short."


def test_what_was_not_judged_is_counted() -> None:
    """Fine is said of those that were looked at."""
    assert told(row("fine"), row("cannot judge", reason="too short"), horizon="1D") == (
        "None of 2 series is likely to run out within 1d; 1 cannot be judged."
    )


def test_no_series_at_all() -> None:
    """An empty table is told as such."""
    assert told() == "There is nothing to judge: no resource of the catalogue has data."
