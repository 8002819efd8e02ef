"""What was said and what became of it: a page over thirty simulated weeks, and over a ledger of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from capacity.errors import ParameterError
from reports import charts, said
from reports.ledger import claims, quality
from reports.ledger.scoring import scored
from reports.ledger.store import Store
from reports.schedule.given import parameters
from reports.settings import Schedule
from reports.weekly import SCHEDULE, weekly
from tests.support.unwatched import Set, at, row, told

FOUR = 4


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """Yield a ledger of four simulated weeks."""
    with Store.open(":memory:") as opened:
        weekly(opened, weeks=FOUR)
        yield opened


def test_simulated_weeks_are_claimed_as_of_each(store: Store) -> None:
    """Four reports a week apart, each from what was known by then, and every claim that came due is scored."""
    found = scored(store)
    assert sorted(found["as_of"].unique()) == list(pd.date_range("2026-07-28", periods=FOUR, freq="7D", tz="UTC"))
    assert set(found["schedule"]) == {SCHEDULE}
    assert set(found["resource"]) == {"cpu", "memory", "disk", "bandwidth"}
    assert found["outcome"].notna().all()
    assert (found["as_of"] < found["due"]).all()


def test_a_breach_that_is_scored_is_one_of_the_simulation(store: Store) -> None:
    """The disk of us-east/node-4, which is past its limit in the demo's present, is said to pass it, and does."""
    found = scored(store)
    disk = found[(found["resource"] == "disk") & (found["kind"] == "breach") & (found["within"] == "30d")]
    past = disk[[each == {"node": "node-4", "region": "us-east"} for each in disk["labels"]]]
    assert past["outcome"].max() == 1.0
    others = disk[[each["region"] == "eu-west" for each in disk["labels"]]]
    assert others["outcome"].max() == 0.0


def test_charts_say_what_they_show(store: Store) -> None:
    """Each chart's words hold the figures of its table, and its data is that table's."""
    found = scored(store)
    table = quality.coverage(found)
    kept = charts.kept(table).to_dict()
    first = table.iloc[0]
    assert f"{first['within']} ahead, {first['level']:.0%}: {first['below']:.0%}" in kept["description"]
    together = quality.reliability(found.assign(all="all"), by="all")
    drawn = charts.reliability(together).to_dict()
    said_, happened, count = (together[name].iloc[-1] for name in ("said", "happened", "claims"))
    assert f"said {said_:.0%}, happened {happened:.0%} of {count}" in drawn["description"]
    empty = charts.reliability(together.iloc[:0]).to_dict()
    assert "no claim has come due" in empty["description"]


def test_a_ledger_of_ones_own_is_scored_by_the_source(tmp_path: Path) -> None:
    """Claims of disks on the demo, a month old: each is held against what the demo's server holds."""
    path = tmp_path / "ledger.sqlite"
    made = {"cutoff": "2026-09-25T00:00:00Z", "breach": {"7d": 0.1, "90d": 0.5}, "quantiles": {}, "usable": 1.0}
    sure = row("sure", labels={"node": "node-1", "region": "eu-west"}, claims=made)
    never = row("never", labels={"node": "node-2", "region": "eu-west"}, claims={**made, "usable": 1e15})
    with Store.open(path) as store:
        claims.freeze(store, "weekly", at("2026-09-25"), told(sure, never))
    story = said.read("demo:", ledger=str(path))
    assert list(zip(story.claims["series"], story.claims["outcome"], strict=True)) == [("sure", 1.0), ("never", 0.0)]
    assert story.waiting == 2
    assert story.finding.startswith("Of 2 chances that came due since 3 Aug 2026, 10 % were said to happen on average")
    assert said.read("demo:", ledger=str(path)).claims.equals(story.claims)


def test_a_ledger_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Instead of an empty one being made."""
    with pytest.raises(ParameterError, match="there is no ledger"):
        said.read("demo:", ledger=str(tmp_path / "none.sqlite"))
    assert list(tmp_path.iterdir()) == []


def test_a_scheduled_page_reads_the_ledger_of_its_reports(tmp_path: Path) -> None:
    """Without being told where it is."""
    config = Set(tmp_path).config
    values, _ = parameters(Schedule("quality", "forecast_quality", "0 7 * * 1"), at("2026-11-23T07:00"), config)
    assert values["ledger"] == str(tmp_path / "out" / ".capacity" / "ledger.sqlite")


def test_claims_of_several_forecasts_add_up_by_tenths() -> None:
    """30 claims of 10 % of which a tenth came, 10 of 18 % of which half did: in that tenth 12 % said, 20 % came."""
    one = pd.DataFrame({"claimed": [0.10, 0.9], "happened": [0.1, 1.0], "count": [30, 5]})
    other = pd.DataFrame({"claimed": [0.18], "happened": [0.5], "count": [10]})
    table = charts.tenths(pd.concat([one, other]))
    assert table.iloc[0].tolist() == pytest.approx([0.12, 0.2, 40])
    assert table.iloc[1].tolist() == pytest.approx([0.9, 1.0, 5])
    assert "said 12%, happened 20% of 40" in charts.reliability(table).to_dict()["description"]
