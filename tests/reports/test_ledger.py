"""The ledger: claims are frozen when made, scored once by what happened, and read as quality; all by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from capacity.errors import ReportError
from capacity.frames import wide
from reports.ledger import claims, quality
from reports.ledger.scoring import score, scored
from reports.ledger.store import Store
from reports.summary import summary
from tests.support.plans import AS_OF, CATALOG, DISK, small_plan
from tests.support.unwatched import at, row, told

CUTOFF = "2026-11-01T00:00:00Z"
DAY = pd.Timedelta(days=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Yield an empty ledger."""
    with Store.open(tmp_path / "ledger.sqlite") as opened:
        yield opened


def claiming(series: str, chance: float, *, usable: float = 85.0, verdict: str = "breach") -> dict[str, object]:
    """Return a row that claims a chance within 7 d, and 60, 70, 80 as the quantiles of demand then."""
    made = {
        "cutoff": CUTOFF,
        "breach": {"7d": chance},
        "quantiles": {"7d": {"0.1": 60.0, "0.5": 70.0, "0.9": 80.0}},
        "usable": usable,
    }
    return row(series, verdict=verdict, claims=made)


def demand(**series: object) -> dict[str, pd.DataFrame]:
    """Return ten days of demand after the cutoff, at six hours: a number, or values by the day."""
    times = pd.date_range(pd.Timestamp(CUTOFF), periods=41, freq="6h", unit="us")
    days = np.arange(41) / 4
    values = np.stack([each(days) if callable(each) else np.full(41, each) for each in series.values()], axis=1)
    return {"disk": wide(values, times=times, series=[{"node": name} for name in series], metric="disk")}


def outcomes(store: Store) -> dict[tuple[str, str, float], float]:
    return {(each["series"], each["kind"], each["level"]): each["outcome"] for _, each in scored(store).iterrows()}


def test_claims_are_scored_by_what_happened(store: Store) -> None:
    """One passes 85 on day 6, one stays at 75, one passes only on day 8: after its seven days."""
    rows = [claiming("early", 0.9), claiming("never", 0.2), claiming("late", 0.5)]
    assert claims.freeze(store, "weekly", at(CUTOFF[:-1]), told(*rows)) == 12
    history = demand(
        early=lambda t: np.where(t >= 6, 90.0, 65.0), never=75.0, late=lambda t: np.where(t >= 8, 90.0, 85.0)
    )
    assert score(store, history, CATALOG, as_of=at("2026-11-11")) == 12
    assert outcomes(store) == {
        ("early", "breach", 0.0): 1.0, ("never", "breach", 0.0): 0.0, ("late", "breach", 0.0): 0.0,
        **{("early", "quantile", level): 90.0 for level in (0.1, 0.5, 0.9)},
        **{("never", "quantile", level): 75.0 for level in (0.1, 0.5, 0.9)},
        **{("late", "quantile", level): 85.0 for level in (0.1, 0.5, 0.9)},
    }  # fmt: skip
    found = scored(store)
    # (0.9 − 1)² = 0.01, (0.2 − 0)² = 0.04, (0.5 − 0)² = 0.25; it happened once in three: base 1/3 · 2/3
    (scores,) = quality.brier(found).to_dict("records")
    assert scores["score"] == pytest.approx(0.1)
    assert scores["base"] == pytest.approx(2 / 9)
    assert scores["skill"] == pytest.approx(1 - 0.1 / (2 / 9))
    # below 60: none; below 70: none; below 80: 75 alone
    assert [(each["level"], each["below"]) for each in quality.coverage(found).to_dict("records")] == [
        (0.1, 0.0), (0.5, 0.0), (0.9, pytest.approx(1 / 3)),
    ]  # fmt: skip
    said = [(each["said"], each["happened"], each["claims"]) for each in quality.reliability(found).to_dict("records")]
    assert said == [(0.2, 0.0, 1), (0.5, 0.0, 1), (0.9, 1.0, 1)]


def test_what_is_not_due_yet_waits(store: Store) -> None:
    """Six days later nothing is scored, and after seven it is, once."""
    claims.freeze(store, "weekly", at(CUTOFF[:-1]), told(claiming("a", 0.5)))
    history = demand(a=70.0)
    assert score(store, history, CATALOG, as_of=at("2026-11-07")) == 0
    assert score(store, {"disk": history["disk"].iloc[:20]}, CATALOG, as_of=at("2026-11-09")) == 0
    assert score(store, history, CATALOG, as_of=at("2026-11-08")) == 4
    assert score(store, history, CATALOG, as_of=at("2026-11-11")) == 0


def test_what_is_not_known_is_not_scored(store: Store) -> None:
    """Two days of seven without samples: "it did not happen" would be a guess. A breach that was seen counts."""
    claims.freeze(
        store, "weekly", at(CUTOFF[:-1]), told(claiming("calm", 0.5), claiming("seen", 0.5), claiming("gone", 0.5))
    )
    history = demand(
        calm=lambda t: np.where((t > 2) & (t < 4), np.nan, 70.0),
        seen=lambda t: np.where((t > 2) & (t < 4), np.nan, 90.0),
    )
    score(store, history, CATALOG, as_of=at("2026-11-11"))
    found = {(name, kind) for name, kind, _ in outcomes(store)}
    assert found == {("calm", "quantile"), ("seen", "breach"), ("seen", "quantile")}


def test_a_breach_has_to_last(store: Store) -> None:
    """Of a resource whose mean over a day counts, a spike of six hours is none."""
    slow = replace(CATALOG, resources={"disk": replace(DISK, aggregate="mean", sustained=DAY)})
    claims.freeze(store, "weekly", at(CUTOFF[:-1]), told(claiming("spike", 0.5), claiming("lasting", 0.5)))
    history = demand(
        spike=lambda t: np.where(t == 3, 100.0, 70.0), lasting=lambda t: np.where((t >= 3) & (t < 4), 100.0, 70.0)
    )
    score(store, history, slow, as_of=at("2026-11-11"))
    breaches = {name: value for (name, kind, _), value in outcomes(store).items() if kind == "breach"}
    assert breaches == {"spike": 0.0, "lasting": 1.0}


def test_a_claim_is_frozen(store: Store) -> None:
    """Said again for the same instant it stays what it was; it cannot be rewritten, nor its score."""
    claims.freeze(store, "weekly", at(CUTOFF[:-1]), told(claiming("a", 0.5)))
    assert claims.freeze(store, "weekly", at(CUTOFF[:-1]), told(claiming("a", 0.9))) == 0
    with pytest.raises(sqlite3.IntegrityError, match="a claim is not changed"):
        store.do("UPDATE claims SET value = 0.9")
    score(store, demand(a=70.0), CATALOG, as_of=at("2026-11-11"))
    with pytest.raises(sqlite3.IntegrityError, match="a claim is scored once"):
        store.do("UPDATE claims SET outcome = 1")
    assert outcomes(store)["a", "breach", 0.0] == 0.0


def test_what_is_past_already_claims_no_date(store: Store) -> None:
    """Its quantiles are claims, its chance of 1 is none."""
    claims.freeze(store, "weekly", at(CUTOFF[:-1]), told(claiming("a", 1.0, verdict="past")))
    assert {each["kind"] for each in store.rows("SELECT kind FROM claims")} == {"quantile"}


def test_the_claims_of_a_real_report_are_kept_whole(store: Store) -> None:
    """Each chance and quantile of a plan's summary is a claim, due so long after the cutoff."""
    made = summary(small_plan())
    claims.freeze(store, "weekly", AS_OF, made)
    rows = store.rows("SELECT * FROM claims WHERE kind = 'breach' AND series = 'eu/fills'")
    (told_row,) = (each for each in made["rows"] if each["series"] == "eu/fills")
    assert {each["within"]: each["value"] for each in rows} == told_row["claims"]["breach"]
    assert {each["due"] for each in rows if each["within"] == "7d"} == {"2026-11-08T00:00:00Z"}


def test_a_ledger_of_a_later_version_is_told(tmp_path: Path) -> None:
    """Instead of being written to by who does not know it; and so is a file that is none."""
    connection = sqlite3.connect(tmp_path / "later.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ReportError, match="a later version"):
        Store.open(tmp_path / "later.sqlite")
    (tmp_path / "torn.sqlite").write_bytes(b"SQLite format 3" + b"x" * 5000)
    with pytest.raises(ReportError, match="cannot be used"):
        Store.open(tmp_path / "torn.sqlite")


def test_half_a_transaction_is_none(store: Store) -> None:
    """An error inside leaves the ledger as it was."""

    def half() -> None:
        with store.transaction():
            claims.freeze(store, "weekly", at(CUTOFF[:-1]), told(claiming("a", 0.5)))
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        half()
    assert store.rows("SELECT * FROM claims") == []
