"""What a scheduled notebook is given: the parameters that it declares, and credentials by the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from capacity.errors import ParameterError
from reports import notebooks
from reports.config import Config, SourceConfig
from reports.ledger.store import FILE, STATE
from reports.settings import Schedule
from reports.start import without_secrets

__all__ = ["VARIABLES", "credentials", "hidden", "parameters"]

VARIABLES = {"token": "CAPACITY_TOKEN", "user": "CAPACITY_USER", "password": "CAPACITY_PASSWORD"}
"""What a credential is called in the environment of whoever connects."""

ARCHIVES = ("demo:", "snapshot:")
"""Sources whose clock stands still: they know nothing of the instant at which a report is due."""


def parameters(schedule: Schedule, as_of: pd.Timestamp, config: Config) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a notebook's parameters for an instant, and the variables that its process is to have.

    ``ledger`` is the one that the reports are noted in; ``source`` and ``catalog`` are the configuration's where the
    schedule says nothing; what the notebook does not declare is not given. An archive is asked as of its own end where
    that lies before ``as_of``.

    Raises
    ------
    ParameterError
        The schedule gives what the notebook does not declare, or it names several sources.
    """
    notebook = notebooks.read(notebooks.find(schedule.notebook))
    declared = {each["name"] for each in notebook.metadata.get("capacity", {}).get("parameters", [])}
    values: dict[str, Any] = dict(schedule.parameters)
    environment: dict[str, str] = {}
    if "source" in declared:
        chosen = config.source_configs([str(values["source"])] if "source" in values else [])
        if len(chosen) != 1:
            raise ParameterError(f"the schedule {schedule.name!r} takes one source.", hint="Name it in parameters.")
        values["source"], environment = credentials(chosen[0])
        as_of = _known(values["source"], as_of)
    if "ledger" in declared:
        values.setdefault("ledger", str(config.out / STATE / FILE))
    if "catalog" in declared:
        values.setdefault("catalog", config.catalog)
    if "as_of" in declared:
        values["as_of"] = as_of.isoformat()
    return values, environment


def credentials(source: SourceConfig) -> tuple[str, dict[str, str]]:
    """Return a source's URL without secrets, and the variables that hold them."""
    url, inside = without_secrets(source.url)
    return url, {VARIABLES[what]: value for what, value in {**inside, **source.credentials()}.items()}


def _known(source: str, as_of: pd.Timestamp) -> pd.Timestamp:
    """Return ``as_of``, or the end of an archive that ends before it."""
    if not source.startswith(ARCHIVES):
        return as_of
    from connectors import connect

    with connect(source) as archive:
        return min(as_of, archive.now())


def hidden(config: Config, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that hold secrets, with their values: those that the configuration names, and our own."""
    named = {"CAPACITY_TOKEN", "CAPACITY_PASSWORD", "CAPACITY_HEADERS"}
    for source in config.sources.values():
        named |= {each for each in (source.token_env, source.password_env) if each}
    named |= {delivery.url_env for delivery in config.deliveries.values()}
    return {name: environment[name] for name in sorted(named) if environment.get(name)}
