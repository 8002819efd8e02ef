"""The plan: every resource of a catalogue from what was pulled to one table by urgency, and one sentence."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity import finding, ranking, tables
from capacity.catalog import Catalog, Resource
from capacity.drivers import UnitCost, unit_cost
from capacity.errors import CapacityError, CatalogError, FrameError, HistoryTooShort, ParameterError, did_you_mean
from capacity.events import known
from capacity.forecast import Forecast, forecast
from capacity.frames import Pull, Skipped, duration, series_labels, series_name
from capacity.growth import Growth, growth
from capacity.limits import LimitLike
from capacity.naming import Names
from capacity.orders import with_orders
from capacity.outlook import SIZED, Outlook, outlook
from capacity.pooling import Pool, domains, pooled
from capacity.provenance import Provenance

__all__ = ["Plan", "plan"]

Progress = Callable[[int, int, str], object]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """Everything that a report shows.

    Attributes
    ----------
    table : DataFrame, a row a series over all resources, the most urgent first
        ``resource``, ``title``, ``series``, ``labels``, ``owner``; the columns of the outlook's table; ``lead_time``,
        ``unit`` (base), ``limit_kind`` (hard: a physical ceiling; soft: an agreed one below it), ``accepted`` (until
        when, by whom and why a risk is put up with; else empty). What has no answer is a row too: "cannot judge", with
        the reason.
    forecasts, outlooks, growths : mapping of resource to result
        A resource without any series that can be forecast stands in neither.
    unit_costs : mapping of resource to UnitCost
        Of those whose driver the catalogue names: what a unit of it costs, and how that drifts.
    skipped : tuple of Skipped
        All that has no answer, each with its ``resource``.
    finding : str
        The one sentence.
    calibration : mapping
        How good the forecasts were on their own folds: ``coverage80``, ``folds``, ``mase``, ``naive_mase``, ``skill``
        (1 − their ratio), ``series``.
    """

    catalog: Catalog = field(repr=False)
    as_of: pd.Timestamp
    horizon: pd.Timedelta
    table: pd.DataFrame
    forecasts: Mapping[str, Forecast]
    outlooks: Mapping[str, Outlook]
    growths: Mapping[str, Growth]
    skipped: tuple[Skipped, ...]
    finding: str
    calibration: Mapping[str, float]
    provenance: Provenance
    unit_costs: Mapping[str, UnitCost] = field(default_factory=dict)

    @cached_property
    def sizes(self) -> pd.DataFrame:
        """What to add for the `SIZED` most urgent series at risk, and each decision in one sentence.

        Indexed as the table: ``add``, ``units``, ``add_share``, ``least_regret`` (see `Outlook.size`), ``explained``.
        For any other series ask its outlook.
        """
        return ranking.sized(self.table, self.outlooks, most=SIZED)

    def __repr__(self) -> str:
        """Return a line: the counts of verdicts, and the finding."""
        return f"{tables.counted('Plan', self.table['verdict'])}: {self.finding}"

    def _repr_html_(self) -> str:
        return tables.plan_html(self)


def plan(
    pulled: Pull,
    catalog: Catalog,
    *,
    horizon: str | pd.Timedelta = "90d",
    model: str = "auto",
    seed: int = 0,
    progress: Progress | None = None,
) -> Plan:
    """Return the plan for every resource that was pulled.

    Parameters
    ----------
    pulled : Pull
        Demand and limits by resource, in base units (``source.pull(catalog)``).
    catalog : Catalog
        What each resource's limit, reserve, buffer, lead time, risk and owner are.
    horizon : duration
        How far ahead.
    model, seed
        As in `capacity.forecast`.
    progress : callable, optional
        Called as ``progress(done, total, what)``.

    Returns
    -------
    Plan
        A resource that cannot be forecast does not stop the others: it is skipped, with the reason.

    Raises
    ------
    ParameterError
        An argument cannot be used, or the pull holds a resource that the catalogue does not know.
    """
    ahead = duration(horizon, name="horizon")
    work = _Work(catalog, pulled, ahead, model, seed, progress)
    for name in pulled.demand:
        work.add(_known(catalog, name))
    skipped = (*(_of_pull(entry, catalog) for entry in pulled.skipped), *work.skipped)
    table = ranking.ranked([*work.rows, *ranking.rows_of_skipped(skipped, work.rows, catalog=catalog)])
    return Plan(
        catalog=catalog,
        as_of=pulled.as_of,
        horizon=ahead,
        table=table,
        forecasts=work.forecasts,
        outlooks=work.outlooks,
        growths=work.growths,
        skipped=skipped,
        finding=finding.sentence(table, catalog=catalog, horizon=ahead),
        calibration=_calibration(work.forecasts),
        provenance=pulled.provenance,
        unit_costs=work.unit_costs,
    )


class _Work:
    """What is gathered while the resources are gone through, one after the other."""

    def __init__(
        self, catalog: Catalog, pulled: Pull, horizon: pd.Timedelta, model: str, seed: int, progress: Progress | None
    ) -> None:
        self.catalog, self.pulled, self.horizon, self.model, self.seed = catalog, pulled, horizon, model, seed
        self.progress = progress
        self.forecasts: dict[str, Forecast] = {}
        self.outlooks: dict[str, Outlook] = {}
        self.growths: dict[str, Growth] = {}
        self.unit_costs: dict[str, UnitCost] = {}
        self.skipped: list[Skipped] = []
        self.rows: list[dict[str, Any]] = []

    def add(self, resource: Resource) -> None:
        name, demand = resource.name, self.pulled.demand[resource.name]
        names = _names(demand)
        try:
            units = _units(resource, self.pulled)
            demand, names = units.demand, _names(units.demand)
            self._grow(resource, demand)
            made = self._forecast(resource, demand)
            found = self._outlook(resource, made, units)
            rows = ranking.rows(resource, found, as_of=self.pulled.as_of, names=names)
        except ParameterError:
            raise
        except CapacityError as error:
            self.skipped.extend(_all_of(demand, resource, error, names))
            return
        except Exception as error:  # A defect in what one resource needs must not cost the answer on all the others.
            _LOG.warning("%s: no outlook, because of an error that was not expected", name, exc_info=True)
            self.skipped.extend(_all_of(demand, resource, error, names))
            return
        self.forecasts[name], self.outlooks[name] = made, found
        self.skipped.extend(
            replace(entry, series=names.of(entry.labels) if entry.labels else entry.series, resource=name)
            for entry in found.skipped
        )
        self.rows.extend(rows)

    def _grow(self, resource: Resource, demand: pd.DataFrame) -> None:
        """Keep the growth where there is one, and what it costs: without it the outlook stands all the same."""
        with suppress(HistoryTooShort, FrameError):
            grown = growth(demand, as_of=self.pulled.as_of)
            self.growths[resource.name] = replace(grown, units=dict.fromkeys(grown.units, resource.base))
            if (driver := self.pulled.drivers.get(resource.name)) is not None:
                self.unit_costs[resource.name] = unit_cost(demand, driver, as_of=self.pulled.as_of)

    def _forecast(self, resource: Resource, demand: pd.DataFrame) -> Forecast:
        return forecast(
            demand,
            horizon=self.horizon,
            as_of=self.pulled.as_of,
            model=self.model,
            bounds=_bounds(resource),
            events=self._known(resource),
            seed=self.seed,
            kind=resource.kind,
            progress=self._told(resource),
        )

    def _known(self, resource: Resource) -> Catalog:
        """Return the catalogue with the events that touch this resource: those that name it, or none."""
        own = (event for event in self.catalog.events if not event.resources or resource.name in event.resources)
        return replace(self.catalog, events=tuple(own))

    def _outlook(self, resource: Resource, made: Forecast, units: Pool) -> Outlook:
        orders = [one.event for one in known(self._known(resource)) if one.action == "limit"]
        regions = {labels.get("region", "") for labels in series_labels(made.columns)}
        return outlook(
            made,
            limit=with_orders(units.limit, orders, columns=made.columns, cutoff=made.cutoff),
            direction=resource.direction,
            sustained=resource.sustained,
            aggregate=resource.aggregate,
            reserve=resource.reserve,
            buffer=resource.buffer,
            lead_time=resource.lead,
            risk=resource.risk,
            domains=_domains(resource, units, made),
            unit_size=resource.unit_size,
            cost=resource.cost,
            bounds=_bounds(resource),
            as_of=self.pulled.as_of,
            timezones={region: self.catalog.timezone_of({"region": region}) for region in regions},
            progress=self._told(resource),
        )

    def _told(self, resource: Resource) -> Progress | None:
        tell = self.progress
        return None if tell is None else lambda done, total, what: tell(done, total, f"{resource.name}: {what}")


def _known(catalog: Catalog, name: str) -> Resource:
    if name not in catalog.resources:
        raise ParameterError(
            f"the pull holds {name!r}, and the catalogue {catalog.name!r} has no such resource."
            f"{did_you_mean(name, catalog.resources)}",
            hint=f"It has: {', '.join(catalog.resources)}.",
        )
    return catalog.resources[name]


def _names(demand: pd.DataFrame) -> Names:
    return Names(series_labels(demand) if isinstance(demand.columns, pd.MultiIndex) else [])


def _units(resource: Resource, pulled: Pull) -> Pool:
    """Return demand and limit of what is bought: each series for itself, or put together."""
    demand, limit = pulled.demand[resource.name], _limit(resource, pulled)
    if resource.per is None:
        return Pool(demand, limit, ())
    demand = demand.loc[: pulled.as_of]
    return pooled(demand, limit, per=resource.per, across=resource.across, direction=resource.direction)


def _bounds(resource: Resource) -> tuple[float | None, float | None] | None:
    """Return the physical bounds of what is planned: a sum may be above what each of its members may be."""
    lower, upper = resource.bounds
    if resource.per is not None and resource.across == "sum":
        lower, upper = (0.0 if lower == 0 else None), None
    return None if (lower, upper) == (None, None) else (lower, upper)


def _domains(resource: Resource, units: Pool, made: Forecast) -> npt.NDArray[np.intp] | None:
    """Count the failure domains of units by their members, in the forecast's order; None: there is nothing to count."""
    reserve = resource.reserve
    if reserve is None or reserve.n is not None or reserve.per is None:
        return None
    labels = series_labels(units.demand)
    counted = domains(labels, reserve.per, members=units.members or None)
    found = {frozenset(each.items()): count for each, count in zip(labels, counted, strict=True)}
    return np.array([found[frozenset(each.items())] for each in series_labels(made.columns)], dtype=np.intp)


def _limit(resource: Resource, pulled: Pull) -> LimitLike:
    """Return the limit that was pulled, else the catalogue's; a query's answer counts up to ``as_of`` only."""
    found: LimitLike = pulled.limits.get(resource.name)
    if isinstance(found, pd.DataFrame) and resource.limit_query is not None:
        return found.loc[: pulled.as_of]
    if found is not None:
        return found
    return resource.limit if resource.limit is not None else (resource.limit_schedule or None)


def _all_of(demand: pd.DataFrame, resource: Resource, error: Exception, names: Names) -> list[Skipped]:
    known_reasons = {HistoryTooShort: "too short", FrameError: "too short", CatalogError: "label missing"}
    reason = next((word for kind, word in known_reasons.items() if isinstance(error, kind)), "model failed")
    detail = error.message if isinstance(error, CapacityError) else f"{type(error).__name__}: {error}"
    labels = series_labels(demand) if isinstance(demand.columns, pd.MultiIndex) else [{} for _ in demand.columns]
    return [Skipped(names.of(each), reason, detail, labels=each, resource=resource.name) for each in labels]


def _of_pull(entry: Skipped, catalog: Catalog) -> Skipped:
    """Name the resource of what the pull skipped: a whole resource is named by ``series`` alone."""
    if entry.resource or entry.series not in catalog.resources:
        return entry
    return replace(entry, series=series_name(entry.labels), resource=entry.series)


def _calibration(forecasts: Mapping[str, Forecast]) -> dict[str, float]:
    """Return how good the forecasts were on their own folds; a series counts as often as it has folds."""
    scores = [made.scores[["mase", "naive_mase", "coverage80", "folds"]] for made in forecasts.values()]
    rows = (
        pd.concat([each.reset_index(drop=True) for each in scores])
        if scores
        else pd.DataFrame(columns=["mase", "naive_mase", "coverage80", "folds"], dtype=float)
    )
    rows = rows[(rows["folds"] > 0) & np.isfinite(rows["mase"]) & np.isfinite(rows["naive_mase"])]
    folds = rows["folds"].to_numpy(dtype=float)
    if not len(rows):
        return {"coverage80": np.nan, "folds": 0, "series": 0, "mase": np.nan, "naive_mase": np.nan, "skill": np.nan}
    mean = {name: float(np.average(rows[name], weights=folds)) for name in ("coverage80", "mase", "naive_mase")}
    skill = 1 - mean["mase"] / mean["naive_mase"] if mean["naive_mase"] > 0 else np.nan
    return {**mean, "folds": int(folds.sum()), "series": len(rows), "skill": skill}
