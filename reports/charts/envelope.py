"""Fewer points than pixels, without losing a peak: histories and paths gathered into buckets before they are drawn.

A chart of 120 hourly days would put five samples on each pixel. What matters to a planner is the hour of the day that
comes nearest to the limit, so each bucket keeps its lowest, its mean and its highest sample. Paths are gathered path by
path before quantiles are read off, so the band speaks of the same busy hour as the history beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

if TYPE_CHECKING:
    from capacity.forecast import Forecast

IntArray = npt.NDArray[np.integer[Any]]

__all__ = ["LEVELS", "MOST", "bucket_for", "buckets", "envelope", "projected"]

# A chart is 900 pixels wide; a bucket draws its minimum and maximum, or seven levels ahead of the cutoff: at two
# points a pixel that is 600 buckets. 25 hourly days are drawn as they are, more of them as days: no bucket cuts a day.
MOST = 600
NICE = tuple(pd.Timedelta(text) for text in ("5min", "15min", "1h", "1D", "7D", "28D"))
PATHS = 200
EPOCH = pd.Timestamp(0, tz="UTC")
LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)


def bucket_for(length: pd.Timedelta, step: pd.Timedelta, *, most: int = MOST) -> pd.Timedelta:
    """Return the smallest bucket with which ``length`` has at most ``most`` of them; ``step`` itself where it fits."""
    if length / step <= most:
        return step
    fitting = (one for one in NICE if one > step and length / one <= most)
    return next(fitting, length / most)


def buckets(
    times: pd.DatetimeIndex, *, step: pd.Timedelta, bucket: pd.Timedelta, anchor: pd.Timestamp = EPOCH
) -> pd.DatetimeIndex:
    """Return the start of the bucket that each instant belongs to; an instant speaks for the step that ends there.

    A bucket ends at ``anchor``, and so another begins there: at a cutoff, none holds both what was and what is to come.
    """
    if bucket <= step:
        return times
    start = int(anchor.as_unit("us").asm8.astype(np.int64))
    ticks = (times - step).as_unit("us").asi8 - start
    width = int(bucket / pd.Timedelta(1, unit="us"))
    return _stamps(ticks // width * width + start)


def _whole(sizes: IntArray, *, step: pd.Timedelta, bucket: pd.Timedelta) -> npt.NDArray[np.bool_]:
    """Whether each bucket has all its instants: the extreme of a part of a week is less than that of a week.

    Where none has, all are kept: a short history is drawn as it is.
    """
    whole = sizes >= bucket // step
    return whole if whole.any() else np.ones_like(whole)


def _stamps(ticks: npt.NDArray[np.int64]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(ticks.astype("datetime64[us]")).tz_localize("UTC")


def envelope(
    values: pd.Series, *, step: pd.Timedelta, bucket: pd.Timedelta, anchor: pd.Timestamp = EPOCH
) -> pd.DataFrame:
    """Gather a series into buckets: columns ``low``, ``mean``, ``high``; a bucket without a sample is NaN.

    Buckets that the series' ends cut are left out.
    """
    keys = buckets(pd.DatetimeIndex(values.index), step=step, bucket=bucket, anchor=anchor)
    grouped = values.groupby(keys)
    whole = _whole(grouped.size().to_numpy(), step=step, bucket=bucket)
    found = pd.DataFrame({"low": grouped.min(), "mean": grouped.mean(), "high": grouped.max()}).rename_axis("time")
    return found[whole]


def projected(
    forecast: Forecast,
    positions: Sequence[int],
    *,
    bucket: pd.Timedelta,
    direction: str = "above",
    levels: Sequence[float] = LEVELS,
    paths: int = PATHS,
) -> dict[int, pd.DataFrame]:
    """Return, for each series asked for, quantiles of the bucket's extreme: its highest value, or lowest for "below".

    Parameters
    ----------
    positions
        Columns of ``forecast.columns``; the paths are drawn once for all of them.

    Returns
    -------
    dict from position to a frame: buckets × levels, in the base unit; they begin at the cutoff, and one that the
    horizon's end cuts is left out.
    """
    times = pd.DatetimeIndex(forecast.index)
    keys = buckets(times, step=forecast.step, bucket=bucket, anchor=forecast.cutoff)
    starts, first, sizes = np.unique(keys.as_unit("us").asi8, return_index=True, return_counts=True)
    whole = _whole(sizes, step=forecast.step, bucket=bucket)
    reduce = np.maximum if direction == "above" else np.minimum
    found: dict[int, pd.DataFrame] = {}
    wanted = sorted(set(positions))
    for part, block in forecast.law.only(np.array(wanted, dtype=np.intp)).blocks(paths, block=1):
        drawn = reduce.reduceat(block[:, :, 0], first, axis=1)
        cut = np.quantile(drawn[:, whole], levels, axis=0).T
        found[wanted[part.start]] = pd.DataFrame(cut, index=_stamps(starts[whole]), columns=list(levels)).rename_axis(
            "time"
        )
    return found
