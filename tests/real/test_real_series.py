"""The main job on real input: real series in a real VictoriaMetrics, planned, drawn by a real browser, and judged.

The limits are fixed from each series' past before anything is fitted (`tests.support.nab`), and travel through the
server like any other metric, so that nothing but the pull brings them to the plan.
"""

from __future__ import annotations

import hashlib

import pandas as pd
import pytest

import capacity
from capacity.catalog import Catalog
from capacity.catalog_load import load_catalog, parse_catalog
from capacity.frames import Pull, series_labels
from capacity.plan import Plan
from connectors import connect
from tests.support import nab
from tests.support.checkout import ROOT
from tests.support.claims import as_text, brier, claims, summary
from tests.support.nab import AS_OF, FACTORS, FOLDER, Real
from tests.support.servers import VictoriaMetrics

CATALOG = FOLDER / "catalog.toml"
HORIZON = "14d"


@pytest.fixture(scope="module")
def every() -> list[Real]:
    """Return the real series."""
    return nab.series()


@pytest.fixture(scope="module")
def server(victoriametrics: VictoriaMetrics, every: list[Real]) -> VictoriaMetrics:
    """Return a VictoriaMetrics that holds the real series, and their limits."""
    victoriametrics.import_lines(nab.import_lines(every))
    return victoriametrics


def pulled(server: VictoriaMetrics, catalog: Catalog) -> Pull:
    """Return what the catalogue asks of the server at the cutoff."""
    with connect(server.url) as source:
        return source.pull(catalog, as_of=AS_OF)


def planned(server: VictoriaMetrics, *, kind: str) -> Plan:
    """Return the plan of the real series against their limits of this kind."""
    text = CATALOG.read_text().replace('kind="high"', f'kind="{kind}"')
    catalog = parse_catalog(text, name=CATALOG.name)
    return capacity.plan(pulled(server, catalog), catalog, horizon=HORIZON)


@pytest.fixture(scope="module")
def judged(server: VictoriaMetrics, every: list[Real]) -> pd.DataFrame:
    """Return all claims against both kinds of limit, and what happened; also printed, and written below out/."""
    table = pd.concat([claims(planned(server, kind=kind), every, kind=kind) for kind in FACTORS], ignore_index=True)
    text = f"{as_text(table)}\n\n{summary(table)}\n"
    print(text)
    (ROOT / "out").mkdir(exist_ok=True)
    (ROOT / "out" / "real_series_claims.txt").write_text(text)
    return table


def test_the_copies_are_those_that_are_named() -> None:
    """Each file of the data is the one whose hash its README states."""
    readme = (FOLDER / "README.md").read_text()
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(FOLDER.glob("*.parquet"))]
    assert len(hashes) == 2
    assert [each for each in hashes if each not in readme] == []


def test_the_pull_brings_what_was_recorded(server: VictoriaMetrics, every: list[Real]) -> None:
    """The server's busy hours, pulled by the catalogue, are those of the files, to the last digit that it keeps."""
    pull = pulled(server, load_catalog(CATALOG))
    assert pull.skipped == ()
    found = {
        labels["series"]: frame.iloc[:, place]
        for frame in pull.demand.values()
        for place, labels in enumerate(series_labels(frame))
    }
    assert set(found) == {real.name for real in every}
    for real in every:
        factor = 0.01 if "percent" in real.metric else 0.001 if real.metric.endswith("_ms") else 1.0
        expected = real.past[real.past.index > AS_OF - pull.window] * factor
        got = found[real.name].dropna()
        assert list(got.index) == list(expected.index)
        assert got.to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-12)


def test_limits_are_known_before_anything_is_fitted(every: list[Real]) -> None:
    """A limit is a figure of the past alone: 1.2 × the 99th percentile of the busy hours; by hand for one series.

    Of the 250 busy hours that ec2_cpu_utilization_ac20cd has before the cutoff the 99th percentile stands at place
    247.51 of 1 … 250 in order, between the third and the fourth highest.
    """
    real = next(each for each in every if each.name == "ec2_cpu_utilization_ac20cd")
    highest = real.past.sort_values().to_numpy()
    place = 0.99 * (len(highest) - 1)
    below, share = int(place), place - int(place)
    by_hand = highest[below] * (1 - share) + highest[below + 1] * share
    assert real.limit("p99") == pytest.approx(by_hand, rel=1e-12)
    assert real.limit("high") == pytest.approx(1.2 * by_hand, rel=1e-12)


def test_every_series_is_claimed_or_refused_with_a_reason(judged: pd.DataFrame, every: list[Real]) -> None:
    """No series is left out: each has, for both limits, a probability, or the reason why there is none."""
    assert len(judged) == len(every) * len(FACTORS)
    assert judged["claimed"].dropna().between(0, 1).all()
    assert (judged.loc[judged["claimed"].isna(), "reason"] != "").all()
    assert judged["claimed"].notna().mean() > 0.8


def test_claims_are_better_than_a_coin(judged: pd.DataFrame) -> None:
    """Over all series and both limits the claimed probabilities score better than always saying 50 %."""
    assert brier(judged) < 0.25


def test_a_higher_limit_is_never_likelier_to_be_passed(judged: pd.DataFrame) -> None:
    """Of one series the higher limit has the lower probability."""
    by_kind = {
        kind: part.set_index("series")["claimed"] for kind, part in judged.dropna(subset="claimed").groupby("kind")
    }
    lower, higher = by_kind["p99"].align(by_kind["high"], join="inner")
    assert len(lower) > 30
    assert (higher <= lower).all()


def test_claims_that_can_be_told_by_hand(judged: pd.DataFrame) -> None:
    """Some claims need no model.

    CPU that has been at 99.8 % of 100 cannot pass 1.2 × that, and such a limit is refused. A room that stayed below
    87 °F for months stays below 95. And what happened is in the files: requests to the load balancer were above 335 in
    two of 240 hours before the cutoff (369 and 381), so the percentile, at place 237.61 in order, is 335; they reached
    656 on the third evening.
    """
    rows = {(row["series"], row["kind"]): row for row in judged.to_dict("records")}
    assert "bound" in rows["ec2_cpu_utilization_77c1ca", "high"]["reason"]
    assert rows["ambient_temperature_system_failure", "high"]["claimed"] < 0.05
    requests = rows["elb_request_count_8c0756", "p99"]
    assert requests["limit"] == pytest.approx(335)
    assert requests["happened"] == pd.Timestamp("2014-06-03T20:00Z")
