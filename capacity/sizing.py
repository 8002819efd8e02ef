"""How much to add: the least that keeps the risk, and what is regretted least when too little and too much cost.

Both are read off the same chance of a breach, asked again with more room: the least addition at which it is no more
than a given probability. For the risk that is put up with, that is the recommended size. For costs, one more unit is
worth it as long as the chance that it is missed, times what that costs, exceeds what it costs to stand idle otherwise:
the newsvendor's rule (Arrow, Harris & Marschak 1951), so that the probability is idle ÷ (short + idle).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity import limits as lim
from capacity import passage
from capacity.catalog import Cost
from capacity.chances import breach_chances
from capacity.decision import Question
from capacity.forecast import Forecast

__all__ = ["sizes"]

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Chance = Callable[[Array], Array]

# An addition is found to this share of what is usable: a thousand paths know no more.
FINE = 1e-3
# A bracket that has been doubled so often holds any amount that a double can tell from the limit.
DOUBLED = 40


def sizes(
    forecast: Forecast,
    question: Question,
    *,
    limits: lim.Limits,
    now: Array,
    places: Sequence[int],
    risk: float,
    cost: Cost | None = None,
    unit_size: float | None = None,
) -> pd.DataFrame:
    """Return what to add to the limit of these series, as if it were there today.

    Parameters
    ----------
    limits : Limits
        Over the history and the horizon.
    now : ndarray, shape (series,)
        The event's aggregate at the cutoff, of all series.
    places : sequence of int
        Which series: those that can be judged.
    risk : float
        The probability of a breach within what is carried that is put up with.

    Returns
    -------
    DataFrame, a row a series, in the order of ``places``
        ``add`` (to the limit, in the base unit; whole units where it is sold by them; 0: it is enough), ``units`` (NaN:
        sold by any amount), ``add_share`` (``add`` ÷ limit), ``least_regret`` (NaN without costs; below 0: that much
        less is enough; in whole units, too).
    """
    chosen = np.asarray(places, dtype=np.intp)
    limit, _, _, usable = (part[chosen] for part in question.taken(limits, -len(forecast.index) - 1))
    asked = [(risk, True)] + ([(cost.level, False)] if cost is not None else [])
    chance = _chance(forecast, question, limits, now, np.tile(chosen, len(asked)))
    levels = np.concatenate([np.full(len(chosen), level) for level, _ in asked])
    floor = np.concatenate([np.full(len(chosen), only_more) for _, only_more in asked])
    room = np.tile(np.abs(usable), len(asked))
    found = _least(chance, levels, room=room, only_more=floor) if len(chosen) else np.empty(0)
    # What the reserve and the buffer take of a limit, they take of what is added to it.
    bought = found * np.tile(limit / usable, len(asked)) if question.direction == "above" else found
    add, units = _sold(bought[: len(chosen)], unit_size)
    least, _ = _sold(bought[len(chosen) :], unit_size)
    return pd.DataFrame(
        {
            "add": add,
            "units": units,
            "add_share": add / np.abs(limit),
            "least_regret": least if cost is not None else np.nan,
        },
        index=forecast.columns[chosen],
    )


def _sold(add: Array, unit_size: float | None) -> tuple[Array, Array]:
    """Round up to whole units."""
    if unit_size is None:
        return add, np.full(len(add), np.nan)
    units = np.ceil(add / unit_size - FINE)
    return units * unit_size, units


def _chance(forecast: Forecast, question: Question, limits: lim.Limits, now: Array, places: Places) -> Chance:
    """Return a function from an addition of room, shape (series,), to P(breach within what is carried)."""
    some = _some(forecast, places)
    mine = replace(
        limits,
        owner=limits.owner[places],
        domains=None if limits.domains is None else limits.domains[places],
    )
    horizon = len(forecast.index)
    usable = question.usable(mine, times=slice(-horizon - 1, None))
    ahead = (forecast.index - forecast.cutoff).to_numpy()
    last = (ahead[:, None] <= forecast.carried.to_numpy()[places][None, :]).sum(axis=0) - 1
    window = question.window(forecast.step)
    held = some.history.ffill().iloc[-window:].bfill().to_numpy(dtype=float)
    recent = np.concatenate([np.repeat(held[:1], window - len(held), axis=0), held])
    sign = 1.0 if question.direction == "above" else -1.0

    def chance(added: Array) -> Array:
        room = usable + sign * added
        met, _ = breach_chances(some, question, room=lambda where: room[1:, where], recent=recent)
        already = passage.past(now[places], room[0], question.direction)
        return np.where(already, 1.0, met[np.maximum(last, 0), np.arange(len(places))])

    return chance


def _some(forecast: Forecast, places: Places) -> Forecast:
    return replace(
        forecast,
        history=forecast.history.iloc[:, places],
        law=forecast.law.only(places),
        since=None if forecast.since is None else forecast.since.iloc[places],
    )


def _least(chance: Chance, levels: Array, *, room: Array, only_more: npt.NDArray[np.bool_]) -> Array:
    """Return the least addition at which the chance is at or below its level, by doubling and halving.

    Not below 0 where ``only_more``; else not below what takes all room away.
    """
    scale = np.where(room > 0, room, 1.0)
    slack = 1e-9
    here = chance(np.zeros(len(room)))
    enough = here <= levels + slack
    low, high = np.zeros(len(room)), np.zeros(len(room))
    low[enough & ~only_more] = -room[enough & ~only_more]
    high[~enough] = FINE * 8 * scale[~enough]
    for _ in range(DOUBLED):
        short = (high > 0) & (chance(high) > levels + slack)
        if not short.any():
            break
        low, high = np.where(short, high, low), np.where(short, 2 * high, high)
    while ((high - low) > FINE * scale).any():
        middle = (low + high) / 2
        fits = chance(middle) <= levels + slack
        low, high = np.where(fits, low, middle), np.where(fits, middle, high)
    return np.where(np.isfinite(here), high, np.nan)
