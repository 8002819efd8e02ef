"""One row a series, from a plan or a single outlook: what cover, ladder, tables and summary all read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from capacity.frames import series_labels
from capacity.naming import series_names
from capacity.tables import more
from capacity.verdicts import VERDICTS
from reports.words import known

if TYPE_CHECKING:
    from capacity.outlook import Outlook
    from capacity.plan import Plan

__all__ = ["Row", "counts", "leading", "rows"]

DAY = pd.Timedelta(days=1)
FAR = pd.Timestamp("2262-01-01", tz="UTC")
End = tuple[float, pd.Timestamp, float]
NOWHERE: End = (math.nan, pd.NaT, math.nan)  # type: ignore[assignment]


@dataclass(frozen=True, eq=False)
class Row:
    """What is known of one series: its verdict with the dates and figures behind it, and where it can be drawn from.

    ``chance`` is the probability of a breach by ``until``: the end of the horizon, or of what the history carries.
    ``labels`` are the series' own.
    ``outlook`` and ``position`` say where it can be drawn from; a series without a forecast has none.
    ``scales_by`` is how more of the resource is had; ``add`` says how much more (empty: it was not asked for, or none),
    ``add_amount`` in the base unit; ``explained`` is the decision in one sentence, of those at risk.
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
    scales_by: str
    labels: Mapping[str, str]
    add: str
    add_amount: float
    explained: str
    outlook: Outlook | None
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
    def source(self) -> Outlook:
        """The outlook that it was read from; only a series with a forecast has one."""
        if self.outlook is None:
            raise ValueError(f"{self.name} has no forecast: {self.reason}")
        return self.outlook

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
    """Return a row a series, the most urgent first; of a plan also those that cannot be judged at all.

    Of a single outlook none says how much to add: that takes drawing its paths, and charts, which ask this, do not
    show it.
    """
    outlooks = getattr(result, "outlooks", None)
    if outlooks is None:
        return tuple(sorted(_of_outlook(result), key=lambda row: row.urgency))  # type: ignore[arg-type]
    return tuple(_of_plan(result))  # type: ignore[arg-type]


def _of_plan(plan: Plan) -> Iterable[Row]:
    """Return the plan's table in its own order, each row with the outlook that it was read from."""
    ends = {name: _ends(outlook) for name, outlook in plan.outlooks.items()}
    places = {
        (name, frozenset(labels.items())): (outlook, position, ends[name][position])
        for name, outlook in plan.outlooks.items()
        for position, labels in enumerate(series_labels(outlook.forecast.columns))
    }
    for record in plan.table.join(plan.sizes).to_dict("records"):
        key = record["resource"], frozenset((record["labels"] or {}).items())
        outlook, position, end = places.get(key, (None, -1, NOWHERE))
        resource = plan.catalog.resources.get(str(record["resource"]))
        yield _row(
            {**{str(key): value for key, value in record.items()}, "scales_by": resource.scales_by if resource else ""},
            outlook,
            position,
            end,
            plan.catalog.timezone_of(record["labels"] or {}),
        )


def _of_outlook(outlook: Outlook) -> Iterable[Row]:
    columns = outlook.forecast.columns
    names = series_names(series_labels(columns))
    records, ends = outlook.table.to_dict("records"), _ends(outlook)
    for position, (labels, record) in enumerate(zip(series_labels(columns), records, strict=True)):
        metric = str(columns[position][0])
        head = {
            "resource": metric,
            "title": metric if not labels else "",
            "series": names[position],
            "labels": labels,
            "unit": outlook.forecast.units.get(metric, ""),
            "lead_time": outlook.lead_time,
        }
        yield _row(
            {**head, **{str(key): value for key, value in record.items()}}, outlook, position, ends[position], "UTC"
        )


def _row(record: Mapping[str, Any], outlook: Outlook | None, position: int, end: End, zone: str) -> Row:
    texts = ("title", "owner", "unit", "reason", "model", "accepted", "scales_by", "explained")
    words = {name: str(record[name]) if isinstance(record.get(name), str) else "" for name in texts}
    figures = {name: _number(record[name]) for name in ("now", "limit", "usable", "utilisation", "score", "coverage")}
    chance, until, busy = end
    return Row(
        resource=str(record["resource"]),
        series=str(record["series"]),
        zone=zone,
        verdict=str(record["verdict"]),
        chance=1.0 if record["verdict"] == "past" else chance,
        until=until,
        p10=record["breach_p10"],
        p50=record["breach_p50"],
        p90=record["breach_p90"],
        order_by=record["order_by"],
        busy=busy,
        lead_time=record["lead_time"],
        labels=record.get("labels") or {},
        add=more(record, words["unit"], limit=figures["limit"]) if "add" in record else "",
        add_amount=_number(record.get("add")),
        outlook=outlook,
        position=position,
        **words,  # type: ignore[arg-type]
        **figures,  # type: ignore[arg-type]
    )


def _ends(outlook: Outlook) -> list[End]:
    """Return of each series the last chance that the history carries, its instant, and the last day's worst value."""
    curve, index = outlook.curve.to_numpy(), outlook.curve.index
    known = np.isfinite(curve).sum(axis=0)
    chance = np.where(known > 0, curve[known - 1, np.arange(curve.shape[1])], np.nan)
    until: list[Any] = [index[count - 1] if count else pd.NaT for count in known]
    recent = outlook.forecast.history.loc[outlook.forecast.cutoff - DAY :].iloc[1:]
    worst = recent.max() if outlook.direction == "above" else recent.min()
    busy = worst.fillna(outlook.table["now"]).to_numpy(dtype=float)
    return [(float(share), when, float(most)) for share, when, most in zip(chance, until, busy, strict=True)]


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
