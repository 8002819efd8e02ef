"""Run a notebook on a source and write one self-contained HTML file; a run that fails leaves the last good one."""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path
from typing import Any

from reports import notebooks
from reports.cli import options as shared
from reports.cli import values
from reports.cli.rendered import parameters, rendered

HELP = "run a notebook and write its report as one HTML file"


def options(verb: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    verb.formatter_class = argparse.RawDescriptionHelpFormatter
    verb.description = "\n".join(textwrap.wrap(str(verb.description), 78))
    verb.epilog = _epilog()
    verb.add_argument("name", metavar="NAME", help="the notebook, such as capacity_overview")
    shared.source(verb)
    shared.resources(verb)
    shared.when(verb)
    verb.add_argument("--model", default="", metavar="NAME", help="the forecast's model (default: auto)")
    shared.owner(verb)
    shared.where(verb)
    verb.add_argument(
        "-p",
        "--parameter",
        action="append",
        default=[],
        type=values.pair,
        metavar="KEY=VALUE",
        help="a parameter that the notebook declares; more than once: several",
    )
    verb.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="where to (default: NAME.html in the output folder)"
    )


def _epilog() -> str:
    """Return the notebooks that there are, each with the parameters that it declares."""
    return "\n\n".join(_outline(name, *told) for name, told in notebooks.outlines().items())


def _outline(name: str, description: str, parameters: list[dict[str, Any]]) -> str:
    lines = [f"{name}: {description}"]
    for each in parameters:
        default = each["default"] if each["default"] != "" else "none"
        lines += textwrap.wrap(
            f"{each['name']} ({each['type']}, default {default}): {each.get('help', '')}",
            78, initial_indent="  -p ", subsequent_indent="     ", break_on_hyphens=False,
        )  # fmt: skip
    return "\n".join(lines)


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    config = shared.configuration(given)
    catalog = shared.load_catalog(given, config)  # what is wrong with it is told now, not by a run that failed
    shared.warn_of_counters(given, catalog)
    out = given.output or config.out / f"{given.name}.html"
    return rendered(given.name, parameters(given, config), out, as_json=given.json)
