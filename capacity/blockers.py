"""What keeps a series from being judged: no limit, no recent sample, a forecast that is not to be believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity import dates, verdicts
from capacity import limits as lim
from capacity.forecast import Forecast
from capacity.frames import Skipped, duration_text, series_labels, series_name

__all__ = ["blind", "blockers_of"]

NAIVE = "naive"
MISSING, STALE, JUST_CHANGED = "limit missing", "no recent data", "regime just changed"
# A jump this fresh lies behind every fold: none of them has seen the new level, and none says how wide its errors are.
FRESH = pd.Timedelta(days=3)
# One fold is one event: it says nothing of how wide the next one's errors are.
MIN_FOLDS = 2
# A series has stopped when it is silent for longer than a day, three steps, and any pause it has made before. A pause
# of more than a week counts as a week: an outage of a month must not excuse the next one.
SILENT, SILENT_STEPS, PAUSE = pd.Timedelta(days=1), 3, pd.Timedelta(days=7)

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Bounds = tuple[float | None, float | None]


def blockers_of(
    forecast: Forecast,
    *,
    limits: lim.Limits,
    usable: Array,
    direction: lim.Direction,
    bounds: Bounds | None,
    as_of: pd.Timestamp | None = None,
) -> list[Skipped | None]:
    """Return, by series, why there is no distribution that can be believed; None: there is one.

    Parameters
    ----------
    usable : ndarray, shape (series,)
        What may be used at the cutoff.
    as_of : Timestamp, optional
        When it is judged, where that is after the cutoff: of a history that ends early the newest sample is old.
    """
    missing = iter(limits.skipped)
    at_cutoff = limits.at(-len(forecast.index) - 1)
    nothing = at_cutoff <= 0 if direction == "above" else np.zeros(usable.shape, dtype=bool)
    stopped = _stopped(forecast, forecast.cutoff if as_of is None else max(as_of, forecast.cutoff))
    out_of_reach = _out_of_reach(usable, direction, bounds or (None, None))
    doubted = _doubted(forecast)
    found: list[Skipped | None] = []
    for position in range(len(forecast.columns)):
        if limits.owner[position] < 0:
            found.append(next(missing))
        elif nothing[position]:
            found.append(_skipped(forecast, position, MISSING, f"the limit is {at_cutoff[position]:g}"))
        elif np.isnan(usable[position]):
            found.append(_skipped(forecast, position, MISSING, "too few failure domains to lose any"))
        elif position in stopped:
            since = f"none since {dates.day(stopped[position])}"
            found.append(_skipped(forecast, position, STALE, since))
        elif out_of_reach[position]:
            found.append(_skipped(forecast, position, MISSING, _BEYOND))
        else:
            found.append(_unbelieved(forecast, position) if doubted[position] else None)
    return found


def blind(blockers: Sequence[Skipped | None]) -> Flags:
    """Return, by series, whether not even the present is known: no limit to hold it against, or no recent sample."""
    return np.array([each is not None and each.reason in (MISSING, STALE) for each in blockers], dtype=bool)


def _stopped(forecast: Forecast, as_of: pd.Timestamp) -> dict[int, pd.Timestamp]:
    """Return the last sample of each series that has stopped before ``as_of``, by position."""
    seen = np.isfinite(forecast.history.to_numpy(dtype=float))
    rows = len(seen)
    last = rows - 1 - seen[::-1].argmax(axis=0)
    silent = (rows - 1 - last) * forecast.step.to_timedelta64() + (as_of - forecast.cutoff).to_timedelta64()
    least = max(SILENT, SILENT_STEPS * forecast.step).to_timedelta64()
    return {
        int(position): forecast.history.index[last[position]]
        for position in np.flatnonzero(silent > least)
        if silent[position] > _longest_pause(seen[: last[position] + 1, position], forecast.step)
    }


def _longest_pause(seen: Flags, step: pd.Timedelta) -> np.timedelta64:
    pauses = np.diff(np.flatnonzero(seen))
    return min(int(pauses.max(initial=1)) * step, PAUSE).to_timedelta64()


def _doubted(forecast: Forecast) -> Flags:
    """Whose forecast `_unbelieved` may object to: of ten thousand few, and only these are looked at one by one."""
    scores = forecast.scores
    loses = [verdicts.loses_to_naive(*pair) for pair in zip(scores["mase"], scores["naive_mase"], strict=True)]
    fresh = np.zeros(len(scores), dtype=bool)
    if forecast.since is not None:
        jumped = forecast.since.to_numpy(dtype="datetime64[us]")
        fresh = np.asarray(forecast.cutoff.to_datetime64() - jumped < FRESH.to_timedelta64())
    return np.asarray(~(scores["folds"].to_numpy() >= MIN_FOLDS) | np.array(loses, dtype=bool) | fresh)


def _out_of_reach(usable: Array, direction: lim.Direction, bounds: Bounds) -> Flags:
    """Whether demand cannot be past usable capacity, whatever happens: such a series would be fine for ever."""
    lower, upper = bounds
    if direction == "above":
        return usable >= upper if upper is not None else np.zeros(usable.shape, dtype=bool)
    return usable <= lower if lower is not None else np.zeros(usable.shape, dtype=bool)


_BEYOND = "usable capacity lies at or past the physical bound of demand: nothing can be past it"


def _unbelieved(forecast: Forecast, position: int) -> Skipped | None:
    score = forecast.scores.iloc[position]
    if not score["folds"] >= MIN_FOLDS:
        first = int(np.isfinite(forecast.history.iloc[:, position].to_numpy(dtype=float)).argmax())
        span = duration_text(((len(forecast.history) - first) * forecast.step).floor("h"))
        few = f"{span} of history leave fewer than {MIN_FOLDS} folds to test a forecast on"
        return _skipped(forecast, position, "too short", few)
    jumped = pd.NaT if forecast.since is None else forecast.since.iloc[position]
    if not pd.isna(jumped) and forecast.cutoff - jumped < FRESH:
        age = duration_text((forecast.cutoff - jumped).floor("h")) if forecast.cutoff > jumped else "0h"
        return _skipped(forecast, position, JUST_CHANGED, f"its level jumped {age} before the cutoff")
    if NAIVE in str(forecast.model.iloc[position]) or not verdicts.loses_to_naive(score["mase"], score["naive_mase"]):
        return None
    loses = f"MASE {score['mase']:.2f}, the seasonal naive model's is {score['naive_mase']:.2f}"
    return _skipped(forecast, position, "unforecastable", loses)


def _skipped(forecast: Forecast, position: int, reason: str, detail: str) -> Skipped:
    labels = series_labels(forecast.columns[position : position + 1])[0]
    return Skipped(series_name(labels), reason, detail, labels=labels)
