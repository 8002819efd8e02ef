"""Start JupyterLab on the notebooks. Installed from a wheel they are first copied into the folder; yours are kept."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from reports.cli import values
from reports.cli.output import note, print_json

HELP = "start JupyterLab on the notebooks"


def options(verb: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    verb.add_argument(
        "folder", nargs="?", type=Path, metavar="FOLDER", help="work on copies of the notebooks in FOLDER"
    )
    verb.add_argument("--no-browser", action="store_true", help="do not open a browser")
    verb.add_argument("--port", type=values.port, metavar="PORT", help="listen there, or not at all")
    verb.add_argument("--allow-root", action="store_true", help="run as root all the same, as in a container")


def run(given: argparse.Namespace) -> int:
    """Run the verb: this process becomes JupyterLab."""
    from reports.lab import check_user, prepare

    check_user(os.geteuid(), allow_root=given.allow_root)
    start = prepare(given.folder, browser=not given.no_browser, port=given.port, allow_root=given.allow_root)
    if given.json:
        print_json({"folder": str(start.folder), "copied": list(start.copied), "command": list(start.command)})
    else:
        for name in start.copied:
            note(f"copied {name}")
        print(start.folder)
    sys.stdout.flush()
    start.run()
    return 0
