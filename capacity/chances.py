"""The chance of having met the event by each step ahead: first passage over paths, blended with precedents."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity import passage, precedents
from capacity.decision import Question
from capacity.forecast import Forecast
from capacity.paths import Law

__all__ = ["breach_chances"]

Array = npt.NDArray[np.float64]
Progress = Callable[[int, int, str], object]


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
        values = passage.gathered(shares, shape=(horizon, series), progress=told)
    else:
        values = passage.first_passage(
            forecast.iter_paths(question.paths, block=passage.block_size(question.paths, horizon)),
            tail=recent[1:],
            usable=room,
            window=window,
            aggregate=question.aggregate,
            direction=question.direction,
            shape=(horizon, series),
            progress=told,
        )
    drawn = np.fmax.reduce(values, axis=0, initial=0.0)
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


def _jumps(forecast: Forecast) -> npt.NDArray[np.intp]:
    """Return the row of the history at which the level of each series last jumped; 0: nowhere."""
    if forecast.since is None:
        return np.zeros(len(forecast.columns), dtype=np.intp)
    jumped = pd.DatetimeIndex(forecast.since.fillna(forecast.history.index[0]))
    return np.asarray(forecast.history.index.searchsorted(jumped), dtype=np.intp)
