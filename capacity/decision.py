"""From a breach curve to a decision: dates, the last day to order, and a verdict with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity import limits as lim
from capacity import passage, verdicts
from capacity.catalog import Reserve
from capacity.errors import ParameterError
from capacity.forecast import Forecast
from capacity.frames import Skipped, duration_text, series_labels, series_name

__all__ = ["DATES", "Question", "blockers_of", "decide", "order_dates"]

# The dates of a table, and the probability that each of them has behind it.
DATES = {"breach_p10": 0.1, "breach_p50": 0.5, "breach_p90": 0.9}
NAIVE = "naive"
JUST_CHANGED = "regime just changed"
# A jump this fresh lies behind every fold: none of them has seen the new level, and none says how wide its errors are.
FRESH = pd.Timedelta(days=3)
# One fold is one event: it says nothing of how wide the next one's errors are.
MIN_FOLDS = 2

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Bounds = tuple[float | None, float | None]


@dataclass(frozen=True)
class Question:
    """What is asked of a forecast: the event, how much may be used, and the decision that hangs on it."""

    direction: lim.Direction
    sustained: pd.Timedelta
    aggregate: str
    reserve: Reserve | None
    buffer: float
    lead_time: pd.Timedelta
    risk: float
    paths: int

    def __post_init__(self) -> None:
        if self.direction not in ("above", "below"):
            raise ParameterError(f'direction must be "above" or "below", not {self.direction!r}.')
        if not 0 < self.risk < 1:
            raise ParameterError(f"a risk of {self.risk:g} is not between 0 and 1.", hint="For example 0.1.")
        if self.paths < 1:
            raise ParameterError(f"{self.paths} paths tell nothing.", hint="A thousand tell 10 % to within one.")
        self.usable(np.ones(1))
        self.aggregated(np.ones((1, 1)))

    def window(self, step: pd.Timedelta) -> int:
        """Return the samples that one window of the event holds."""
        return passage.window_steps(self.sustained, step)

    def usable(self, limit: Array) -> Array:
        """Return what may be used of a limit."""
        return lim.usable(limit, reserve=self.reserve, buffer=self.buffer, direction=self.direction)

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
    timezones: Mapping[str, str],
) -> pd.DataFrame:
    """Return the outlook's table; see `capacity.outlook.Outlook`.

    Parameters
    ----------
    blockers : sequence of Skipped or None, one a series
        Why there is no distribution; see `blockers_of`.
    recent : ndarray, shape (window, series)
        Demand over the window that ends at the cutoff.
    past : ndarray of bool, shape (series,)
        Whether the event is true at the cutoff.
    curve : DataFrame, horizon × series
        P(breach by t).
    """
    limit = limits.of(slice(None))[-len(curve) - 1]
    now, usable = question.aggregated(recent), question.usable(limit)
    table = pd.DataFrame({"now": now, "limit": limit, "usable": usable}, index=forecast.columns)
    table["headroom"] = usable - now if question.direction == "above" else now - usable
    with np.errstate(divide="ignore", invalid="ignore"):
        table["utilisation"] = now / limit
    table["probability"] = curve.iloc[-1].to_numpy()
    for name, level in DATES.items():
        table[name] = _dates(passage.quantile_step(curve.to_numpy(), level), curve.index, past, forecast.cutoff)
    table["order_by"] = order_dates(curve, question, past=past, cutoff=forecast.cutoff, timezones=timezones)
    scores = forecast.scores.reindex(forecast.columns)
    words = _verdicts(forecast, question, blockers=blockers, past=past, curve=curve, table=table, timezones=timezones)
    table["verdict"] = [word for word, _ in words]
    table["reason"] = [reason for _, reason in words]
    table["model"] = forecast.model.to_numpy()
    table["score"] = scores["mase"].to_numpy(dtype=float)
    table["coverage"] = scores["coverage80"].to_numpy(dtype=float)
    return table


def order_dates(
    curve: pd.DataFrame, question: Question, *, past: Flags, cutoff: pd.Timestamp, timezones: Mapping[str, str]
) -> pd.DatetimeIndex:
    """Return the last day on which deciding keeps P(breach before the order arrives) at or below the risk.

    That is the instant at which the breach curve first exceeds the risk, less the lead time, rounded down to a day of
    the region's calendar; it may lie in the past. NaT: the curve stays at or below the risk as far as it is known.
    """
    exceeds = curve.to_numpy() > question.risk + 1e-9
    step = np.where(exceeds.any(axis=0), exceeds.argmax(axis=0), -1)
    due = _dates(step, curve.index, past, cutoff) - question.lead_time
    return pd.DatetimeIndex(
        [_day(when, zone) for when, zone in zip(due, _zones(curve, timezones), strict=True)]
    ).as_unit("us")


def _day(when: pd.Timestamp, zone: str) -> pd.Timestamp:
    """Return the calendar day of an instant, as midnight UTC of that date: a date has no zone of its own."""
    if pd.isna(when):
        return pd.NaT
    return when.tz_convert(zone).tz_localize(None).normalize().tz_localize("UTC")


def _zones(curve: pd.DataFrame, timezones: Mapping[str, str]) -> list[str]:
    return [timezones.get(labels.get("region", ""), "UTC") for labels in series_labels(curve)]


def _dates(steps: npt.NDArray[np.intp], index: pd.Index, past: Flags, cutoff: pd.Timestamp) -> pd.DatetimeIndex:
    """Return the instants of these steps: the cutoff where it is past already, NaT where there is none."""
    found = pd.Series(index[np.maximum(steps, 0)])
    found[steps < 0] = pd.NaT
    found[past] = cutoff
    return pd.DatetimeIndex(found).as_unit("us")


def _verdicts(
    forecast: Forecast,
    question: Question,
    *,
    blockers: Sequence[Skipped | None],
    past: Flags,
    curve: pd.DataFrame,
    table: pd.DataFrame,
    timezones: Mapping[str, str],
) -> list[tuple[str, str]]:
    known = np.nan_to_num(np.nanmax(np.vstack([np.zeros(curve.shape[1]), curve.to_numpy()]), axis=0))
    by_lead_time = _chance_within(curve, question.lead_time // forecast.step)
    carried = forecast.carried.to_numpy()
    horizon = curve.index[-1] - forecast.cutoff
    zones = _zones(curve, timezones)
    midnight = {zone: _day(forecast.cutoff, zone) for zone in set(zones)}
    today = [midnight[zone] for zone in zones]
    due, chance = list(table["order_by"]), table["probability"].to_numpy(dtype=float)
    spans = list(pd.to_timedelta(carried))
    return [
        verdicts.judge(
            verdicts.Evidence(
                blocker=blockers[position],
                past=bool(past[position]),
                probability=float(chance[position]),
                known=float(known[position]),
                by_lead_time=float(by_lead_time[position]),
                order_due=bool(due[position] <= today[position]),
                carried=min(spans[position], horizon),
                horizon=horizon,
                lead_time=question.lead_time,
                risk=question.risk,
            )
        )
        for position in range(curve.shape[1])
    ]


def _chance_within(curve: pd.DataFrame, steps: int) -> Array:
    """Return P(breach within so many steps), by series; NaN past the horizon."""
    if steps > len(curve):
        return np.full(curve.shape[1], np.nan)
    return curve.iloc[steps - 1].to_numpy() if steps else np.zeros(curve.shape[1])


def blockers_of(
    forecast: Forecast, question: Question, *, limits: lim.Limits, bounds: Bounds | None
) -> list[Skipped | None]:
    """Return, by series, why there is no distribution that can be believed; None: there is one."""
    missing = iter(limits.skipped)
    usable = question.usable(limits.of(slice(None))[-len(forecast.index) - 1])
    out_of_reach = _out_of_reach(usable, question.direction, bounds or (None, None))
    doubted = _doubted(forecast)
    return [
        next(missing)
        if limits.owner[position] < 0
        else (
            _beyond(forecast, position)
            if out_of_reach[position]
            else (_unbelieved(forecast, position) if doubted[position] else None)
        )
        for position in range(len(forecast.columns))
    ]


def _doubted(forecast: Forecast) -> Flags:
    """Whose forecast `_unbelieved` may object to: of ten thousand few, and only these are looked at one by one."""
    scores = forecast.scores
    loses = [verdicts.loses_to_naive(*pair) for pair in zip(scores["mase"], scores["naive_mase"], strict=True)]
    return np.asarray(~(scores["folds"].to_numpy() >= MIN_FOLDS) | np.array(loses, dtype=bool))


def _out_of_reach(usable: Array, direction: lim.Direction, bounds: Bounds) -> Flags:
    """Whether demand cannot be past usable capacity, whatever happens: such a series would be fine for ever."""
    lower, upper = bounds
    if direction == "above":
        return usable >= upper if upper is not None else np.zeros(usable.shape, dtype=bool)
    return usable <= lower if lower is not None else np.zeros(usable.shape, dtype=bool)


def _beyond(forecast: Forecast, position: int) -> Skipped:
    labels = series_labels(forecast.columns[position : position + 1])[0]
    detail = "usable capacity lies at or past the physical bound of demand: nothing can be past it"
    return Skipped(series_name(labels), "limit missing", detail, labels=labels)


def _unbelieved(forecast: Forecast, position: int) -> Skipped | None:
    labels = series_labels(forecast.columns[position : position + 1])[0]
    name, score = series_name(labels), forecast.scores.iloc[position]
    if not score["folds"] >= MIN_FOLDS:
        span = duration_text(pd.Timedelta(forecast.carried.iloc[position]).floor("h"))
        return Skipped(
            name,
            "too short",
            f"{span} of history leave fewer than {MIN_FOLDS} folds to test a forecast on",
            labels=labels,
        )
    jumped = pd.NaT if forecast.since is None else forecast.since.iloc[position]
    if not pd.isna(jumped) and forecast.cutoff - jumped < FRESH:
        age = duration_text((forecast.cutoff - jumped).floor("h")) if forecast.cutoff > jumped else "0h"
        return Skipped(name, JUST_CHANGED, f"its level jumped {age} before the cutoff", labels=labels)
    if NAIVE in str(forecast.model.iloc[position]) or not verdicts.loses_to_naive(score["mase"], score["naive_mase"]):
        return None
    detail = f"MASE {score['mase']:.2f}, the seasonal naive model's is {score['naive_mase']:.2f}"
    return Skipped(name, "unforecastable", detail, labels=labels)
