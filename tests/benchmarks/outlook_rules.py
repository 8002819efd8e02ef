"""The events of the outlook benchmark, and the rules by which a forecast is made into the chance of one.

An event is "the aggregate over the trailing window is past the limit at some t of the horizon"; limits are a ladder
from what was seen alone. A rule turns a contender's answer into P(met by t) for every t:

- point: 1 from the first time that the median is past the limit, else 0;
- marginal: the highest chance that any single window of the bands has, so far (nothing beyond the outermost band);
- independent: the windows of the bands as if each were drawn anew;
- paths: the share of sample paths that have been past it;
- blend: what `capacity.outlook` says (ours alone has it).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from forecast_tasks import LEVELS, Job, Task

LADDER_HOURLY = (0.9, 1.0, 1.1, 1.25, 1.5, 2.0)
LADDER_DAILY = (1.02, 1.05, 1.1, 1.2, 1.35, 1.5)
RECENT_DAYS = 28
RULES = ("point", "marginal", "independent", "paths", "blend")


@dataclass(frozen=True)
class Event:
    """What a task is asked: the samples of a window, how long that is, and the ladder of limits."""

    window: int
    sustained: str
    limits: np.ndarray


def event_of(task: Task, job: Job) -> Event:
    """Return the ladder: hourly means against median and p99 of 28 days, or weekly means against that of 28 days."""
    step = pd.Timedelta(job.step)
    recent = task.seen.iloc[-round(pd.Timedelta(days=RECENT_DAYS) / step) :]
    if step >= pd.Timedelta(days=1):
        return Event(7, "7d", float(recent.mean()) * np.array(LADDER_DAILY))
    window = max(1, round(pd.Timedelta(hours=1) / step))
    hourly = rolled(recent.to_numpy(), window)
    middle, high = np.nanquantile(hourly, (0.5, 0.99))
    return Event(window, "1h", middle + (high - middle) * np.array(LADDER_HOURLY))


def rolled(values: np.ndarray, window: int) -> np.ndarray:
    """Mean of each trailing window along the first axis, of the samples that are there if they are half of it."""
    frame = pd.DataFrame(values.reshape(len(values), -1))
    means = frame.rolling(window, min_periods=-(-window // 2)).mean().to_numpy()
    return means.reshape(values.shape)


def ahead(seen: pd.Series, future: np.ndarray, window: int) -> np.ndarray:
    """Windows that end in the horizon, the first of which reach back into what was seen; (horizon, …) stays so."""
    tail = seen.ffill().bfill().to_numpy()[len(seen) - (window - 1) :] if window > 1 else np.empty(0)
    before = np.broadcast_to(tail.reshape(-1, *[1] * (future.ndim - 1)), (len(tail), *future.shape[1:]))
    return rolled(np.concatenate([before, future]), window)[len(tail) :]


def by_then(flags: np.ndarray) -> np.ndarray:
    return np.maximum.accumulate(flags, axis=0).astype(float)


def met(task: Task, event: Event) -> np.ndarray:
    """1 from the breach on, 0 before it, shape (horizon, limit)."""
    return by_then(ahead(task.seen, task.truth, event.window)[:, None] > event.limits)


def curves(task: Task, event: Event, *, quantiles: np.ndarray, paths: np.ndarray | None) -> dict[str, np.ndarray]:
    """P(met by t) by rule, (horizon, limit) each, from quantiles (horizon, level) and paths (horizon, path)."""
    bands = ahead(task.seen, quantiles, event.window)
    chance = np.stack([1 - _below(bands, limit) for limit in event.limits], axis=1)
    # Windows that overlap are not drawn anew: one in so many is.
    alone = np.zeros_like(chance)
    alone[event.window - 1 :: event.window] = chance[event.window - 1 :: event.window]
    found = {
        "point": by_then(bands[:, LEVELS.index(0.5), None] > event.limits),
        "marginal": by_then(chance),
        "independent": 1 - np.cumprod(1 - alone, axis=0),
    }
    if paths is not None:
        whole = ahead(task.seen, paths, event.window)
        found["paths"] = np.stack([by_then(whole > limit).mean(axis=1) for limit in event.limits], axis=1)
    return found


def _below(bands: np.ndarray, limit: float) -> np.ndarray:
    """P(value ≤ limit) at each step, straight between the bands."""
    ordered = np.maximum.accumulate(bands, axis=1)
    return np.array([np.interp(limit, row, LEVELS, left=0.0, right=1.0) for row in ordered])


def naive_paths(task: Task, job: Job, *, most: int = 200) -> np.ndarray | None:
    """Last season repeated, plus what it missed wherever in the past it would have been repeated; (horizon, path)."""
    seen, horizon = task.seen.ffill().bfill().to_numpy(), len(task.truth)
    starts = np.arange(job.lag, len(seen) - horizon + 1)
    if len(starts) < 2:
        return None
    starts = starts[np.linspace(0, len(starts) - 1, min(most, len(starts))).astype(int)]
    places = np.arange(horizon)
    missed = seen[starts + places[:, None]] - seen[starts - job.lag + places[:, None] % job.lag]
    return seen[len(seen) - job.lag + places % job.lag][:, None] + missed
