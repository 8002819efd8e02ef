"""From a catalogue to everything that a plan needs: each resource's demand and limit, in base units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from capacity import provenance
from capacity.catalog import Catalog, Resource
from capacity.catalog_load import load_catalog
from capacity.errors import CapacityError, NoData, NotHeld, ParameterError, did_you_mean
from capacity.frames import Pull, Skipped, duration, grid, instant, wide
from capacity.units import to_base, unit
from connectors.base import Duration, Progress, When, Window

if TYPE_CHECKING:
    from connectors.base import Source

__all__ = ["chosen", "pull"]

Limit = pd.DataFrame | float


Ask = Callable[..., pd.DataFrame]
"""Asks a query over a window, with ``aggregate``, ``name``, ``resolution``, ``unit``, ``role`` and ``resource``."""


@dataclass(frozen=True)
class Brought:
    """What was found of one resource."""

    demand: pd.DataFrame | None = None
    limit: Limit | None = None
    driver: pd.DataFrame | None = None
    skipped: tuple[Skipped, ...] = ()


def pull(
    source: Source,
    catalog: Catalog | str | Path,
    *,
    resources: str | Iterable[str] | None = None,
    as_of: When | None = None,
    window: Duration = "120d",
    into: str | Path | None = None,
    progress: Progress | None = None,
    refresh: bool = False,
) -> Pull:
    """Bring demand and limit of a catalogue's resources.

    Parameters
    ----------
    source : Source
    catalog : Catalog, name of a built-in one, or path
    resources : names, or one text with commas; optional
        None, or an empty text: all of them.
    as_of : str or Timestamp, optional
        The date that a plan pretends is today: samples up to it are brought. None, or one past it: the last step that
        the source has finished.
    window : str or Timedelta
        How much history, before ``as_of``.
    into : path, optional
        A folder; the answers are kept there as a snapshot, which answers the same pull again. Of what it holds already,
        what was over when it was pulled is not pulled again: see `connectors.cached`. It changes once all is there.
    progress : callable, optional
        ``progress(done, total, what)``, once a resource.
    refresh : bool
        Pull all anew, whatever ``into`` holds: after a backfill.

    Returns
    -------
    Pull
        In base units. A resource without a series is in ``skipped``; a limit's query without one too, as
        "limit missing".

    Raises
    ------
    ParameterError
        A resource that the catalogue does not have, a window or an ``as_of`` that cannot be read.
    NoData
        No resource has any series.
    SourceError
        The server is away, lets nobody in, or rejects a query: nothing is left out silently. The message names the
        resource.
    """
    plan_for = catalog if isinstance(catalog, Catalog) else load_catalog(catalog)
    wanted = chosen(plan_for, resources)
    length = duration(window, name="window")
    finest = min(resource.step for resource in wanted)
    last = source.finished(finest)
    end = last if as_of in (None, "") else min(last, instant(as_of, name="as_of"))
    brought: dict[str, Brought] = {}
    with _kept(source, into, refresh=refresh) as ask:
        for number, resource in enumerate(wanted, start=1):
            brought[resource.name] = _bring(ask, resource, Window(end - length, end, resource.step))
            if progress is not None:
                progress(number, len(wanted), resource.name)
        pulled = Pull(
            {name: one.demand for name, one in brought.items() if one.demand is not None},
            {name: one.limit for name, one in brought.items() if one.limit is not None},
            end,
            length,
            plan_for.name,
            tuple(skip for one in brought.values() for skip in one.skipped),
            drivers={name: one.driver for name, one in brought.items() if one.driver is not None},
        )
        if not pulled.demand:
            raise _nothing(source, pulled)
    return pulled


def chosen(catalog: Catalog, resources: str | Iterable[str] | None) -> list[Resource]:
    """Return the resources that are asked for, in the catalogue's order.

    Raises
    ------
    ParameterError
        One of them is not in the catalogue, or the catalogue has none.
    """
    names = resources.split(",") if isinstance(resources, str) else list(resources or ())
    asked = {name.strip() for name in names if name.strip()}
    for name in sorted(asked - set(catalog.resources)):
        raise ParameterError(
            f"catalogue {catalog.name!r} has no resource {name!r}.{did_you_mean(name, catalog.resources)}",
            hint=f"It has {', '.join(catalog.resources) or 'none'}.",
        )
    if not catalog.resources:
        raise ParameterError(f"catalogue {catalog.name!r} has no resources to plan for.")
    return [resource for name, resource in catalog.resources.items() if not asked or name in asked]


@contextmanager
def _kept(source: Source, folder: str | Path | None, *, refresh: bool) -> Iterator[Ask]:
    """Give what asks the source, or the folder before it, which keeps what was pulled at the end of the block."""
    if folder is None:

        def plainly(query: str, asked: Window, *, name: str, unit: str, **how: Any) -> pd.DataFrame:
            more = {key: how[key] for key in ("aggregate", "resolution")}
            frame = source.range(query, start=asked.start, end=asked.end, step=asked.step, name=name, **more)
            return provenance.attach(frame, name, unit=unit)

        yield plainly
        return
    from connectors.cached import Cached  # pyarrow is imported where it is needed
    from connectors.keeping import SnapshotWriter

    cached = Cached(source, folder, refresh=refresh)
    with SnapshotWriter(folder) as writer:
        yield lambda query, asked, **how: cached.fetch(query, asked, writer, **how)


def _bring(ask: Ask, resource: Resource, asked: Window) -> Brought:
    """Bring one resource; its errors say whose they are."""
    try:
        demand = _answer(ask, resource, asked, role="demand")
    except (NoData, NotHeld) as error:
        return Brought(skipped=(_skip(resource, "no data", error),))
    except CapacityError as error:
        raise _named(error, resource) from None
    try:
        return Brought(demand, _limit(ask, resource, asked), driver=_driver(ask, resource, asked))
    except (NoData, NotHeld) as error:
        return Brought(demand, driver=_driver(ask, resource, asked), skipped=(_skip(resource, "limit missing", error),))
    except CapacityError as error:
        raise _named(error, resource) from None


def _driver(ask: Ask, resource: Resource, asked: Window) -> pd.DataFrame | None:
    """Return the business metric that demand grows with; one that is not there costs nothing but its own answer."""
    try:
        return _answer(ask, resource, asked, role="driver") if resource.driver else None
    except (NoData, NotHeld):
        return None


def _limit(ask: Ask, resource: Resource, asked: Window) -> Limit | None:
    """Return a resource's limit: a number, a frame over time, or None where the catalogue gives none."""
    if resource.limit_query is not None:
        return _answer(ask, resource, asked, role="limit")
    return _scheduled(resource, asked) if resource.limit_schedule else resource.limit


def _answer(ask: Ask, resource: Resource, asked: Window, *, role: str) -> pd.DataFrame:
    """Ask for a resource's demand or limit; kept as it came, returned in its base unit."""
    query, aggregate, unit_name, metric = _question(resource, role)
    how = {"aggregate": aggregate, "name": metric, "resolution": resource.resolution, "unit": unit_name}
    frame = ask(query, asked, role=role, resource=resource.name, **how)
    converted: pd.DataFrame = to_base(frame.copy(deep=False), unit_name)
    converted.attrs = dict(frame.attrs)
    return provenance.attach(converted, metric, unit=unit(unit_name).base)


def _question(resource: Resource, role: str) -> tuple[str, str, str, str]:
    """Return query, aggregate, unit and metric name of a resource's demand or limit.

    A limit is judged at its tightest within a step: the lowest ceiling, the highest floor.
    """
    if role == "demand":
        return resource.demand_query, resource.aggregate, resource.unit, resource.name
    if role == "driver":
        return resource.driver, "mean", "count", f"{resource.name}_driver"
    tightest = "min" if resource.direction == "above" else "max"
    return resource.limit_query or "", tightest, resource.limit_unit or resource.unit, f"{resource.name}_limit"


def _scheduled(resource: Resource, asked: Window) -> pd.DataFrame:
    """Return a schedule of limits over the window and up to its last change, which may be still to come."""
    changes = pd.Series(dict(resource.limit_schedule), dtype=float).sort_index()
    last = max(asked.end, changes.index[-1].ceil(asked.step))
    times = grid(asked.start, last, asked.step)
    metric = f"{resource.name}_limit"
    frame = wide(changes.reindex(times, method="ffill").to_numpy()[:, None], times=times, series=[{}], metric=metric)
    return provenance.attach(frame, metric, query="schedule", source="catalogue", unit=resource.base)


def _skip(resource: Resource, reason: str, error: CapacityError) -> Skipped:
    return Skipped(resource.name, reason, error.message, resource=resource.name)


def _named(error: CapacityError, resource: Resource) -> CapacityError:
    """Return the error with the resource that it is about."""
    error.message = f"resource {resource.name!r}: {error.message}"
    error.args = (error.message,)
    return error


def _nothing(source: Source, pulled: Pull) -> NoData:
    """Return the error of a pull that brought no series at all."""
    start, end = pulled.as_of - pulled.window, pulled.as_of
    missing = ", ".join(skip.resource for skip in pulled.skipped)
    return NoData(
        f"{source.name} has no series for any resource of catalogue {pulled.catalog!r} ({missing}) "
        f"from {start.isoformat()} to {end.isoformat()}.",
        source=source.name,
        hint="Check the catalogue's queries and the window; `capacity doctor` asks each of them.",
    )
