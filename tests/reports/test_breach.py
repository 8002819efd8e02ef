"""The report on objectives: on the demo and on a real server one offline page, and what it says is true."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from capacity import load_catalog, slo
from capacity.errors import ParameterError
from capacity.slo import Review
from connectors import connect
from connectors.demo import write_demo
from reports import breach, charts, render
from reports.cover import objectives as cover
from tests.support.browser import chromium, opened
from tests.support.command import capacity, data
from tests.support.hostile import LABELS
from tests.support.servers import VictoriaMetrics

SHORT = {"window": "45d", "horizon": "14d"}
ARGS = (
    "slo",
    "--source",
    "demo:",
    "--objectives",
    "migration_success,packet_loss",
    "--window",
    "45d",
    "--horizon",
    "30d",
)


@pytest.fixture(scope="module")
def found() -> Review:
    """Return the demo's objectives, reviewed over a short history."""
    catalog = load_catalog("dwcp")
    with connect("demo:") as source:
        return slo.review(source.measure(catalog, window="45d"), catalog, horizon="14d")


def test_the_demos_one_broken_objective_is_found(found: Review) -> None:
    """Migrations succeed too rarely, in every region; it stands first, and in the finding."""
    broken = found.table[found.table["status"] == "broken"]
    assert set(broken["objective"]) == {"migration_success"}
    assert len(broken) == 3
    assert found.table["objective"].iloc[0] == "migration_success"
    assert found.finding.startswith("Migration success rate is broken in 3 series")
    assert "> 99 %" in found.finding


def test_every_objective_of_the_platform_has_a_row(found: Review) -> None:
    """Eleven objectives, three regions each; nothing is left out."""
    assert found.table.groupby("objective").size().to_dict() == dict.fromkeys(load_catalog("dwcp").objectives, 3)
    assert found.skipped == ()


def test_a_review_narrows_to_what_is_asked(found: Review) -> None:
    """By owner and by label; its finding speaks of what is left; nothing left is an error."""
    mine = slo.narrowed(found, owner="network", where={"region": "eu-west"})
    assert set(mine.table["owner"]) == {"network"}
    assert {labels["region"] for labels in mine.table["labels"]} == {"eu-west"}
    assert "igration" not in mine.finding
    with pytest.raises(ParameterError, match="'nobody'"):
        slo.narrowed(found, owner="nobody")


def test_what_is_likely_to_break_fails(found: Review) -> None:
    """What is broken always does; a risk of all but certainty lets the rest pass."""
    failed = slo.failing(found, within=pd.Timedelta(days=14), risk=0.999)
    assert set(failed["objective"]) == {"migration_success"}


def test_charts_say_what_they_show(found: Review) -> None:
    """Each has words with the figures for whoever cannot see it, and is as wide as its page."""
    saturated = found.objectives["consensus_latency_p95"].saturation
    assert saturated is not None
    made = {
        "budget left": charts.budgets(found),
        "held": charts.firings(found),
        "left over time": charts.burned(found.objectives["migration_success"]),
        "by load": charts.knee(saturated),
        "by each date": charts.chances({"a": saturated.curve.iloc[:, 0]}, as_of=found.as_of, title="Chance"),
    }
    for words, chart in made.items():
        spec = chart.to_dict()
        assert words in spec["description"].lower()
        assert spec["width"] == "container"


def test_hostile_names_are_text_on_the_cover(found: Review) -> None:
    """What a label says can only ever be read."""
    for hostile in LABELS[:4]:
        table = found.table.assign(series=hostile, title=hostile)
        shown = cover.html(Review(**{**vars(found), "table": table}))
        assert escape(hostile, quote=True) in shown
        assert "<" not in hostile or hostile not in shown


def page(source: str, tmp_path: Path, **parameters: Any) -> Path:
    """Render the notebook and return the page."""
    return Path(render("slo_breach", {"source": source, **parameters}, out=tmp_path / "slo.html"))


@pytest.mark.timeout(600)
def test_it_renders_on_a_real_server_and_reads_everywhere(
    fresh_victoriametrics: VictoriaMetrics, tmp_path: Path
) -> None:
    """From raw samples one page: no request, no error, every chart drawn, wide and narrow, in the dark."""
    end = pd.Timestamp("2026-11-01T00:00Z")
    with connect(fresh_victoriametrics.url) as target:
        metrics = breach_metrics()
        write_demo(target, end - pd.Timedelta(days=4), end, regions=["us-east"], metrics=metrics, verify=False)
        fresh_victoriametrics.flush()
    path = page(fresh_victoriametrics.url, tmp_path, as_of="2026-11-01T00:00Z", window="4d", horizon="2d")
    with chromium() as browser:
        for width in (1280, 390):
            with opened(browser, path, width=width, dark=width == 390) as seen:
                assert len(seen.drawn()) >= 3
                assert seen.requests == []
                assert seen.errors == []
                assert seen.overflow() == 0
                assert "Migration success rate" in seen.page.inner_text("body")


def breach_metrics() -> list[str]:
    """Return the metrics that the built-in objectives are measured by."""
    asked = load_catalog("dwcp").objectives.values()
    named = {str(name) for one in asked for name in (one.good, one.bad, one.total, one.histogram) if name}
    gauges = ("bandwidth_prediction_accuracy", "amst_packet_loss_ratio", "bandwidth_efficiency_ratio")
    return sorted({*named, *(f"dwcp_{name}" for name in gauges)})


def test_reading_names_what_is_not_there() -> None:
    """An objective that the catalogue does not have is told, and so is a catalogue without any."""
    with pytest.raises(ParameterError, match="no objective 'latency'"):
        breach.read("demo:", objectives="latency", **SHORT)
    with pytest.raises(ParameterError, match="no objectives"):
        breach.read("demo:", catalog="node_exporter", **SHORT)


def test_the_command_prints_a_table_and_a_finding(tmp_path: Path) -> None:
    """A row a series, the broken ones first; as the last line the sentence that JSON has too."""
    done = capacity(tmp_path, *ARGS)
    assert done.returncode == 0, done.stderr
    head, first, *_, finding = done.stdout.splitlines()
    assert head.split()[:3] == ["objective", "series", "status"]
    assert "✖ broken" in first
    shown = data(tmp_path, *ARGS)
    assert shown["finding"] == finding
    assert {row["objective"] for row in shown["rows"]} == {"migration_success", "packet_loss"}
    assert shown["as_of"] == "2026-11-01T00:00:00Z"


def test_the_command_fails_a_pipeline_that_asks_for_it(tmp_path: Path) -> None:
    """Exit 3 where an objective is broken and --fail-within is given; where all is well, 0."""
    done = capacity(tmp_path, *ARGS, "--fail-within", "14d", "--json")
    assert done.returncode == 3, done.stderr
    assert "too likely: Migration success rate" in done.stderr
    assert {row["objective"] for row in json.loads(done.stdout)["fail_within"]["rows"]} == {"migration_success"}
    fine = capacity(tmp_path, *ARGS, "--fail-within", "14d", "--owner", "network")
    assert fine.returncode == 0, fine.stderr


def test_the_command_tells_a_wrong_name(tmp_path: Path) -> None:
    """One line, exit 1, with what was probably meant."""
    done = capacity(tmp_path, "slo", "--source", "demo:", "--objectives", "packet_los")
    assert done.returncode == 1
    assert "Did you mean 'packet_loss'" in done.stderr
