"""Say what a catalogue misses: limits, lead times, owners, units; what is measured and not planned for; coverage.

Exit 1 where something keeps a resource from being judged; advice alone is exit 0.
"""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from reports.cli import options as shared
from reports.cli.output import Progress, print_json

if TYPE_CHECKING:
    from capacity.lint import Lint, Remark

HELP = "say what the catalogue misses: limits, lead times, owners, units, coverage"
WINDOW = "14d"


def options(verb: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    shared.source(verb)
    shared.resources(verb)
    shared.when(verb, horizon=False, window=WINDOW)
    shared.owner(verb)


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    from capacity.frames import duration
    from capacity.lint import lint
    from reports.inventory import held

    given.window = given.window or duration(WINDOW)
    config = shared.configuration(given)
    catalog = shared.load_catalog(given, config)
    names = shared.owned(given, catalog)
    with shared.open_source(given, config) as source, Progress() as progress:
        pulled = shared.pull(given, source, catalog, progress)
        found = lint(
            catalog, pulled, held(source, catalog, pulled, resources=names, progress=progress), resources=names
        )
    _print(found, json=given.json)
    return 1 if found.problems else 0


def _print(found: Lint, *, json: bool) -> None:
    from capacity.tables import text_table

    if json:
        remarks = [
            {"rule": each.rule, "about": each.about, "told": each.told, "owner": each.owner, "problem": each.problem}
            for each in found.remarks
        ]
        print_json({"fine": not found.problems, "coverage": dict(found.coverage), "remarks": remarks})
        return
    if found.remarks:
        print(text_table([_row(each) for each in found.remarks]))
        print()
    print(_coverage(found))


def _row(each: Remark) -> dict[str, str]:
    sign = "✖" if each.problem else "▲"
    return {"rule": f"{sign} {each.rule}", "about": each.about, "what": each.told, "owner": each.owner}


def _coverage(found: Lint) -> str:
    share = {
        name: "an unknown share" if math.isnan(one) else f"{100 * one:.0f} %" for name, one in found.coverage.items()
    }
    return (
        f"Coverage: {share['metrics']} of the metrics are asked for; {share['hosts']} of the machines and "
        f"{share['series']} of the series have a limit to be judged by."
    )
