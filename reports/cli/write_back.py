"""Write forecasts, dates, chances and what they are held against back into a server, for rules and dashboards.

Run it once a day: `capacity rules` makes alerts over what it writes.
"""

from __future__ import annotations

import argparse

from reports.cli import options as shared
from reports.cli.output import Progress, print_json

HELP = "write forecasts, dates and chances back as series"


def options(verb: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    shared.source(verb)
    shared.resources(verb)
    shared.owner(verb)
    shared.when(verb)
    verb.add_argument("--model", default="auto", metavar="NAME", help="the forecast's model (default: auto)")
    verb.add_argument("--seed", type=int, default=0, metavar="N", help="the seed of all that is drawn (default: 0)")
    verb.add_argument("--to", metavar="URL", help="where to write (default: where the samples come from)")


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    import capacity
    from reports.writeback import write_back

    config = shared.configuration(given)
    catalog = shared.load_catalog(given, config)
    horizon = shared.horizon(given)
    with shared.open_source(given, config) as source, Progress() as progress:
        pulled = shared.pull(given, source, catalog, progress)
        plan = capacity.plan(pulled, catalog, horizon=horizon, model=given.model, seed=given.seed, progress=progress)
        with config.connect([given.to] if given.to else given.source) as target:
            done = write_back(plan, target)
            name = target.name
    if given.json:
        print_json({"target": name, **vars(done)})
    else:
        ahead = "" if done.until is None else f", forecasts as far as {done.until:%Y-%m-%d %H:%M} UTC"
        print(f"{done.gauges + done.forecasts:,} samples written to {name}{ahead}")
    return 0
