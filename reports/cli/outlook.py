"""Print what runs out, when, and how sure that is: one row a series, the most urgent first.

With --fail-within the exit code is 3 where a breach within that time is likelier than --risk; an accepted risk does not
count.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from reports.cli import options as shared
from reports.cli.output import Progress, note, print_json

if TYPE_CHECKING:
    import pandas as pd

    from capacity.plan import Plan

HELP = "print what runs out, when, and how sure that is"
TOO_LIKELY = 3


def options(verb: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    shared.source(verb)
    shared.resources(verb)
    shared.when(verb)
    shared.model(verb)
    verb.add_argument(
        "--explain", action="store_true", help="below the table, a sentence of numbers on each series at risk"
    )
    shared.owner(verb)
    shared.where(verb)
    shared.fail_within(verb, "exit 3 where a breach within it is likelier than --risk")


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    import capacity
    from reports.judged import check_within, failing, narrowed, nothing_judged

    horizon = shared.horizon(given)
    if given.fail_within:
        check_within(given.fail_within, horizon)
    config = shared.configuration(given)
    catalog = shared.load_catalog(given, config)
    shared.warn_of_counters(given, catalog)
    with shared.open_source(given, config) as source, Progress() as progress:
        pulled = shared.pull(given, source, catalog, progress)
        plan = capacity.plan(pulled, catalog, horizon=horizon, model=given.model, seed=given.seed, progress=progress)
    shown = narrowed(plan, owner=given.owner, where=dict(given.where))
    likely = failing(shown, within=given.fail_within, risk=given.risk) if given.fail_within else None
    if given.json:
        print_json(_json(shown, likely, given))
    else:
        _print(shown, explain=given.explain)
    if (nothing := nothing_judged(shown.finding, shown.table["verdict"])) is not None:
        raise nothing
    return 0 if likely is None else _told(likely, given.fail_within)


def _told(likely: pd.DataFrame, within: pd.Timedelta) -> int:
    """Name what is too likely, and return the exit code for it."""
    from capacity.frames import duration_text
    from capacity.verdicts import percent

    for _, row in likely.iterrows():
        chance = f"{percent(row['chance'])} within {duration_text(within)}"
        note(f"too likely: {row['title']} {row['series']}: {chance}")
    return TOO_LIKELY if len(likely) else 0


def _print(plan: Plan, *, explain: bool) -> None:
    from capacity.tables import plan_rows, text_table

    if len(plan.table):
        rows = plan_rows(plan)
        # what no series has is not worth a column
        names = [name for name in rows[0] if any(row[name] for row in rows)]
        print(text_table(rows, names=names))
        print()
    if explain:
        for title, told in zip(plan.table["title"].reindex(plan.sizes.index), plan.sizes["explained"], strict=True):
            print(f"{title} on {told}\n")
    print(plan.finding)


def _json(plan: Plan, likely: pd.DataFrame | None, given: argparse.Namespace) -> dict[str, object]:
    return {
        "finding": plan.finding,
        "as_of": plan.as_of,
        "horizon": plan.horizon,
        "catalog": {"name": plan.catalog.name, "sha256": plan.catalog.sha256},
        "rows": plan.table.join(plan.sizes).to_dict("records"),
        "skipped": [
            {"resource": each.resource, "series": each.series, "reason": each.reason, "detail": each.detail}
            for each in plan.skipped
        ],
        "calibration": dict(plan.calibration),
        "fail_within": None
        if likely is None
        else {"within": given.fail_within, "risk": given.risk, "rows": likely.to_dict("records")},
    }
