"""Rules as files: the rules themselves, unit tests for ``promtool test rules``, and a runbook for each alert."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
import yaml

from capacity.frames import duration_text
from reports.alerting.rules import Example, Group, Record, Rule

__all__ = ["rules_text", "runbook", "unit_tests"]

HEAD = "# Made by `capacity rules` from the catalogue {name} (sha256 {sha}). Change the catalogue, not this file.\n"


class _Dumper(yaml.SafeDumper):
    """Writes long text as it is: an expression that is folded cannot be searched for."""


def _dump(value: object) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=1_000_000, allow_unicode=True)


def rules_text(groups: Sequence[Group], *, name: str, sha: str, runbooks: str) -> str:
    """Return the rules file; ``runbooks`` is where the runbooks lie: a URL or a folder."""
    made = [
        {
            "name": group.name,
            "interval": _time(group.interval),
            "rules": [_record(each) if isinstance(each, Record) else _alert(each, runbooks) for each in group.rules],
        }
        for group in groups
    ]
    return HEAD.format(name=name, sha=sha[:12]) + _dump({"groups": made})


def _alert(rule: Rule, runbooks: str) -> dict[str, Any]:
    labels = {"severity": rule.severity, **({"channel": rule.channel} if rule.channel else {}), **rule.labels}
    annotations = {
        "summary": rule.summary,
        "description": rule.description or rule.summary,
        "runbook_url": f"{runbooks.rstrip('/')}/{rule.name}.md",
        "notebook": rule.notebook,
    }
    return {
        "alert": rule.name,
        "expr": rule.expr,
        "for": _time(rule.for_),
        "labels": labels,
        "annotations": annotations,
    }


def _record(record: Record) -> dict[str, Any]:
    return {"record": record.name, "expr": record.expr, "labels": dict(record.labels)}


def _time(length: pd.Timedelta) -> str:
    return duration_text(length) if length > pd.Timedelta(0) else "0s"


def unit_tests(groups: Sequence[Group], *, rules: str) -> str:
    """Return unit tests for ``promtool test rules``: each alert fires on its example, and keeps still on the other.

    ``rules`` is the rules file, as the tests' file finds it.
    """
    tests = [test for group in groups for rule in group.alerts if rule.example for test in _tests(rule, rule.example)]
    return _dump({"rule_files": [rules], "evaluation_interval": "1m", "tests": tests})


def _tests(rule: Rule, example: Example) -> Iterator[dict[str, Any]]:
    firing = f'count(ALERTS{{alertname="{rule.name}",alertstate="firing"}}) > bool 0'
    for name, series, found in (
        ("fires", example.fires, [{"labels": "{}", "value": 1}]),
        ("keeps still", example.quiet, []),
    ):
        yield {
            "name": f"{rule.name} {name}",
            "interval": _time(example.step),
            "input_series": [{"series": each, "values": values} for each, values in series.items()],
            "promql_expr_test": [{"expr": firing, "eval_time": _time(example.after), "exp_samples": found}],
        }


def runbook(rule: Rule, group: Group) -> str:
    """Return the runbook of an alert, as Markdown."""
    steps = rule.actions or ("Open the report and look at the series that the alert names.",)
    return "\n".join(
        [
            f"# {rule.name}",
            "",
            f"{rule.summary}.",
            "",
            f"Severity **{rule.severity}**, to {rule.channel or 'whoever is on call'}. It fires once its condition has "
            f"held for {_time(rule.for_)}; it is looked at every {_time(group.interval)}.",
            "",
            "## What it means",
            "",
            rule.means or "The condition below holds.",
            "",
            "## The query",
            "",
            "```promql",
            rule.expr,
            "```",
            "",
            "## What to do",
            "",
            *(f"{number}. {step}" for number, step in enumerate(steps, start=1)),
            "",
            "## Which report to open",
            "",
            f"`capacity report {rule.notebook}`, or in JupyterLab the notebook `{rule.notebook}`.",
            "",
        ]
    )
