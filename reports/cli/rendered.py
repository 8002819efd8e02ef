"""What `demo` and `report` share: a notebook rendered, its finding told, its path as the last line."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reports.cli import options as shared
from reports.cli.output import Progress, print_json

if TYPE_CHECKING:
    from reports.config import Config, SourceConfig

__all__ = ["parameters", "rendered"]


def rendered(name: str, parameters: Mapping[str, object], out: Path, *, as_json: bool) -> int:
    """Render a notebook and print what it found."""
    from reports import render

    with Progress() as progress:
        report = render(name, dict(parameters), out=out, progress=progress)
    if as_json:
        print_json({"report": name, "path": str(report.path), "seconds": report.seconds, **report.summary})
    else:
        print(report.finding)
        print(report.path)
    return 0


def parameters(given: argparse.Namespace, config: Config) -> dict[str, object]:
    """Return the notebook's parameters as the command line says them; what is not said is left to the notebook.

    Raises
    ------
    ParameterError
        One of them is said twice.
    """
    from capacity.errors import ParameterError
    from reports.judged import labels_text

    said: dict[str, object] = {
        "source": _source(config.source_configs(given.source)),
        "catalog": given.catalog or config.catalog,
        "resources": ",".join(given.resources),
        "as_of": given.as_of.isoformat() if given.as_of is not None else "",
        "window": shared.text(given.window),
        "horizon": shared.text(given.horizon),
        "model": given.model,
        "owner": given.owner or "",
        "where": labels_text(dict(given.where)),
    }
    options = {key for key in said if getattr(given, key)}
    more = dict(given.parameter)
    for key in more:
        if key in options:
            raise ParameterError(f"{key!r} is said twice: by --{key.replace('_', '-')} and by -p.")
    return {**{key: value for key, value in said.items() if value}, **more}


def _source(chosen: tuple[SourceConfig, ...]) -> str:
    """Return the source as the notebook is to be told; its credentials go by the environment, into no file."""
    from capacity.errors import ParameterError
    from reports.schedule.given import credentials

    if len(chosen) != 1:
        raise ParameterError("a report takes one source.", hint="`capacity outlook` takes several.")
    url, environment = credentials(chosen[0])
    os.environ.update(environment)
    return url
