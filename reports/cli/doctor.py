"""Say whether everything that a report needs is there: packages, the source, the catalogue's queries, room on disk.

Exit 1 when something essential is missing, a query is rejected, or no demand at all returns data.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from reports.cli import options as shared
from reports.cli.output import Progress, print_json

if TYPE_CHECKING:
    from capacity.catalog import Catalog
    from connectors import Source
    from reports.config import Config
    from reports.doctor import Asked, Check

HELP = "check packages, the source, the catalogue's queries and the output folder"


def options(verb: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    shared.source(verb)
    shared.owner(verb)


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    from capacity.errors import CapacityError
    from reports.counters import counters
    from reports.doctor import Check, check_machine, check_out
    from reports.judged import owned_by

    checks = list(check_machine())
    asked: list[Asked] = []
    try:
        config = shared.configuration(given)
        checks.append(Check("Configuration", True, str(config.path or "none here: defaults")))
        checks.append(check_out(config.out))
        catalog = shared.load_catalog(given, config)
        checks.append(Check("Catalogue", True, f"{catalog.name}: {', '.join(catalog.resources) or 'no resources'}"))
        told = counters(catalog, owned_by(catalog, given.owner) if given.owner is not None else None)
        checks += [Check("Counter", None, f"{name}: {what}") for name, what in told.items()]
        asked = _ask(given, config, catalog, checks)
    except CapacityError as error:
        checks.append(Check(type(error).__name__, False, str(error)))
    fine = all(check.ok is not False or not check.essential for check in checks)
    _print(given, checks, asked, fine=fine)
    return 0 if fine else 1


def _ask(given: argparse.Namespace, config: Config, catalog: Catalog, checks: list[Check]) -> list[Asked]:
    from reports.doctor import check_queries, check_source

    with shared.open_source(given, config) as source:
        found, info = check_source(source)
        checks += found
        if found[0].ok is False:
            return []
        asked = _queries(given, source, catalog, info)
    checks.append(check_queries(asked))
    return asked


def _queries(given: argparse.Namespace, source: Source, catalog: Catalog, info: object) -> list[Asked]:
    from reports.doctor import try_queries

    asked = []
    with Progress() as progress:
        for number, each in enumerate(try_queries(source, catalog, info, owner=given.owner), start=1):  # type: ignore[arg-type]
            progress(number, 2 * len(catalog.resources), "queries")
            asked.append(each)
    return asked


def _print(given: argparse.Namespace, checks: list[Check], asked: list[Asked], *, fine: bool) -> None:
    from capacity.tables import text_table

    if given.json:
        print_json(
            {
                "fine": fine,
                "checks": [
                    {"name": each.name, "ok": each.ok, "essential": each.essential, "detail": each.detail}
                    for each in checks
                ],
                "queries": [vars(each) for each in asked],
            }
        )
        return
    for each in checks:
        print(f"{each.sign} {each.name}: {each.detail}")
    if asked:
        print()
        rows = [
            {
                "resource": each.resource,
                "owner": each.owner,
                "asks": each.asks,
                "series": str(each.series),
                "query": each.query,
            }
            for each in asked
        ]
        print(text_table(rows))
    for silent in asked:
        if silent.reason:
            print(f"✖ {silent.resource}, {silent.asks}: {silent.reason}")
