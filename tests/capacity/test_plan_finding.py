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
        "carried": pd.Timedelta(90, "D"), **fields,
    }  # fmt: skip


def told(*rows: dict[str, Any], horizon: str = "90D") -> str:
    table = pd.DataFrame(list(rows), columns=list(row("fine")))
    for name in ("breach_p10", "breach_p50", "breach_p90"):
        table[name] = pd.to_datetime(table[name], utc=True)
    return sentence(table, catalog=CATALOG, horizon=pd.Timedelta(horizon))


def test_orders_due_come_first_with_the_earliest_date_and_its_interval() -> None:
    """The example of a good day's work: what to order, when it runs out, how sure, and how much more is to come."""
    rows = [
        row("order now", days=(11, 16, 24), series="eu-west/node-3"),
        row("order now", days=(20, 30, 40), title="CPU"),
        row("breach", days=(50, 60, None)),
        *[row("fine")] * 59,
    ]
    assert told(*rows) == (
        "2 orders are due now, first disk space on eu-west/node-3 (around 17 Nov 2026, 80 %: 12–25 Nov); "
        "1 more series runs out within 90 days."
    )


def test_one_alone_and_an_open_end() -> None:
    """A 90 % date past the horizon is told as later; CPU keeps its capitals."""
    assert told(row("breach", days=(50, 60, None), title="CPU"), row("fine")) == (
        "1 of 2 series runs out within 90 days, CPU on eu/a (around 31 Dec 2026, 80 %: 21 Dec or later)."
    )
    assert told(row("order now", days=(5, 6, 7))) == (
        "1 order is due now, for disk space on eu/a (around 7 Nov 2026, 80 %: 6–8 Nov)."
    )


def test_plurals_agree_with_their_verb() -> None:
    """File systems are a resource whose title is a plural: no sentence says "it is"."""
    text = told(row("breach", days=(50, 60, 70), title="File systems"), row("fine"))
    assert text.startswith("1 of 2 series runs out within 90 days, file systems on eu/a (around")


def test_another_year_is_written() -> None:
    """The median carries its year; the span around it lies within a year and needs none."""
    assert "around 1 Jan 2027, 80 %: 21 Dec – 20 Jan" in told(row("breach", days=(50, 61, 80)))


def test_a_certain_day() -> None:
    """When the whole interval is one day, it is that day."""
    assert "on 11 Nov 2026, 80 %: that day" in told(row("breach", days=(10, 10.2, 10.4)))


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
    assert told(row("order now", probability=0.15), row("fine")) == (
        "1 order is due now, for disk space on eu/a (15 % likely); nothing else is likely to run out within 90 days."
    )


def test_an_accepted_risk_is_counted_and_not_ordered() -> None:
    """Somebody has decided to live with it."""
    text = told(row("order now", days=(1, 2, 3), accepted="until 1 Dec 2026 by Ada: replaced"))
    assert text.startswith("1 of 1 series runs out")
    assert "due now" not in text


def test_what_is_past_already_comes_first_by_name() -> None:
    """It is a fact, and not a forecast; three are named, the rest is counted, and orders are told apart from it."""
    past = row("past", days=(0, 0, 0), probability=1.0)
    assert told(past, row("fine")) == (
        "Disk space on eu/a is past usable capacity; nothing else is likely to run out within 90 days."
    )
    assert told(past, row("past", title="CPU"), row("order now", days=(10, 20, 30))) == (
        "Disk space on eu/a and CPU on eu/a are past usable capacity; "
        "1 more order is due now, for disk space on eu/a (around 21 Nov 2026, 80 %: 11 Nov – 1 Dec)."
    )
    assert told(*[past] * 5).startswith(
        "Disk space on eu/a, disk space on eu/a, disk space on eu/a and 2 more are past"
    )


def test_a_plan_stays_within_two_lines() -> None:
    """Past, orders, what is to come and what is unknown, in about 250 characters with long names."""
    rows = [
        row("past", series="us-east/node-4"),
        *[row("order now", days=(6, 11, 18), title="Memory", series="eu-west/node-3")] * 3,
        *[row("breach", days=(50, 60, 70))] * 2,
        *[row("fine")] * 36,
        *[row("cannot judge", reason="too short")] * 3,
    ]
    text = told(*rows)
    assert text == (
        "Disk space on us-east/node-4 is past usable capacity; 3 more orders are due now, first memory on "
        "eu-west/node-3 (around 12 Nov 2026, 80 %: 7–19 Nov); 2 more series run out within 90 days; "
        "3 of 45 cannot be judged."
    )
    assert len(text) < 250


def test_only_what_is_past_can_be_judged() -> None:
    """Where nothing else was looked at, nothing is said of it."""
    assert told(row("past"), row("cannot judge", reason="too short")) == (
        "Disk space on eu/a is past usable capacity; 1 of 2 cannot be judged."
    )


def test_the_span_is_what_the_histories_carry() -> None:
    """Sixty days of history say nothing of ninety; where only some are shorter, they are counted."""
    short = row("fine", carried=pd.Timedelta(60, "D"))
    assert told(short, short) == ("None of 2 series is likely to run out within 60 days (as far as history carries).")
    assert told(short, row("fine")) == (
        "None of 2 series is likely to run out within 90 days (1 judged no further than 60 days, as history carries)."
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
        "None of 2 series is likely to run out within 1d; 1 of 2 cannot be judged."
    )


def test_no_series_at_all() -> None:
    """An empty table is told as such."""
    assert told() == "There is nothing to judge: no resource of the catalogue has data."
