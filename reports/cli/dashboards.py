"""Write Grafana dashboards made from the catalogue: the platform's own, its objectives, and its forecasts."""

from __future__ import annotations

import argparse
from pathlib import Path

from reports.cli import options as shared
from reports.cli.output import print_json

HELP = "write Grafana dashboards"


def options(verb: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    verb.add_argument(
        "--catalog", metavar="FILE", help="a TOML file, dwcp or node_exporter (default: the configuration's)"
    )
    where = "the folder that the dashboards go to (default: dashboards)"
    verb.add_argument("-o", "--output", type=Path, default=Path("dashboards"), metavar="FOLDER", help=where)


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    from reports.dashboards import dashboards
    from reports.publish import write_whole

    catalog = shared.load_catalog(given, shared.configuration(given))
    given.output.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in dashboards(catalog).items():
        paths.append(given.output / f"{catalog.name}-{name}.json")
        write_whole(paths[-1], text.encode("utf-8"))
    if given.json:
        print_json({"dashboards": [str(each) for each in paths]})
    else:
        print(*paths, sep="\n")
    return 0
