"""Print how service level objectives are kept, and when they will break: one row a series, the most urgent first.

With --fail-within the exit code is 3 where an objective is broken, or its budget or its target is likelier than --risk
to go within that time.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from reports.cli import options as shared
from reports.cli import values
from reports.cli.output import Progress, note, print_json

if TYPE_CHECKING:
    import pandas as pd

    from capacity.slo import Review

HELP = "print how service level objectives are kept, and when they will break"
WINDOW, TOO_LIKELY = "90d", 3


def options(verb: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    shared.source(verb)
    only = "only these, separated by commas"
    verb.add_argument("--objectives", type=values.names, default=(), metavar="NAMES", help=only)
    shared.when(verb)
    shared.model(verb)
    shared.owner(verb)
    shared.where(verb)
    shared.fail_within(verb, "exit 3 where an objective is broken, or likelier than --risk to break within it")


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    from capacity import slo
    from capacity.errors import HistoryTooShort
    from reports.judged import check_as_of, check_within

    horizon = shared.horizon(given)
    if given.fail_within:
        check_within(given.fail_within, horizon)
    config = shared.configuration(given)
    catalog = shared.load_catalog(given, config)
    with shared.open_source(given, config) as source, Progress() as progress:
        check_as_of(given.as_of, source)
        measured = source.measure(catalog, given.objectives, given.as_of, given.window or WINDOW, progress)
        found = slo.review(measured, catalog, horizon=horizon, model=given.model, seed=given.seed, progress=progress)
    shown = slo.narrowed(found, owner=given.owner, where=dict(given.where))
    failing = slo.failing(shown, within=given.fail_within, risk=given.risk) if given.fail_within else None
    if given.json:
        print_json(_json(shown, failing, given))
    else:
        _print(shown)
    if set(shown.table["status"]) == {"no data"}:
        raise HistoryTooShort(shown.finding)
    return 0 if failing is None else _told(failing)


def _told(failing: pd.DataFrame) -> int:
    from capacity.verdicts import percent

    for _, row in failing.iterrows():
        what = "broken" if row["status"] == "broken" else percent(row["chance"])
        note(f"too likely: {row['title']} {row['series']}: {what}")
    return TOO_LIKELY if len(failing) else 0


def _print(found: Review) -> None:
    from capacity.slo import review_rows
    from capacity.tables import text_table

    print(text_table(review_rows(found)))
    print()
    print(found.finding)


def _json(found: Review, failing: pd.DataFrame | None, given: argparse.Namespace) -> dict[str, object]:
    return {
        "finding": found.finding,
        "as_of": found.as_of,
        "horizon": found.horizon,
        "catalog": {"name": found.catalog.name, "sha256": found.catalog.sha256},
        "rows": found.table.to_dict("records"),
        "fired": {
            name: one.burn.fired.drop(columns="place").to_dict("records") for name, one in found.objectives.items()
        },
        "skipped": [{"objective": each.series, "reason": each.reason, "detail": each.detail} for each in found.skipped],
        "fail_within": None
        if failing is None
        else {"within": given.fail_within, "risk": given.risk, "rows": failing.to_dict("records")},
    }
