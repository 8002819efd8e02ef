"""Pull what the catalogue asks for into a snapshot, a folder that --source snapshot:FOLDER answers from, offline."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from reports.cli import options as shared
from reports.cli import values
from reports.cli.output import Progress, note, print_json

if TYPE_CHECKING:
    from capacity.catalog import Catalog
    from capacity.frames import Pull

HELP = "pull a catalogue's demand and limits into a snapshot"


def options(verb: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    shared.source(verb)
    verb.add_argument("--into", required=True, metavar="FOLDER", help="the snapshot; what it holds is not pulled again")
    shared.resources(verb)
    shared.owner(verb)
    shared.when(verb, horizon=False)
    verb.add_argument("--refresh", action="store_true", help="pull all anew, whatever the snapshot holds (backfills)")
    bound = "give up, and keep nothing, if it takes longer (default: no bound but each request's own)"
    verb.add_argument("--deadline", type=values.duration, metavar="DURATION", help=bound)


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    from capacity.errors import ParameterError
    from capacity.tables import text_table

    if Path(given.into).is_file():
        raise ParameterError(f"{given.into} is a file; --into takes a folder.")
    config = shared.configuration(given)
    catalog = shared.load_catalog(given, config)
    with shared.open_source(given, config) as source, Progress() as progress:
        pulled = shared.pull(given, source, catalog, progress)
    rows = _rows(pulled, catalog)
    if given.json:
        print_json({"into": given.into, "as_of": pulled.as_of, "resources": rows, "skipped": _skipped(pulled)})
        return 0
    shown = [{key: "–" if value is None else str(value) for key, value in row.items()} for row in rows]
    print(text_table(shown))
    for each in pulled.skipped:
        note(f"skipped {each.series}: {each.reason}{f' ({each.detail})' if each.detail else ''}")
    print(given.into)
    return 0


def _rows(pulled: Pull, catalog: Catalog) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name, frame in pulled.demand.items():
        limit = pulled.limits.get(name)
        width = getattr(limit, "shape", (0, 0))
        rows.append(
            {
                "resource": name,
                "owner": catalog.resources[name].owner,
                "series": frame.shape[1],
                "steps": frame.shape[0],
                "limits": None if limit is None else width[-1] if len(width) == 2 and width[-1] else 1,
                "from": f"{frame.index[0]:%Y-%m-%d %H:%M}",
                "to": f"{frame.index[-1]:%Y-%m-%d %H:%M}",
            }
        )
    return rows


def _skipped(pulled: Pull) -> list[dict[str, object]]:
    return [{"series": each.series, "reason": each.reason, "detail": each.detail} for each in pulled.skipped]
