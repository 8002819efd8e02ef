"""Write alert rules for vmalert and Prometheus, made from the catalogue, with unit tests and runbooks beside them.

The platform's own alerts, burn rates of its objectives, alerts over what `capacity write-back` writes, and the
workbench's own health. Tests are for `promtool test rules`; there is a runbook for each alert.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from reports.cli import options as shared
from reports.cli.output import print_json

HELP = "write alert rules, their unit tests and their runbooks"


def options(verb: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    verb.add_argument(
        "--catalog", metavar="FILE", help="a TOML file, dwcp or node_exporter (default: the configuration's)"
    )
    where = "the rules (default: rules.yml); the tests go beside it, as NAME.test.yml"
    verb.add_argument("-o", "--output", type=Path, default=Path("rules.yml"), metavar="FILE", help=where)
    verb.add_argument("--runbooks", type=Path, metavar="FOLDER", help="where runbooks go (default: runbooks beside it)")
    url = "where people find the runbooks, for the alerts' links (default: the folder's name)"
    verb.add_argument("--runbook-url", default="", metavar="URL", help=url)


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    from reports.alerting import groups
    from reports.alerting.files import rules_text, runbook, unit_tests
    from reports.publish import write_whole

    config = shared.configuration(given)
    catalog = shared.load_catalog(given, config)
    made = groups(catalog)
    out, books = given.output, given.runbooks or given.output.parent / "runbooks"
    tests = out.with_name(f"{out.stem}.test{out.suffix}")
    url = given.runbook_url or books.name
    files = {
        out: rules_text(made, name=catalog.name, sha=catalog.sha256, runbooks=url),
        tests: unit_tests(made, rules=out.name),
        **{books / f"{rule.name}.md": runbook(rule, group) for group in made for rule in group.alerts},
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode("utf-8"))
    alerts = [rule.name for group in made for rule in group.alerts]
    if given.json:
        print_json({"rules": out, "tests": tests, "runbooks": books, "alerts": alerts})
    else:
        print(f"{len(alerts)} alerts in {len(made)} groups")
        for path in (out, tests, books):
            print(path)
    return 0
