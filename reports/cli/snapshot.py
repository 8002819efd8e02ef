"""Look after a snapshot. ``tidy``: roll up what is old, drop what is too old, join what was pulled in parts."""

from __future__ import annotations

import argparse

from reports.cli import values
from reports.cli.output import note, print_json

HELP = "look after a snapshot: tidy it by age"

TIERS = "1s:7d,10s:30d,1m:365d"


def options(verb: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    verb.add_argument("action", choices=("tidy",), metavar="ACTION", help="tidy")
    verb.add_argument("folder", metavar="FOLDER", help="the snapshot's folder")
    verb.add_argument(
        "--tiers",
        default=TIERS,
        metavar="STEP:AGE,…",
        help=f"how finely it is kept up to which age, the finest first (default: {TIERS})",
    )
    from_when = "from when ages are counted (default: the end of what is held)"
    verb.add_argument("--as-of", type=values.instant, metavar="TIME", help=from_when)


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    from connectors.tiers import tidy

    done = tidy(given.folder, tiers=given.tiers, as_of=given.as_of)
    if given.json:
        print_json({"folder": given.folder, **vars(done)})
        return 0
    for each in dict.fromkeys(done.left):
        note(f"left as it is, since its roll-up does not follow from it: {each}")
    print(
        f"{given.folder}: {done.rolled} rolled up, {done.joined} joined, {done.dropped} dropped, as of "
        f"{done.as_of:%Y-%m-%d %H:%M}; {done.bytes_before} → {done.bytes_after} bytes"
    )
    return 0
