"""The chance of having met the event by each step ahead: first passage over paths, blended with precedents."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity import passage, precedents, threads
from capacity.decision import Question
from capacity.forecast import Forecast
from capacity.paths import Law

__all__ = ["breach_chances"]

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Progress = Callable[[int, int, str], object]


# Series whose paths are counted at a time, of which a few are drawn at a time.
BLOCK = 64


def breach_chances(
    forecast: Forecast,
    question: Question,
    *,
    room: Callable[[slice], Array],
    recent: Array,
    progress: Progress | None = None,
) -> tuple[Array, Array]:
    """Return P(breach by t), shape (horizon, series), and the paths' own share in the end, by series.

    Parameters
    ----------
    room : callable
        Usable capacity over the horizon of a slice of the series, shape (horizon, series of the slice).
    recent : ndarray, shape (window, series)
        Demand over the window that ends at the cutoff.
    """
    horizon, series = len(forecast.index), len(forecast.columns)
    window = question.window(forecast.step)
    told = None if progress is None else lambda done: progress(done, series, "outlook")
    if window == 1 and isinstance(forecast.law, Law):
        # One step is one window: the paths need not be drawn to be counted.
        shares = forecast.law.reached(room, paths=question.paths, above=question.direction == "above")
    else:
        where = threads.blocks(series, BLOCK)
        shares = zip(
            where, threads.each(lambda one: _drawn(forecast, question, room(one), recent, one), where), strict=True
        )
    values = passage.gathered(shares, shape=(horizon, series), progress=told)
    drawn = np.fmax.reduce(values, axis=0, initial=0.0)
    if isinstance(forecast.law, Law):
        values = forecast.law.chance(values, paths=question.paths, above=question.direction == "above")
    blended = precedents.blend(
        values,
        forecast.history.to_numpy(dtype=float),
        jumps=_jumps(forecast),
        usable=room,
        step=forecast.step,
        window=window,
        aggregate=question.aggregate,
        direction=question.direction,
    )
    return blended, drawn


def _drawn(forecast: Forecast, question: Question, usable: Array, recent: Array, where: slice) -> Array:
    """Return P(breach by t) over windows of several steps; no paths are drawn of series that none of can breach."""
    law = forecast.law.only(where)
    near = np.flatnonzero(_in_reach(law, question, usable, recent[:, where]))
    found = np.where(np.isnan(usable).any(axis=0), np.nan, np.zeros(usable.shape))
    found[:, near] = passage.first_passage(
        law.only(near).blocks(question.paths, block=passage.block_size(question.paths, law.horizon)),
        tail=recent[1:, where][:, near],
        usable=lambda one: usable[:, near[one]],
        window=question.window(forecast.step),
        aggregate=question.aggregate,
        direction=question.direction,
        shape=(law.horizon, len(near)),
    )
    return found


def _in_reach(law: Law, question: Question, usable: Array, recent: Array) -> Flags:
    """Whether any sample of any path, or of the window at the cutoff, is past the least that may be used."""
    if not isinstance(law, Law):
        return np.ones(usable.shape[1], dtype=bool)
    above = question.direction == "above"
    worst, least = (np.maximum, np.minimum) if above else (np.minimum, np.maximum)
    far = worst.reduce(law.quantile(law.farthest(question.paths, above=above)))
    return passage.past(worst(far, worst.reduce(recent)), least.reduce(usable), question.direction)


def _jumps(forecast: Forecast) -> npt.NDArray[np.intp]:
    """Return the row of the history at which the level of each series last jumped; 0: nowhere."""
    if forecast.since is None:
        return np.zeros(len(forecast.columns), dtype=np.intp)
    jumped = pd.DatetimeIndex(forecast.since.fillna(forecast.history.index[0]))
    return np.asarray(forecast.history.index.searchsorted(jumped), dtype=np.intp)
