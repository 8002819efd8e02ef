"""What if: one series' outlook with more growth, more capacity, another lead time or another risk.

Nothing is fitted and no future is drawn anew. Demand that is ``f`` times as high meets a limit exactly when what was
forecast meets a limit that is ``f`` times lower: so growth is asked of the limit, and the answer is exact and quick
enough for a slider.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity.errors import ParameterError
from capacity.frames import instant, series_labels, series_name
from capacity.leadtime import LeadTime, LeadTimeLike
from capacity.leadtime import lead_time as read_lead
from capacity.outlook import Outlook, outlook
from capacity.paths import Law

__all__ = ["one_series", "scenario"]

FloatArray = npt.NDArray[np.float64]

YEAR = pd.Timedelta(days=365.25)


@dataclass(frozen=True, kw_only=True)
class _Scaled(Law):
    """A law whose values are multiplied step by step by ``factor``, shape (horizon,), within the bounds."""

    factor: FloatArray

    def quantile(self, level: float) -> FloatArray:
        return self._times(super().quantile(level), self.factor[:, None])

    def blocks(self, paths: int, *, block: int) -> Iterator[tuple[slice, FloatArray]]:
        for columns, values in super().blocks(paths, block=block):
            yield columns, self._times(values, self.factor[None, :, None])

    def reached(
        self, room: Callable[[slice], FloatArray], *, paths: int, above: bool = True, block: int = 256
    ) -> Iterator[tuple[slice, FloatArray]]:
        return super().reached(lambda where: room(where) / self.factor[:, None], paths=paths, above=above, block=block)

    def _times(self, values: FloatArray, factor: FloatArray) -> FloatArray:
        return np.clip(values * factor, self.link.lower, self.link.upper)


def scenario(
    outlook: Outlook,
    series: object = 0,
    *,
    growth: float = 0.0,
    added: float = 0.0,
    added_on: str | pd.Timestamp | None = None,
    lead_time: LeadTimeLike | None = None,
    risk: float | None = None,
    timezones: Mapping[str, str] | None = None,
) -> Outlook:
    """Return the outlook of one series under other assumptions.

    Parameters
    ----------
    outlook : Outlook
    series : column, name or position
        As for `Forecast.explain`.
    growth : float
        A year's growth on top of what is forecast: 0.2 is demand that lies a fifth higher in a year, and in half a
        year by the root of that.
    added : float
        Capacity that is added to the limit, in the limit's base unit; less than nothing takes some away.
    added_on : instant, optional
        When it can be used; by default a lead time after the cutoff.
    lead_time : duration or mapping of quantiles, optional
    risk : float, optional
        As the outlook has them, where not given.
    timezones : mapping of region to IANA name, optional
        Whose calendar the order-by date is read in.

    Returns
    -------
    Outlook
        Of this series alone: its ``forecast`` is the scaled demand, its ``limits`` hold what is added.

    Raises
    ------
    ParameterError
        The series is not there or cannot be judged, or an assumption makes no sense.
    """
    alone = one_series(outlook, series)
    forecast, question = alone.forecast, alone.question
    if not growth > -1 or not np.isfinite(growth):
        raise ParameterError(f"a growth of {growth:g} a year leaves nothing.", hint="0.2 is a fifth more a year.")
    lead = question.lead if lead_time is None else read_lead(lead_time)
    when = instant(added_on, name="added_on") if added_on is not None else forecast.cutoff + lead.median
    given = alone.limit
    sign = 1.0 if question.direction == "above" else -1.0
    limit = given + sign * added * (given.index >= when).astype(float)[:, None]
    factor = (1.0 + growth) ** np.maximum((pd.DatetimeIndex(given.index) - forecast.cutoff) / YEAR, 0.0)
    link = forecast.law.link
    asked = _ask(
        alone,
        limit.div(factor, axis=0),
        lead=lead,
        risk=question.risk if risk is None else risk,
        bounds=(_bound(link.lower[0]), _bound(link.upper[0])),
        timezones=timezones,
    )
    held = {each.name: getattr(forecast.law, each.name) for each in fields(Law)}
    scaled = _Scaled(**held, factor=np.asarray(factor[-len(forecast.index) :], dtype=float))
    return replace(
        asked,
        forecast=replace(forecast, law=scaled),
        limits=replace(alone.limits, values=limit.to_numpy()),
    )


def one_series(outlook: Outlook, series: object) -> Outlook:
    """Return the outlook of one of its series, as it stands.

    Raises
    ------
    ParameterError
        The series is not there, or cannot be judged.
    """
    place = outlook.forecast.place(series)
    row = outlook.table.iloc[place]
    if row["verdict"] == "cannot judge":
        name = series_name(series_labels(outlook.forecast.columns)[place])
        raise ParameterError(f"{name} cannot be judged: {row['reason']}.", hint="Choose a series that has an outlook.")
    where = slice(place, place + 1)
    limits = outlook.limits
    return replace(
        outlook,
        forecast=outlook.forecast.only(where),
        table=outlook.table.iloc[where],
        curve=outlook.curve.iloc[:, where],
        skipped=(),
        limits=replace(
            limits,
            values=limits.of(where),
            owner=np.zeros(1, dtype=np.intp),
            skipped=(),
            summed=False,
            domains=None if limits.domains is None else limits.domains[where],
        ),
    )


def _ask(
    alone: Outlook,
    limit: pd.DataFrame,
    *,
    lead: LeadTime,
    risk: float,
    bounds: tuple[float | None, float | None],
    timezones: Mapping[str, str] | None,
) -> Outlook:
    question = alone.question
    return outlook(
        alone.forecast,
        limit=limit,
        direction=question.direction,
        sustained=question.sustained,
        aggregate=question.aggregate,
        reserve=question.reserve,
        buffer=question.buffer,
        lead_time=lead,
        domains=alone.limits.domains,
        risk=risk,
        paths=question.paths,
        bounds=bounds,
        timezones=timezones,
    )


def _bound(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
