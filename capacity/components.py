"""What a series and its forecast are made of: level, the day's season, the week's, events, and the rest.

Read off the history and the forecast's median together, whatever the model: so the parts add up to what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity.grids import seasons
from capacity.models.base import filled

__all__ = ["Parts", "components", "parts_of"]

FloatArray = npt.NDArray[np.float64]
NAMES = ("value", "level", "day", "week", "events", "rest")


@dataclass(frozen=True)
class Parts:
    """A series' forecast in four numbers, in its unit.

    Attributes
    ----------
    level : float
        At the cutoff, seasons and events taken off.
    per_30d : float
        How far the level moves in 30 days, over the horizon.
    day, week : float
        Half of what lies between a season's top and its bottom; 0 without one.
    """

    level: float
    per_30d: float
    day: float
    week: float


def components(
    measured: FloatArray, median: FloatArray, added: FloatArray, *, index: pd.DatetimeIndex, step: pd.Timedelta
) -> pd.DataFrame:
    """Part one series over history and horizon; `NAMES` are the columns, and all but ``value`` add up to it.

    Parameters
    ----------
    measured : ndarray, shape (time,)
        The history; NaN is missing, and stays so in ``value`` and ``rest``.
    median, added : ndarray, shape (horizon,)
        The forecast, and what events put on top of it.
    index : DatetimeIndex
        Instants of both.
    """
    known = np.concatenate([measured, median])
    events = np.concatenate([np.zeros(len(measured)), added])
    grid = seasons(step, len(measured))
    whole = filled((known - events)[:, None], lag=grid.lag)[:, 0]
    level = _level(whole, grid.lag if grid.lag > 1 else max(1, len(measured) // 12))
    day = _season(whole - level, grid.day)
    week = _season(whole - level - day, grid.week)
    parts = dict(zip(NAMES, (known, level, day, week, events, known - level - day - week - events), strict=True))
    return pd.DataFrame(parts, index=index)


def _level(values: FloatArray, window: int) -> FloatArray:
    """Centred mean over a whole season; where the window sticks out, that of the nearest whole one."""
    mean = pd.Series(values).rolling(min(window, len(values)), center=True).mean()
    return np.asarray(mean.bfill().ffill().to_numpy(), dtype=float)


def _season(apart: FloatArray, lag: int) -> FloatArray:
    """Mean of every phase, about 0; zeros without a season."""
    if not lag:
        return np.zeros(len(apart))
    phase = np.arange(len(apart)) % lag
    mean = np.bincount(phase, apart, minlength=lag) / np.maximum(np.bincount(phase, minlength=lag), 1)
    return np.asarray((mean - mean.mean())[phase], dtype=float)


def parts_of(found: pd.DataFrame, *, history: int, step: pd.Timedelta) -> Parts:
    """Sum components up; ``history`` is how many rows lie before the horizon."""
    level = found["level"].to_numpy()
    days = (len(found) - history) * step / pd.Timedelta(days=1)
    slope = (level[-1] - level[history - 1]) / days * 30 if days else 0.0
    swing = {name: float(np.ptp(found[name].to_numpy())) / 2 for name in ("day", "week")}
    return Parts(float(level[history - 1]), float(slope), swing["day"], swing["week"])
