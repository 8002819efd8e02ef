"""Rules as files: tools take them, their unit tests pass, and each alert has a runbook."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import yaml

import capacity
from reports.alerting import groups
from reports.alerting.files import rules_text, runbook, unit_tests
from reports.alerting.rules import Example, Group, Rule
from tests.support.checkout import told
from tests.support.command import capacity as command
from tests.support.command import data
from tests.support.tools import find_tool

METRICSQL = ("range_", "rollup", "WITH (", "default ", "keep_metric_names", "histogram_share", "running_")


def checked(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=280)


@pytest.mark.parametrize("catalog", ["dwcp", "node_exporter"])
def test_both_tools_take_the_rules(tmp_path: Path, catalog: str) -> None:
    """`vmalert -dryRun` and `promtool check rules`, for both catalogues that are built in."""
    done = command(tmp_path, "rules", "--catalog", catalog, "-o", "made/rules.yml")
    assert done.returncode == 0, told(done)
    dry = checked(str(find_tool("vmalert")), "-dryRun", "-rule=made/rules.yml", folder=tmp_path)
    assert dry.returncode == 0, dry.stderr
    promtool = checked(str(find_tool("promtool")), "check", "rules", "made/rules.yml", folder=tmp_path)
    assert promtool.returncode == 0, promtool.stdout + promtool.stderr
    assert [word for word in METRICSQL if word in (tmp_path / "made" / "rules.yml").read_text()] == []


def test_the_unit_tests_pass(tmp_path: Path) -> None:
    """Promtool runs the tests that are written: each alert fires on its example, and not on the other."""
    answer = data(tmp_path, "rules", "--catalog", "dwcp", "-o", "rules.yml")
    done = checked(str(find_tool("promtool")), "test", "rules", "rules.test.yml", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    tests = yaml.safe_load((tmp_path / "rules.test.yml").read_text())["tests"]
    tested = {each["name"].removesuffix(" fires") for each in tests if each["name"].endswith(" fires")}
    assert {name for name in answer["alerts"] if not name.endswith("OutgrowsForecast")} == tested


def test_a_rule_that_does_not_fire_fails_its_test(tmp_path: Path) -> None:
    """The tests can fail: an alert that asks for the wrong side is told by name."""
    minute = pd.Timedelta(minutes=1)
    example = Example({"x": "1x60"}, {"x": "0x60"}, 30 * minute)
    group = Group("g", minute, (Rule("Wrong", "x < 0.5", minute, "warning", "x", example=example),))
    (tmp_path / "r.yml").write_text(rules_text([group], name="t", sha="", runbooks="r"))
    (tmp_path / "r.test.yml").write_text(unit_tests([group], rules="r.yml"))
    done = checked(str(find_tool("promtool")), "test", "rules", "r.test.yml", folder=tmp_path)
    assert done.returncode == 1
    assert "Wrong" in done.stdout + done.stderr


def test_every_alert_has_labels_and_a_runbook_that_is_there(tmp_path: Path) -> None:
    """Severity and channel to route by; a link whose file says what it means and what to do, with the query."""
    answer = data(tmp_path, "rules", "--catalog", "dwcp", "-o", "rules.yml", "--runbook-url", "https://books.example/x")
    rules = yaml.safe_load((tmp_path / "rules.yml").read_text())["groups"]
    alerts = [rule for group in rules for rule in group["rules"] if "alert" in rule]
    assert [each["alert"] for each in alerts] == answer["alerts"]
    assert len({each["alert"] for each in alerts}) == len(alerts)
    for each in alerts:
        assert each["labels"]["severity"] in ("critical", "warning", "capacity")
        assert each["annotations"]["runbook_url"] == f"https://books.example/x/{each['alert']}.md"
        book = (tmp_path / "runbooks" / f"{each['alert']}.md").read_text()
        assert each["expr"] in book
        assert re.search(r"## What it means\n\n\S.{20}", book)
        assert re.search(r"## What to do\n\n1\. \S", book)
        assert "capacity report capacity_overview" in book


def test_a_runbook_by_hand() -> None:
    """All of one, word for word."""
    minute = pd.Timedelta(minutes=1)
    rule = Rule("Full", "x > 1", 5 * minute, "critical", "It is full", means="No room.", actions=("Make room.",))
    assert runbook(rule, Group("g", minute, (rule,))) == (
        "# Full\n\nIt is full.\n\nSeverity **critical**, to whoever is on call. It fires once its condition has held "
        "for 5m; it is looked at every 1m.\n\n## What it means\n\nNo room.\n\n## The query\n\n```promql\nx > 1\n```\n\n"
        "## What to do\n\n1. Make room.\n\n## Which report to open\n\n`capacity report capacity_overview`, or in "
        "JupyterLab the notebook `capacity_overview`.\n"
    )


def test_the_eight_of_the_platform_are_there() -> None:
    """By name, critical, each with an example, and for as long as the platform says."""
    (platform, *_) = groups(capacity.load_catalog("dwcp"))
    waits = {rule.name: rule.for_ / pd.Timedelta(seconds=1) for rule in platform.alerts}
    assert waits == {
        "ConsensusLatencySLOBreach": 60, "ErrorBudgetExhausted": 300, "MigrationFailureRateHigh": 300,
        "CircuitBreakerOpened": 30, "PerformanceAnomalyDetected": 60, "BandwidthPredictionAccuracyLow": 600,
        "DiskSpaceLow": 600, "MemoryPressure": 900,
    }  # fmt: skip
    assert all(rule.example and rule.severity == "critical" for rule in platform.alerts)


def test_a_condition_that_cannot_hold_is_no_rule(tmp_path: Path) -> None:
    """Of a promise of 90 % no 14.4-fold burn can be: more than everything would have to be bad."""
    text = """
name = "x"
[objectives.loose]
indicator = "gauge"
query = "up"
unit = "ratio"
comparison = ">"
target = 0.5
objective = 0.9
window = "30d"
"""
    (tmp_path / "loose.toml").write_text(text)
    made = groups(capacity.load_catalog(tmp_path / "loose.toml"))
    names = {rule.name for group in made for rule in group.alerts}
    assert "LooseBudgetBurn1h" not in names
    assert "LooseBudgetBurn6h" in names
