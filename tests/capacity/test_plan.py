"""The plan: from a pull and a catalogue to one table by urgency, with real forecasts."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from capacity import provenance
from capacity.catalog import Accepted, Catalog, Resource
from capacity.errors import ParameterError
from capacity.frames import Pull, Skipped, wide
from capacity.plan import Plan, plan
from capacity.tables import plan_rows

AS_OF = pd.Timestamp("2026-11-01T00:00Z").as_unit("us")
DAY = pd.Timedelta(1, "D")
DAYS = 60
NODES = [{"region": "eu", "node": "fills"}, {"region": "eu", "node": "calm"}, {"region": "us", "node": "full"},
         {"region": "us", "node": "nolimit"}, {"region": "us", "node": "new"}]  # fmt: skip
DISK = Resource(
    name="disk", title="Disk space", query="used", unit="bytes", kind="disk", owner="storage",
    lead_time=pd.Timedelta(7, "D"), step=pd.Timedelta(6, "h"), limit_query="size",
)  # fmt: skip
ACCEPTED = Accepted("disk", until=AS_OF + 30 * DAY, by="Ada", reason="it is replaced", where={"node": "full"})
CATALOG = Catalog(
    name="test",
    title="Test",
    timezones={"us": "America/New_York"},
    resources={
        "disk": replace(DISK, accepted=(ACCEPTED,)),
        "cpu": replace(DISK, name="cpu", title="CPU", owner="compute"),
    },
)


def demand() -> pd.DataFrame:
    """Return five disks: one that is past its 1,000 in 20 days, a calm one, a full one, two that cannot be judged."""
    rng = np.random.default_rng(0)
    t = np.arange(DAYS * 4) / 4
    noise = rng.normal(0, 2, (len(t), 5))
    values = np.stack([600 + 380 * t / (DAYS + 19) * 1.05, 0 * t + 300, 0 * t + 1100, 0 * t + 300, 0 * t + 300], axis=1)
    values = values + noise
    values[: (DAYS - 2) * 4, 4] = np.nan
    times = pd.date_range(end=AS_OF, periods=len(t), freq="6h", unit="us")
    return provenance.attach(wide(values, times=times, series=NODES, metric="disk"), "disk", unit="bytes", query="used")


def limits() -> pd.DataFrame:
    """Return 1,000 for all but one; a sample after ``as_of`` says 9 and must not be seen."""
    times = pd.DatetimeIndex([AS_OF - DAY, AS_OF + DAY])
    named = [node for node in NODES if node["node"] != "nolimit"]
    return wide(np.array([[1000.0], [9.0]]) * np.ones(4), times=times, series=named, metric="size")


def pull(**changed: Any) -> Pull:
    fields: dict[str, Any] = {
        "demand": {"disk": demand()},
        "limits": {"disk": limits()},
        "as_of": AS_OF,
        "window": DAYS * DAY,
        "catalog": "test",
        "skipped": (Skipped("cpu", "no data", "the query matched no series"),),
    }
    return Pull(**{**fields, **changed})


@cache
def planned() -> Plan:
    return plan(pull(), CATALOG, horizon="30d")


def of(name: str) -> pd.Series:
    table = planned().table
    return table[table["series"].str.endswith(name)].iloc[0]


def test_the_most_urgent_comes_first_and_nothing_is_left_out() -> None:
    """Past, then what fills, then what is fine; what has no answer is a row with its reason."""
    table = planned().table
    assert list(table["verdict"].iloc[:2]) == ["past", "breach"]
    assert dict(zip(table["series"], table["verdict"], strict=True)) == {
        "us/full": "past",
        "eu/fills": "breach",
        "eu/calm": "fine",
        "us/nolimit": "cannot judge",
        "us/new": "cannot judge",
        "all": "cannot judge",
    }
    assert of("all")["reason"] == "no data: the query matched no series"
    assert of("all")["resource"] == "cpu"
    assert of("nolimit")["reason"] == "limit missing: no limit has its labels"


def test_a_disk_that_fills_is_dated_within_a_week_of_the_hand() -> None:
    """600 + 5.05 a day is past 1,000 on day 79.2 of the history, 19.2 days after its end."""
    found = of("fills")
    truth = AS_OF + 19.2 * DAY
    assert abs(found["breach_p50"] - truth) < 7 * DAY
    assert found["breach_p10"] <= found["breach_p50"] <= found["breach_p90"]
    assert (found["owner"], found["unit"], found["lead_time"]) == ("storage", "bytes", 7 * DAY)


def test_a_limit_pulled_after_as_of_is_not_seen() -> None:
    """The limit of 9 a day after ``as_of`` would put every disk past it."""
    assert of("calm")["verdict"] == "fine"
    assert planned().outlooks["disk"].limit.max().max() == 1000.0


def test_an_accepted_risk_is_shown() -> None:
    """It stands in the table, with who answers for it until when."""
    assert of("full")["accepted"] == "until 1 Dec 2026 by Ada: it is replaced"
    assert of("fills")["accepted"] == ""


def test_skipped_names_the_resource_of_each() -> None:
    """All that has no answer, over all resources."""
    assert {(each.resource, each.series) for each in planned().skipped} == {
        ("cpu", "all"),
        ("disk", "us/nolimit"),
        ("disk", "us/new"),
    }


def test_the_finding_says_what_when_and_how_sure() -> None:
    """One sentence, with the count, the first of them, its date, and what was not judged."""
    sentence = planned().finding
    assert sentence.startswith("Disk space on us/full is past usable capacity; 1 more series runs out within 30 days")
    assert "disk space on eu/fills (around" in sentence
    assert sentence.endswith("; 3 of 6 cannot be judged.")


def test_calibration_is_that_of_the_forecasts_own_folds() -> None:
    """Coverage, folds and the gain over the naive model, over the series that had folds."""
    figures = planned().calibration
    assert 0.5 < figures["coverage80"] <= 1
    assert figures["folds"] >= figures["series"] >= 3


def test_a_plan_shows_itself() -> None:
    """A short line, an HTML table with the finding, and growth beside it."""
    made = planned()
    assert repr(made).startswith("Plan(6 series: 1 past, 1 breach, 1 fine, 3 cannot judge): ")
    assert made.finding in made._repr_html_().replace("&#x27;", "'")
    assert len(plan_rows(made)) == 6
    assert made.growths["disk"].units == {"disk": "bytes"}
    assert made.provenance["disk"].query == "used"


def test_the_same_input_gives_the_same_plan() -> None:
    """Same data, same ``as_of``, same seed: the same table."""
    assert plan(pull(), CATALOG, horizon="30d").table.equals(planned().table)


def test_a_resource_that_cannot_be_forecast_does_not_stop_the_others() -> None:
    """Five samples are too short for anything: a row, a reason, and the rest of the plan."""
    made = plan(pull(demand={"cpu": demand().iloc[-5:], "disk": demand()}, skipped=()), CATALOG, horizon="30d")
    cpu = made.table[made.table["resource"] == "cpu"]
    assert set(cpu["verdict"]) == {"cannot judge"}
    assert len(cpu) == 5
    assert "cpu" not in made.outlooks
    assert "disk" in made.outlooks


def test_a_defect_in_one_resource_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    """A limit made of words breaks one resource in a way that nobody foresaw: it is told, and the rest stands."""
    words = limits().astype(object)
    words.iloc[:, :] = "many"
    both = pull(demand={"cpu": demand(), "disk": demand()}, limits={"cpu": words, "disk": limits()}, skipped=())
    made = plan(both, CATALOG, horizon="30d")
    cpu, disk = (made.table[made.table["resource"] == name] for name in ("cpu", "disk"))
    assert set(cpu["verdict"]) == {"cannot judge"}
    assert cpu["reason"].str.startswith("model failed: ValueError").all()
    assert set(disk["verdict"]) == set(planned().table["verdict"])
    assert "cpu: no outlook" in caplog.text


def test_a_resource_without_any_limit_cannot_be_judged() -> None:
    """Neither the catalogue nor the pull states one: each series says so, and the others have their answer."""
    made = plan(pull(demand={"cpu": demand(), "disk": demand()}, skipped=()), CATALOG, horizon="30d")
    cpu = made.table[made.table["resource"] == "cpu"]
    assert set(cpu["reason"]) == {"limit missing: no limit is given"} | {
        reason for reason in cpu["reason"] if reason.startswith("too short")
    }
    assert set(made.table.loc[made.table["resource"] == "disk", "verdict"]) == set(planned().table["verdict"])


@pytest.mark.parametrize("rows", [1, 2, 24])
def test_a_tiny_window_is_a_sentence(rows: int) -> None:
    """A window of hours judges nothing, and says so in words."""
    made = plan(pull(demand={"disk": demand().iloc[-rows:]}, skipped=()), CATALOG, horizon="30d")
    assert "cannot be judged" in made.finding or "can be judged" in made.finding


def test_an_empty_pull_says_so() -> None:
    """No resource has data: a finding and an empty table, not an error."""
    made = plan(pull(demand={}, limits={}, skipped=()), CATALOG)
    assert made.finding == "There is nothing to judge: no resource of the catalogue has data."
    assert len(made.table) == 0
    assert np.isnan(made.calibration["skill"])
    assert made._repr_html_()


def test_a_resource_that_the_catalogue_does_not_know_is_refused() -> None:
    """With the name that was meant."""
    with pytest.raises(ParameterError, match="Did you mean 'disk'"):
        plan(pull(demand={"disc": demand()}), CATALOG)


def test_series_are_named_short_in_the_table_and_among_the_skipped() -> None:
    """A job that all series share is not told, neither of those that are judged nor of those that are not."""
    named = demand()
    labels = [{**each, "job": "node"} for each in NODES]
    named = wide(named.to_numpy(), times=pd.DatetimeIndex(named.index), series=labels, metric="disk")
    made = plan(pull(demand={"disk": named}, skipped=()), CATALOG, horizon="30d")
    assert set(made.table["series"]) == {"eu/fills", "eu/calm", "us/full", "us/nolimit", "us/new"}
    assert {each.series for each in made.skipped} == {"us/nolimit", "us/new"}
    assert made.table["labels"].iloc[0]["job"] == "node"


def test_progress_names_the_resource() -> None:
    """Each line of progress says whose it is."""
    told: list[str] = []
    plan(pull(), CATALOG, horizon="30d", progress=lambda _done, _total, what: told.append(what))
    assert told
    assert all(what.startswith("disk: ") for what in told)
