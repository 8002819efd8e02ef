"""One row a series, from a plan or a single outlook: what the cover, the ladder, the tables and the summary all read."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from capacity.frames import series_labels, series_name
from capacity.verdicts import VERDICTS
from reports.words import known

if TYPE_CHECKING:
    from capacity.outlook import Outlook
    from capacity.plan import Plan

__all__ = ["Row", "counts", "find", "leading", "rows"]

DAY = pd.Timedelta(days=1)
FAR = pd.Timestamp("2262-01-01", tz="UTC")


@dataclass(frozen=True)
class Row:
    """What is known of one series: its verdict with the dates and figures behind it, and where it can be drawn from.

    ``chance`` is the probability of a breach by ``until``: the end of the horizon, or of what the history carries.
    ``busy`` is the last day's worst value: a cutoff at midnight says little about a series that peaks at noon.
    """

    resource: str
    title: str
    series: str
    owner: str
    unit: str
    zone: str
    verdict: str
    reason: str
    chance: float
    until: pd.Timestamp
    p10: pd.Timestamp
    p50: pd.Timestamp
    p90: pd.Timestamp
    order_by: pd.Timestamp
    now: float
    limit: float
    usable: float
    utilisation: float
    busy: float
    lead_time: pd.Timedelta
    model: str
    score: float
    coverage: float
    accepted: str
    outlook: Outlook
    position: int

    @property
    def sign(self) -> str:
        """The verdict's sign, for those who do not see colours."""
        return VERDICTS[self.verdict].sign

    @property
    def rank(self) -> int:
        """The verdict's place, worst first."""
        return VERDICTS[self.verdict].rank

    @property
    def name(self) -> str:
        """Resource and series in one: ``"Disk · eu-west/node-3"``."""
        return f"{self.title} · {self.series}" if self.title else self.series

    @property
    def busy_share(self) -> float:
        """The last day's worst value as a share of the limit; NaN without a limit."""
        return self.busy / self.limit if self.limit else math.nan

    @property
    def urgency(self) -> tuple[int, int, float, float, str]:
        """What sorts rows: the verdict, then the earliest likely date, then the chance, then how full it is."""
        when = self.p50 if known(self.p50) else self.p10 if known(self.p10) else FAR
        chance = 0.0 if math.isnan(self.chance) else self.chance
        full = 0.0 if math.isnan(self.utilisation) else self.utilisation
        return (self.rank, int(when.value), -chance, -full, self.name)


def rows(result: Plan | Outlook) -> tuple[Row, ...]:
    """Return every judged series of a plan or an outlook, the most urgent first."""
    outlooks = getattr(result, "outlooks", None)
    if outlooks is None:
        found: Iterable[Row] = _of_outlook(result, resource="", stated={})
    else:
        found = (
            row
            for name, one in outlooks.items()
            for row in _of_outlook(one, resource=name, stated=_stated(result, name))
        )
    return tuple(sorted(found, key=lambda row: row.urgency))


def _stated(plan: Plan, name: str) -> dict[str, Any]:
    """What the catalogue says of a resource and an outlook does not know."""
    resource = plan.catalog.resources.get(name)
    if resource is None:
        return {"title": name}
    return {
        "title": resource.title,
        "owner": resource.owner,
        "resource": resource,
        "zone_of": plan.catalog.timezone_of,
        "as_of": plan.as_of,
    }


def _of_outlook(outlook: Outlook, *, resource: str, stated: dict[str, Any]) -> Iterable[Row]:
    labels = series_labels(outlook.forecast.columns)
    zone_of, catalogued = stated.get("zone_of"), stated.get("resource")
    for position, (key, record) in enumerate(zip(outlook.table.index, outlook.table.to_dict("records"), strict=True)):
        own = labels[position]
        curve = outlook.curve.iloc[:, position].dropna()
        accepted = catalogued.accepted_for(own, as_of=stated["as_of"]) if catalogued is not None else None
        yield Row(
            resource=resource or str(key[0]),
            title=stated.get("title", "" if len(own) else str(key[0])),
            series=series_name(own),
            owner=stated.get("owner", ""),
            unit=outlook.forecast.units.get(str(key[0]), ""),
            zone=zone_of(own) if zone_of is not None else "UTC",
            verdict=str(record["verdict"]),
            reason=str(record.get("reason") or ""),
            chance=1.0 if record["verdict"] == "past" else float(curve.iloc[-1]) if len(curve) else math.nan,
            until=pd.Timestamp(curve.index[-1]) if len(curve) else pd.NaT,
            p10=record["breach_p10"],
            p50=record["breach_p50"],
            p90=record["breach_p90"],
            order_by=record["order_by"],
            now=_number(record["now"]),
            limit=_number(record["limit"]),
            usable=_number(record["usable"]),
            utilisation=_number(record["utilisation"]),
            busy=_busy(outlook, position),
            lead_time=outlook.lead_time,
            model=str(record.get("model") or ""),
            score=_number(record.get("score")),
            coverage=_number(record.get("coverage")),
            accepted=""
            if accepted is None
            else f"accepted by {accepted.by} until {accepted.until:%Y-%m-%d}: {accepted.reason}",
            outlook=outlook,
            position=position,
        )


def _busy(outlook: Outlook, position: int) -> float:
    last = outlook.forecast.history.iloc[:, position].loc[outlook.forecast.cutoff - DAY :].iloc[1:].dropna()
    if not len(last):
        return _number(outlook.table["now"].iloc[position])
    return float(last.max() if outlook.direction == "above" else last.min())


def _number(value: Any) -> float:
    return float(value) if value is not None and not pd.isna(value) else math.nan


def counts(found: Iterable[Row]) -> dict[str, int]:
    """Return how many series have each verdict, worst first, verdicts without a series left out."""
    seen = [row.verdict for row in found]
    order = sorted(VERDICTS, key=lambda name: VERDICTS[name].rank)
    return {name: seen.count(name) for name in order if name in seen}


def leading(found: Iterable[Row]) -> tuple[Row, ...]:
    """Return the most urgent series of each resource, in order of urgency."""
    first: dict[str, Row] = {}
    for row in found:
        first.setdefault(row.resource, row)
    return tuple(first.values())


def find(found: Iterable[Row], position: int) -> Row | None:
    """Return the row of the column at ``position`` of a single outlook."""
    return next((row for row in found if row.position == position), None)
