"""What a source holds, asked for `capacity.lint`: its metrics, its machines, and the queries that return nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import pandas as pd

from capacity.errors import CapacityError, NoData, NotHeld, SourceError, Unsupported
from capacity.frames import HOSTS, Pull
from capacity.lint import Held, metrics_asked
from connectors.listing import Lists
from reports.pairs import find_pairs
from reports.start import held_metrics

if TYPE_CHECKING:
    from capacity.catalog import Catalog
    from connectors import Source

__all__ = ["held"]

DAY, STEP = pd.Timedelta(days=1), pd.Timedelta(hours=1)

Tell = Callable[[int, int, str], object]


def held(
    source: Source,
    catalog: Catalog,
    pulled: Pull,
    *,
    resources: Iterable[str] | None = None,
    progress: Tell | None = None,
) -> Held:
    """Return what a source holds beside what was pulled from it.

    Of an archive, which holds nothing but what was asked for, the platform's metrics are those that the catalogue
    states.
    """
    metrics, types = _metrics(source, catalog)
    asked = metrics_asked(catalog)
    pairs = find_pairs([name for name in metrics or () if name not in asked], types=types)
    return Held(
        metrics=metrics,
        likely=tuple(pair.why for pair in pairs if not {*pair.metrics} & asked),
        hosts=_hosts(source),
        silent=tuple(_silent(source, catalog, pulled, resources, progress)),
    )


def _metrics(source: Source, catalog: Catalog) -> tuple[tuple[str, ...] | None, dict[str, str]]:
    try:
        listed, types = held_metrics(source)
    except SourceError:
        listed, types = (), {}
    if not isinstance(source, Lists):
        return listed or None, types
    stated = {name: str(each.type) for name, each in catalog.metrics.items()}
    return tuple(sorted({*listed, *stated})) or None, {**stated, **types}


def _hosts(source: Source) -> dict[str, tuple[str, ...]]:
    found = {}
    for label in HOSTS:
        try:
            values = tuple(source.label_values(label))
        except (Unsupported, NoData):
            continue
        if values:
            found[label] = values
    return found


def _silent(
    source: Source, catalog: Catalog, pulled: Pull, resources: Iterable[str] | None, progress: Tell | None
) -> Iterator[tuple[str, str, str, str]]:
    """Yield every query that returned nothing: what was pulled has told already, drivers and objectives are asked."""
    chosen = None if resources is None else set(resources)
    for each in pulled.skipped:
        if (resource := catalog.resources.get(each.resource)) is not None:
            query = resource.query if each.reason == "no data" else resource.limit_query or ""
            yield each.resource, resource.owner, query, "it has no series in the window"
    asked = [(f"{one.name}, driver", one.owner, one.driver) for one in catalog.resources.values()
             if one.driver and (chosen is None or one.name in chosen)]  # fmt: skip
    if chosen is None:
        asked += [(f"objective {name}", "", one.query) for name, one in catalog.objectives.items()]
    for number, (about, owner, query) in enumerate(asked, start=1):
        if why := _nothing(source, query, pulled.as_of):
            yield about, owner, query, why
        if progress is not None:
            progress(number, len(asked), "queries")


def _nothing(source: Source, query: str, as_of: pd.Timestamp) -> str:
    """Say why a query returns nothing; an archive that does not hold it says nothing about the platform."""
    try:
        frame = source.range(query, start=as_of - DAY, end=as_of, step=STEP)
    except (NotHeld, Unsupported):
        return ""
    except NoData:
        return "it has no series in the last day"
    except SourceError as error:
        return error.message
    except CapacityError as error:
        return str(error)
    return "" if frame.notna().any(axis=None) else "its series have no samples in the last day"
