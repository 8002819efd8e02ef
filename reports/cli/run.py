"""Run what is due of the schedules in capacity.toml, and nothing else: what cron or a systemd timer calls.

However many instants were missed, one report makes up for them; two runs at once are one. A run that fails is tried
again by later ticks, at growing intervals. Exit 1 where a report failed.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from reports.cli import options as shared
from reports.cli.output import Progress, note, print_json

if TYPE_CHECKING:
    import pandas as pd

HELP = "run the scheduled reports that are due"


def options(verb: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    verb.add_argument("schedules", nargs="*", metavar="SCHEDULE", help="only these (default: all of the configuration)")
    verb.add_argument("--due", action="store_true", required=True, help="what is due since its last good report")


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    from capacity.errors import ConfigError
    from reports.schedule.tick import tick

    config = shared.configuration(given)
    if not config.schedules:
        where = config.path or "no capacity.toml here"
        raise ConfigError(f"Nothing is scheduled ({where}).", hint="Add a table [schedules.NAME].")
    with Progress() as progress:
        done = tick(config, clock=_now, only=given.schedules, progress=progress)
    if done is None:
        note("another run is at work; nothing was done")
    if given.json:
        print_json({"busy": done is None, "runs": [vars(each) for each in done or ()]})
    else:
        for each in done or ():
            print(f"{each.schedule} {each.as_of:%Y-%m-%dT%H:%MZ}: {each.failure or each.finding}")
            print(each.place)
    return 1 if any(each.failure for each in done or ()) else 0


def _now() -> pd.Timestamp:
    import pandas as pd

    return pd.Timestamp.now(tz="UTC").as_unit("us")
