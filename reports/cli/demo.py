"""The whole job on simulated telemetry: the overview as an HTML file. Or write that telemetry to a server of yours."""

from __future__ import annotations

import argparse

from reports.cli import options as shared
from reports.cli import values
from reports.cli.output import Progress, print_json
from reports.cli.rendered import rendered

HELP = "make the overview of simulated telemetry, or write that telemetry to a server"
REPORT = "capacity_overview"
WINDOW = "7d"


def options(verb: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    verb.add_argument("--seed", type=int, default=0, metavar="N", help="another draw of the simulation (default: 0)")
    group = verb.add_argument_group("writing to a server")
    group.add_argument("--write", metavar="URL", help="write the raw telemetry there instead, and make no report")
    ends = "shift all of it so that it ends at this time, or `now` (default: where the simulation ends)"
    group.add_argument("--ends", type=values.instant_or_now, metavar="TIME", help=ends)
    group.add_argument("--window", type=values.duration, metavar="DURATION", help=f"how much of it (default: {WINDOW})")
    group.add_argument("--regions", type=values.names, metavar="NAMES", help="only these, separated by commas")
    group.add_argument("--nodes", type=values.names, metavar="NAMES", help="only these, separated by commas")


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    config = shared.configuration(given)
    if given.write:
        return _write(given)
    source = f"demo:?seed={given.seed}" if given.seed else "demo:"
    out = config.out / "demo" / f"{REPORT}.html"
    return rendered(REPORT, {"source": source, "catalog": "dwcp"}, out, as_json=given.json)


def _write(given: argparse.Namespace) -> int:
    """Write the raw telemetry to a server."""
    from capacity.frames import duration
    from connectors import connect
    from connectors.demo import Demo, write_demo

    end = Demo().now()
    with connect(given.write) as source, Progress() as progress:
        written = write_demo(
            source,
            end - duration(given.window or WINDOW, name="window"),
            end,
            seed=given.seed,
            ends=given.ends,
            regions=given.regions,
            nodes=given.nodes,
            progress=progress,
        )
        name = source.name
    if given.json:
        print_json({"source": name, "samples": written})
    else:
        print(f"{written:,} samples written to {name}")
    return 0
