"""The options that verbs share, and what they stand for."""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from typing import TYPE_CHECKING

from reports.cli import values

if TYPE_CHECKING:
    import pandas as pd

    from capacity.catalog import Catalog
    from capacity.frames import Pull
    from connectors import Source
    from reports.cli.output import Progress
    from reports.config import Config

__all__ = [
    "common",
    "configuration",
    "configure_logging",
    "horizon",
    "load_catalog",
    "open_source",
    "owned",
    "owner",
    "pull",
    "resources",
    "source",
    "text",
    "warn_of_counters",
    "when",
    "where",
]

WINDOW, HORIZON = "120d", "90d"
RISK = 0.1


def common(verb: argparse.ArgumentParser) -> None:
    """Add what every verb has."""
    group = verb.add_argument_group("common")
    group.add_argument("--json", action="store_true", help="print JSON on stdout")
    group.add_argument("--config", metavar="FILE", help="the configuration (default: capacity.toml in this folder)")
    group.add_argument("-v", "--verbose", action="store_true", help="show the log, and where an error came from")


def source(verb: argparse.ArgumentParser, *, catalog: bool = True, required: bool = False) -> None:
    """Add where the samples come from, and which catalogue describes them."""
    verb.add_argument(
        "--source",
        action="append",
        default=[],
        required=required,
        metavar="URL",
        help="http://HOST:PORT (VictoriaMetrics), prometheus+http://…, snapshot:FOLDER, demo:, or a name from the "
        "configuration; more than once: several sources at once (default: the configuration's, else demo:)",
    )
    if catalog:
        known = "a TOML file, OpenSLO (YAML), dwcp or node_exporter (default: the configuration's, else dwcp)"
        verb.add_argument("--catalog", metavar="FILE", help=known)


def when(verb: argparse.ArgumentParser, *, horizon: bool = True, window: str = WINDOW) -> None:
    """Add the dates of a plan."""
    verb.add_argument("--as-of", type=values.instant, metavar="TIME", help="the date that the plan pretends is today")
    verb.add_argument(
        "--window", type=values.duration, metavar="DURATION", help=f"how much history to pull (default: {window})"
    )
    if horizon:
        verb.add_argument(
            "--horizon", type=values.duration, metavar="DURATION", help=f"how far to look (default: {HORIZON})"
        )


def horizon(given: argparse.Namespace) -> pd.Timedelta:
    """Return how far to look."""
    from capacity.frames import duration

    return duration(given.horizon or HORIZON, name="horizon")


def text(value: pd.Timedelta | None) -> str:
    """Return a duration as a notebook's parameter; what was not given is left to the notebook."""
    from capacity.frames import duration_text

    return "" if value is None else duration_text(value)


def resources(verb: argparse.ArgumentParser) -> None:
    """Add the choice of resources."""
    only = "only these, separated by commas"
    verb.add_argument("--resources", type=values.names, default=(), metavar="NAMES", help=only)


def owner(verb: argparse.ArgumentParser) -> None:
    """Add the filter by owner."""
    verb.add_argument("--owner", metavar="NAME", help="only the resources of this owner")


def where(verb: argparse.ArgumentParser) -> None:
    """Add the filter by label."""
    verb.add_argument(
        "--where",
        action="append",
        default=[],
        type=values.pair,
        metavar="LABEL=VALUE",
        help="only series with this label, as in region=eu-west; more than once: all of them",
    )


def model(verb: argparse.ArgumentParser) -> None:
    """Add ``--model`` and ``--seed``."""
    verb.add_argument("--model", default="auto", metavar="NAME", help="the forecasts' model (default: auto)")
    verb.add_argument("--seed", type=int, default=0, metavar="N", help="the seed of all that is drawn (default: 0)")


def fail_within(verb: argparse.ArgumentParser, told: str) -> None:
    """Add ``--fail-within``, of which ``told`` says when the exit code is 3, and ``--risk``."""
    verb.add_argument("--fail-within", type=values.duration, metavar="DURATION", help=told)
    risk = f"the probability that --fail-within still puts up with (default: {RISK})"
    verb.add_argument("--risk", type=values.share, default=RISK, metavar="P", help=risk)


def configuration(given: argparse.Namespace) -> Config:
    """Return the configuration that the command line points to, or the one in this folder."""
    from reports.config import find_config

    return find_config(given.config)


def open_source(given: argparse.Namespace, config: Config) -> Source:
    """Return the source that the command line asks for, else the configuration's."""
    return config.connect(given.source)


def load_catalog(given: argparse.Namespace, config: Config) -> Catalog:
    """Return the catalogue that the command line asks for, else the configuration's."""
    from capacity.catalog_load import load_catalog as load

    return load(given.catalog or config.catalog)


def pull(given: argparse.Namespace, source: Source, catalog: Catalog, progress: Progress) -> Pull:
    """Pull the resources that were asked for: by name, and by owner."""
    from reports.judged import check_as_of

    check_as_of(given.as_of, source)
    return source.pull(
        catalog,
        owned(given, catalog),
        given.as_of,
        given.window or WINDOW,
        into=getattr(given, "into", None),
        progress=progress,
        deadline=getattr(given, "deadline", None),
        refresh=getattr(given, "refresh", False),
    )


def owned(given: argparse.Namespace, catalog: Catalog) -> tuple[str, ...] | None:
    """Return the names of the resources that were asked for, by name and by owner; None: all of them."""
    from reports.judged import owned_by

    return owned_by(catalog, given.owner, given.resources) if given.owner is not None else given.resources or None


def warn_of_counters(given: argparse.Namespace, catalog: Catalog) -> None:
    """Tell on stderr where demand looks like a raw counter, which only ever rises."""
    from reports.cli.output import note
    from reports.counters import counters

    for name, what in counters(catalog, owned(given, catalog)).items():
        note(f"resource {name!r}: {what}")


def configure_logging(*, verbose: bool) -> None:
    """Send the log to stderr: everything that is worth knowing with ``-v``, else what went wrong."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO if verbose else logging.ERROR,
        format="%(levelname)s %(name)s: %(message)s",
        force=True,
    )
    if not verbose:
        warnings.simplefilter("ignore")
