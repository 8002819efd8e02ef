"""From a breach curve to a decision: dates, the last day to order, and a verdict with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity import arrival, passage, precedents, verdicts
from capacity import limits as lim
from capacity.catalog import Cost, Reserve
from capacity.errors import ParameterError
from capacity.forecast import Forecast
from capacity.frames import Skipped, series_labels
from capacity.leadtime import LeadTime

__all__ = ["DATES", "Question", "decide", "order_dates"]

# The dates of a table, and the probability that each of them has behind it.
DATES = {"breach_p10": 0.1, "breach_p50": 0.5, "breach_p90": 0.9}
# What waiting costs is told for an order that is put off by so much.
LATER = pd.Timedelta(days=30)

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Question:
    """What is asked of a forecast: the event, how much may be used, and the decision that hangs on it."""

    direction: lim.Direction
    sustained: pd.Timedelta
    aggregate: str
    reserve: Reserve | None
    buffer: float
    lead: LeadTime
    risk: float
    paths: int
    unit_size: float | None = None
    cost: Cost | None = None

    def __post_init__(self) -> None:
        if self.direction not in ("above", "below"):
            raise ParameterError(f'direction must be "above" or "below", not {self.direction!r}.')
        if not 0 < self.risk < 1:
            raise ParameterError(f"a risk of {self.risk:g} is not between 0 and 1.", hint="For example 0.1.")
        amounts = [self.unit_size, *(() if self.cost is None else (self.cost.short, self.cost.idle))]
        if any(each is not None and not each > 0 for each in amounts):
            raise ParameterError("a unit's size and costs have to be above 0.")
        if self.paths < 1:
            raise ParameterError(f"{self.paths} paths tell nothing.", hint="A thousand tell 10 % to within one.")
        lim.usable(np.ones(1), buffer=self.buffer, direction=self.direction)
        self.aggregated(np.ones((1, 1)))

    def window(self, step: pd.Timedelta) -> int:
        """Return the samples that one window of the event holds."""
        return passage.window_steps(self.sustained, step)

    def usable(self, limits: lim.Limits, series: slice = slice(None), times: slice = slice(None)) -> Array:
        """Return what may be used of the limits of these series at these times, shape (times, series)."""
        return lim.usable(
            limits.of(series, times),
            reserve=self.reserve,
            buffer=self.buffer,
            direction=self.direction,
            domains=None if limits.domains is None else limits.domains[series],
        )

    def taken(self, limits: lim.Limits, row: int) -> tuple[Array, Array, Array, Array]:
        """Return limit, reserve, buffer and what is usable at one row of the times, by series."""
        limit = limits.at(row)
        left = lim.less_reserve(limit, self.reserve, direction=self.direction, domains=limits.domains)
        usable = lim.less_buffer(left, self.buffer, direction=self.direction)
        return limit, np.abs(limit - left), np.abs(left - usable), usable

    def aggregated(self, window: Array) -> Array:
        """Return the event's aggregate over one whole window, shape (window, series) → (series,)."""
        found: Array = passage.rolling(window[None], len(window), self.aggregate)[0, 0]
        return found


def decide(
    forecast: Forecast,
    question: Question,
    *,
    limits: lim.Limits,
    blockers: Sequence[Skipped | None],
    recent: Array,
    past: Flags,
    curve: pd.DataFrame,
    drawn: Array,
    habit: Sequence[precedents.Passed],
    timezones: Mapping[str, str],
) -> pd.DataFrame:
    """Return the outlook's table; see `capacity.outlook.Outlook`.

    Parameters
    ----------
    blockers : sequence of Skipped or None, one a series
        Why there is no distribution; see `capacity.blockers`.
    recent : ndarray, shape (window, series)
        Demand over the window that ends at the cutoff.
    past : ndarray of bool, shape (series,)
        Whether the event is true at the cutoff.
    curve : DataFrame, horizon × series
        P(breach by t).
    drawn : ndarray, shape (series,)
        The share of sample paths alone that ever breach.
    habit : sequence of Passed, one a series
        How often the history was past what may be used at the cutoff.
    """
    now = question.aggregated(recent)
    limit, reserve, buffer, usable = question.taken(limits, -len(curve) - 1)
    table: dict[str, Any] = {"now": now, "limit": limit, "reserve": reserve, "buffer": buffer, "usable": usable}
    table["headroom"] = usable - now if question.direction == "above" else now - usable
    with np.errstate(divide="ignore", invalid="ignore"):
        table["utilisation"] = now / limit
    # The curve never falls, and is NaN past what the history carries: its highest value is that at the carried end.
    table["probability"] = curve.max().to_numpy(dtype=float)
    table["carried"] = _reach(forecast, curve)
    for name, level in DATES.items():
        table[name] = _dates(passage.quantile_step(curve.to_numpy(), level), curve.index, past, forecast.cutoff)
    due = order_dates(curve, question, past=past, cutoff=forecast.cutoff, timezones=timezones)
    table["order_by"] = due.where(~_bursts(table["probability"], drawn, habit, question.risk))
    for name, after in (("risk_ordered_today", None), ("risk_ordered_30d", LATER)):
        table[name] = arrival.chance_before(curve.to_numpy(), question.lead, step=forecast.step, past=past, after=after)
    scores = forecast.scores.reindex(forecast.columns)
    words = _verdicts(
        forecast, question, blockers=blockers, past=past, curve=curve, table=table, habit=habit, timezones=timezones
    )
    table["verdict"] = [word for word, _ in words]
    # Whether each of them may use all of it, or they share it, is for whoever wrote the queries to say.
    notes = [f"; 1 limit for {count} series" if count > 1 else "" for count in limits.shared]
    table["reason"] = [f"{reason}{note}" for (_, reason), note in zip(words, notes, strict=True)]
    table["model"] = forecast.model.to_numpy()
    table["score"] = scores["mase"].to_numpy(dtype=float)
    table["coverage"] = scores["coverage80"].to_numpy(dtype=float)
    return pd.DataFrame(table, index=forecast.columns)


def order_dates(
    curve: pd.DataFrame, question: Question, *, past: Flags, cutoff: pd.Timestamp, timezones: Mapping[str, str]
) -> pd.DatetimeIndex:
    """Return the last day on which deciding keeps P(breach before the order arrives) at or below the risk.

    That is the instant at which this chance comes to exceed the risk, rounded down to a day of the region's calendar;
    it may lie in the past. NaT: the curve stays at or below the risk as far as it is known.
    """
    due = arrival.last_instants(
        curve, question.lead, cutoff=cutoff, step=curve.index[0] - cutoff, past=past, risk=question.risk
    )
    return pd.DatetimeIndex(
        [_day(when, zone) for when, zone in zip(due, _zones(curve, timezones), strict=True)]
    ).as_unit("us")


def _day(when: pd.Timestamp, zone: str) -> pd.Timestamp:
    """Return the calendar day of an instant, as midnight UTC of that date: a date has no zone of its own."""
    if pd.isna(when):
        return pd.NaT
    return when.tz_convert(zone).tz_localize(None).normalize().tz_localize("UTC")


def _zones(curve: pd.DataFrame, timezones: Mapping[str, str]) -> list[str]:
    if not timezones:
        return ["UTC"] * curve.shape[1]
    return [timezones.get(labels.get("region", ""), "UTC") for labels in series_labels(curve)]


def _dates(steps: npt.NDArray[np.intp], index: pd.Index, past: Flags, cutoff: pd.Timestamp) -> pd.DatetimeIndex:
    """Return the instants of these steps: the cutoff where it is past already, NaT where there is none."""
    instants = index.to_numpy(dtype="datetime64[us]")
    found = np.where(steps < 0, np.datetime64("NaT"), instants[np.maximum(steps, 0)])
    return pd.DatetimeIndex(np.where(past, cutoff.to_datetime64(), found), tz="UTC").as_unit("us")


def _reach(forecast: Forecast, curve: pd.DataFrame) -> pd.TimedeltaIndex:
    """Return how far ahead the curve of each series goes: to the horizon, or as far as the history carries."""
    horizon = curve.index[-1] - forecast.cutoff
    return pd.TimedeltaIndex(np.minimum(forecast.carried.to_numpy(), horizon.to_timedelta64())).as_unit("us")


def _verdicts(
    forecast: Forecast,
    question: Question,
    *,
    blockers: Sequence[Skipped | None],
    past: Flags,
    curve: pd.DataFrame,
    table: Mapping[str, Any],
    habit: Sequence[precedents.Passed],
    timezones: Mapping[str, str],
) -> list[tuple[str, str]]:
    by_lead_time = table["risk_ordered_today"]
    horizon = curve.index[-1] - forecast.cutoff
    zones = _zones(curve, timezones)
    midnight = {zone: _day(forecast.cutoff, zone) for zone in set(zones)}
    due, chance = list(table["order_by"]), np.nan_to_num(table["probability"])
    spans, history = list(table["carried"]), forecast.cutoff - forecast.history.index[0] + forecast.step
    return [
        verdicts.judge(
            verdicts.Evidence(
                blocker=blockers[position],
                past=bool(past[position]),
                probability=float(chance[position]),
                by_lead_time=float(by_lead_time[position]),
                order_by=due[position],
                order_due=bool(due[position] <= midnight[zones[position]]),
                carried=spans[position],
                horizon=horizon,
                lead=question.lead,
                risk=question.risk,
                habit=habit[position],
                history=history,
                zone=zones[position],
            )
        )
        for position in range(curve.shape[1])
    ]


def _bursts(chance: Array, drawn: Array, habit: Sequence[precedents.Passed], risk: float) -> Flags:
    """Which series are feared for their habit alone: an unlikely breach that no growth leads to.

    An incident of last month is to be looked into and watched; no order by a certain day would have spared it.
    """
    known = np.array([each.times > 0 for each in habit], dtype=bool)
    return np.asarray(known & (chance < verdicts.BREACH_SHARE) & (drawn <= risk))
