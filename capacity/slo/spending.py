"""Exhaustion: when the rest of an error budget will be spent, as a distribution.

Peers take the burn of the last hours to be that of all the days to come. Here traffic and the share of it that fails
are both forecast, season, trend and doubt included, and multiplied future by future. What they have in common (a rush
in which more fails) is kept: futures of the one are paired with futures of the other so that their ranks agree as much
as those of their surprises did over history. Each pairing leaves both forecasts as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm, rankdata

from capacity.catalog import Objective
from capacity.errors import HistoryTooShort
from capacity.forecast import forecast
from capacity.frames import Skipped, duration_text, series_labels
from capacity.naming import series_names
from capacity.slo.indicator import Sli
from capacity.slo.windows import Span, span

__all__ = ["Exhaustion", "exhaustion"]

Array = npt.NDArray[np.float64]

HOUR, DAY, WEEK = pd.Timedelta(hours=1), pd.Timedelta(days=1), pd.Timedelta(days=7)
# A window of up to a quarter is looked at by the hour, a longer one by the day.
LONG = pd.Timedelta(days=92)
PATHS = 1000
QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
# Days of pseudo-history without any dependence: with a fortnight, a rank correlation is half believed.
PRIOR_DAYS = 14
# A week that was is replayed where there are at least this many to choose from.
LEAST_WEEKS = 4


@dataclass(frozen=True)
class Exhaustion:
    """When a budget runs out.

    Attributes
    ----------
    window : Span
        In which it may: a rolling objective's next whole window, what is left of a calendar's.
    table : DataFrame, a row a series
        ``spent`` (of the budget, now), ``probability`` (that it is exhausted before the window ends; NaN: it cannot be
        told), ``exhausted_p10``, ``_p50``, ``_p90`` (NaT: not before the window ends), ``survives`` (the constant burn
        rate from now on that would just not exhaust it; with the traffic that is likeliest), ``expected`` (the median
        of the burn over what is to come), ``constant`` (when it would be exhausted if the last day's burn went on;
        NaT: it would not be), ``dependence`` (rank correlation of traffic's and errors' surprises), ``reason``.
    curve : DataFrame, horizon × series
        P(exhausted by t); NaN past what the history carries.
    """

    objective: Objective
    as_of: pd.Timestamp
    window: Span
    table: pd.DataFrame
    curve: pd.DataFrame = field(repr=False)
    skipped: tuple[Skipped, ...] = ()


def exhaustion(
    measured: Sli,
    *,
    as_of: pd.Timestamp | None = None,
    model: str = "auto",
    paths: int = PATHS,
    seed: int = 0,
) -> Exhaustion:
    """Return when an objective's budget will be exhausted, series by series.

    Parameters
    ----------
    measured : Sli
    as_of : Timestamp, optional
        Nothing after it is used. None: the end of what was measured.
    model, seed
        As for `capacity.forecast.forecast`.
    paths : int
        How many futures.

    Raises
    ------
    HistoryTooShort
        There is no history to forecast from.
    """
    objective = measured.objective
    at = measured.end if as_of is None else as_of
    window = span(objective, at, ahead=True)
    step = DAY if window.length > LONG else max(HOUR, objective.slice)
    total, bad = (frame[frame.index <= at] for frame in measured.counted(step))
    at = pd.Timestamp(total.index[-1])
    steps = int((window.end - at) // step)
    work = _Work(objective, window, total, bad, step, steps, model, paths, seed)
    rows, curves, skipped = [], [], []
    names, labels = series_names(series_labels(measured.columns)), series_labels(measured.columns)
    for place in range(len(measured.columns)):
        try:
            row, curve = work.judge(place)
        except HistoryTooShort as error:
            skipped.append(Skipped(names[place], "too short", error.message, labels=labels[place]))
            row, curve = {**work.blank(place), "reason": error.message}, np.full(steps, np.nan)
        rows.append({"series": names[place], "labels": labels[place], **row})
        curves.append(curve)
    index = pd.date_range(at + step, periods=steps, freq=step, unit="us", name="time")
    return Exhaustion(
        objective,
        at,
        window,
        pd.DataFrame(rows, index=measured.columns),
        pd.DataFrame(np.column_stack(curves), index=index, columns=measured.columns),
        tuple(skipped),
    )


@dataclass(frozen=True)
class _Work:
    """One objective's counts, and what is asked of them."""

    objective: Objective
    window: Span
    total: pd.DataFrame
    bad: pd.DataFrame
    step: pd.Timedelta
    steps: int
    model: str
    paths: int
    seed: int

    def judge(self, place: int) -> tuple[dict[str, Any], Array]:
        """Return a series' row, and the chance by each step."""
        past, traffic, ratio, carried, dependence = self._futures(place)
        held, allowed = self._sums(past, traffic, traffic * ratio)
        over = held > allowed
        first = np.where(over.any(axis=1), over.argmax(axis=1), self.steps)
        curve = np.bincount(first, minlength=self.steps + 1)[: self.steps].cumsum() / self.paths
        if carried < self.steps:
            curve[carried:] = np.nan
        row = {**self.blank(place), **self._dates(curve), "dependence": dependence}
        middle = np.median(traffic, axis=0)
        row["survives"] = self._survives(past, middle)
        budget = self.objective.budget * traffic.sum(axis=1)
        burns = (traffic * ratio).sum(axis=1) / np.where(budget > 0, budget, np.nan)
        row["expected"] = float(np.nanmedian(burns)) if np.isfinite(burns).any() else np.nan
        row["constant"] = self._constant(past, middle)
        row["reason"] = f"{self.paths:,} futures of traffic and of the share that fails"
        if carried < self.steps:
            row["reason"] = f"the history carries {duration_text(carried * self.step)} of the window"
        if row["spent"] > 1:
            row |= {"probability": 1.0, "reason": "the budget is spent already"}
            row |= {f"exhausted_{name}": self.total.index[-1] for name in QUANTILES}
        return row, curve

    def blank(self, place: int) -> dict[str, Any]:
        """Return a row without an answer."""
        past = self._past(place)
        allowed = self.objective.budget * past[0].sum()
        spent = past[1].sum() / allowed if allowed > 0 else (np.inf if past[1].sum() > 0 else np.nan)
        found: dict[str, Any] = {"spent": float(spent), "probability": np.nan}
        if self.objective.calendar:
            found["spent"] = self._calendar_spent(past)
        found |= {f"exhausted_{name}": pd.NaT for name in QUANTILES}
        return found | {"survives": np.nan, "expected": np.nan, "constant": pd.NaT, "dependence": np.nan, "reason": ""}

    def _calendar_spent(self, past: Array) -> float:
        """Return what is spent of a window that goes on, as if the rest of it saw as many events."""
        elapsed = past.shape[1] / max(past.shape[1] + self.steps, 1)
        allowed = self.objective.budget * past[0].sum() / elapsed if elapsed else 0.0
        return float(past[1].sum() / allowed) if allowed > 0 else 0.0

    def _past(self, place: int) -> Array:
        """Return total and bad events by step, as far back as the window reaches; unknown steps had none."""
        inside = self.total.index > (
            self.window.start if self.objective.calendar else self.total.index[-1] - self.objective.window
        )
        parts = [frame.iloc[:, place][inside].fillna(0.0).to_numpy() for frame in (self.total, self.bad)]
        return np.asarray(parts, dtype=float)

    def _futures(self, place: int) -> tuple[Array, Array, Array, int, float]:
        """Return what counts of the past, paths of traffic and of the error ratio, how far they carry, their tie."""
        total, bad = self.total.iloc[:, [place]], self.bad.iloc[:, [place]]
        ratio = bad / total.where(total > 0)
        how: dict[str, Any] = {"horizon": self.steps * self.step, "model": self.model, "seed": self.seed}
        failing = forecast(ratio, bounds=(0.0, 1.0), kind="error ratio", **how)
        shares = failing.paths(self.paths)[:, :, 0]
        _replay(shares, ratio.iloc[:, 0].to_numpy(), round(WEEK / self.step), self.seed)
        carried = int(failing.carried.iloc[0] / self.step)
        if self.objective.indicator != "ratio":
            # every slice counts as one, whatever the traffic
            return self._past(place), np.full(shares.shape, self.step / self.objective.slice), shares, carried, 0.0
        traffic = forecast(total, kind="traffic", **how).paths(self.paths)[:, :, 0]
        tie = _dependence(total.iloc[:, 0], ratio.iloc[:, 0])
        return self._past(place), traffic, _paired(traffic, shares, tie, self.seed), carried, tie

    def _sums(self, past: Array, traffic: Array, failing: Array) -> tuple[Array, Array]:
        """Return bad events, and how many may be, in the window that each step is judged by; shape (path, step)."""
        budget = self.objective.budget
        if self.objective.calendar:
            whole = past[0].sum() + traffic.sum(axis=1, keepdims=True)
            return past[1].sum() + np.cumsum(failing, axis=1), np.broadcast_to(budget * whole, failing.shape)
        rows = round(self.objective.window / self.step)
        return tuple(  # type: ignore[return-value]
            scale * _trailing(past[side], paths, rows)
            for side, paths, scale in ((1, failing, 1.0), (0, traffic, budget))
        )

    def _survives(self, past: Array, traffic: Array) -> float:
        """Return the burn that, kept up over the likeliest traffic, just never exhausts the budget; 0: too late."""
        none = np.zeros((1, self.steps))
        held, allowed = self._sums(past, traffic[None], none)
        own = self.objective.budget * _own(traffic, self.objective, self.step)
        with np.errstate(divide="ignore", invalid="ignore"):
            rates = (allowed[0] - held[0]) / own
        known = rates[np.isfinite(rates)]
        return max(float(known.min()), 0.0) if len(known) else np.nan

    def _constant(self, past: Array, traffic: Array) -> pd.Timestamp:
        """Return when the budget is exhausted if the burn of the last day goes on, as alerts would have it."""
        day = max(1, round(DAY / self.step))
        recent = past[:, -day:].sum(axis=1)
        if not recent[0] > 0:
            return pd.NaT  # type: ignore[return-value]
        held, allowed = self._sums(past, traffic[None], traffic[None] * (recent[1] / recent[0]))
        over = (held > allowed)[0]
        return self.total.index[-1] + (int(over.argmax()) + 1) * self.step if over.any() else pd.NaT  # type: ignore[return-value]

    def _dates(self, curve: Array) -> dict[str, Any]:
        known = np.isfinite(curve)
        found: dict[str, Any] = {"probability": float(curve[-1]) if known.all() and len(curve) else np.nan}
        for name, level in QUANTILES.items():
            past = np.where(known, curve, 0.0) >= level
            at = self.total.index[-1] + (int(past.argmax()) + 1) * self.step
            found[f"exhausted_{name}"] = at if past.any() else pd.NaT
        return found


def _own(traffic: Array, objective: Objective, step: pd.Timedelta) -> Array:
    """Return the events of the future that lie in the window of each step."""
    if objective.calendar:
        return np.asarray(np.cumsum(traffic), dtype=float)
    summed: Array = _trailing(np.zeros(0), traffic[None], round(objective.window / step))[0]
    return summed


def _trailing(past: Array, paths: Array, rows: int) -> Array:
    """Return sums over the last ``rows`` steps, the past's among them, at each step of the paths."""
    before = np.zeros(rows)
    if len(past):
        before[-min(rows, len(past)) :] = past[-rows:]
    whole = np.concatenate([np.broadcast_to(before, (len(paths), rows)), paths], axis=1).cumsum(axis=1)
    return np.asarray(whole[:, rows:] - whole[:, :-rows][:, : paths.shape[1]], dtype=float)


def _replay(paths: Array, seen: Array, week: int, seed: int) -> None:
    """Let every second path be made of weeks that were: what comes in bursts no forecast tells, and the past does.

    Where the usual hour is without any failure, all that fails comes in bursts, and every path is made so.
    """
    known = pd.Series(seen).ffill().bfill().to_numpy()
    weeks = len(known) // week
    if weeks < LEAST_WEEKS:
        return
    blocks = known[len(known) - weeks * week :].reshape(weeks, week)
    random = np.random.Generator(np.random.Philox(key=[seed % 2**64, 6666]))
    steps = paths.shape[1]
    which = slice(None) if np.median(known) == 0 else slice(1, None, 2)
    drawn = random.integers(0, weeks, size=(len(paths[which]), -(-steps // week)))
    paths[which] = blocks[drawn].reshape(len(drawn), -1)[:, :steps]


def _dependence(total: pd.Series, ratio: pd.Series) -> float:
    """Return the rank correlation of the daily surprises of traffic and of the error ratio, shrunk towards none.

    A surprise is how far a day lies from the same weekday's median, once both have lost their trend.
    """
    days = pd.DatetimeIndex(total.index).ceil("D")
    daily = pd.DataFrame({"total": total.groupby(days).sum(min_count=1), "ratio": ratio.groupby(days).mean()}).dropna()
    if len(daily) < PRIOR_DAYS:
        return 0.0
    logs = np.log(daily["total"].clip(lower=1e-9))
    both = pd.DataFrame({"total": logs, "ratio": daily["ratio"]})
    both -= both.rolling(PRIOR_DAYS, center=True, min_periods=7).median()
    both -= both.groupby(pd.DatetimeIndex(both.index).day_of_week).transform("median")
    if (both.nunique() < 2).any():
        return 0.0
    return float(both["total"].corr(both["ratio"], method="spearman")) * len(both) / (len(both) + PRIOR_DAYS)


def _paired(traffic: Array, ratio: Array, tie: float, seed: int) -> Array:
    """Return the ratio's paths in the order that ties their ranks to traffic's (Iman and Conover 1982)."""
    count = len(traffic)
    random = np.random.Generator(np.random.Philox(key=[seed % 2**64, 666]))
    # Pearson's correlation of normal scores that has this rank correlation
    score = 2.0 * np.sin(np.pi * np.clip(tie, -0.99, 0.99) / 6.0)
    place = rankdata(traffic.mean(axis=1), method="ordinal")
    wanted = score * norm.ppf((place - 0.5) / count) + np.sqrt(1.0 - score**2) * random.standard_normal(count)
    order = np.argsort(ratio.mean(axis=1), kind="stable")
    return np.asarray(ratio[order][rankdata(wanted, method="ordinal") - 1], dtype=float)
