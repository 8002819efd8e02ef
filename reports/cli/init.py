"""Draft a catalogue from what a server holds, and a capacity.toml beside it that points to both."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from reports.cli import options as shared
from reports.cli.output import note, print_json

if TYPE_CHECKING:
    from reports.config import SourceConfig

HELP = "draft a catalogue from what a server holds"


def options(verb: argparse.ArgumentParser) -> None:
    """Add this verb's options."""
    shared.source(verb, catalog=False, required=True)
    verb.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("catalog.toml"),
        metavar="FILE",
        help="the catalogue (default: catalog.toml)",
    )
    title = "what its reports are headed by (default: by the server's host, else by what is found)"
    verb.add_argument("--title", default="", metavar="TEXT", help=title)
    verb.add_argument("--force", action="store_true", help="overwrite files that are there")


def run(given: argparse.Namespace) -> int:
    """Run the verb."""
    from reports.draft import draft
    from reports.start import held_metrics, refuse_to_overwrite, title_of, without_secrets, write_start

    config = shared.configuration(given)
    chosen = config.source_configs(given.source)
    urls = {_name(each, number): without_secrets(each.url)[0] for number, each in enumerate(chosen, start=1)}
    refuse_to_overwrite(given.output, force=given.force)
    with shared.open_source(given, config) as source:
        names, types = held_metrics(source)
    title = given.title or title_of(urls.values())
    drafted = draft(names, types=types, name=given.output.stem, title=title)
    written = write_start(drafted, given.output, urls, force=given.force)
    found = {"metrics": len(names), "resources": drafted.resources, "from": drafted.catalogs, "guessed": drafted.pairs}
    found["unused"] = drafted.unused
    if given.json:
        print_json({"written": [str(each) for each in written], **found})
        return 0
    note(f"{len(names)} metrics; resources: {', '.join(drafted.resources)}")
    if drafted.pairs:
        note(f"guessed from names, confirm them: {', '.join(drafted.pairs)}")
    if drafted.unused:
        note(f"not used: {len(drafted.unused)} metrics, named at the end of {given.output}")
    for each in written:
        print(each)
    return 0


def _name(source: SourceConfig, number: int) -> str:
    """Return what the configuration calls a source: its own name, where it has one."""
    return source.name if source.name != source.url else "main" if number == 1 else f"main_{number}"
