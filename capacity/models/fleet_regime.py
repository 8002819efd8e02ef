"""Regimes: whether a series jumped to another level, or has begun to climb.

Both are read off deseasonalised block means (days, on a fine grid), up to the cutoff. A jump is one that dwarfs every
other change of level in the series' own history and has lasted; a climb is a change of slope that residuals hanging
together cannot explain. After a jump the level restarts and the season is kept; after either, candidates are weighed
by what they got right since.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from capacity.models.base import FloatArray

__all__ = ["Regime", "regimes"]

IntArray = npt.NDArray[np.int64]

# Blocks on either side from which a level is read.
SIDE = 3
# A jump is this many times what levels otherwise change by (median absolute change), and this share of it lasts.
JUMP = 12.0
LASTING = 0.6
# A climb: at least so many blocks of it, within so many, and an F statistic (deflated for residuals that hang
# together) that two free slopes on a random walk rarely reach.
LEAST_CLIMB = 6
WINDOW = 56
CLIMB = 120.0


@dataclass(frozen=True)
class Regime:
    """Where each series' present regime began.

    Attributes
    ----------
    age : ndarray of int, shape (series,)
        Blocks before the cutoff; 0 where no break was found.
    jump : ndarray, shape (series,)
        How far the level jumped; 0 where it did not.
    since : ndarray of int, shape (series,)
        Blocks before the cutoff at which it jumped; 0 where it did not.
    climbing : ndarray of bool, shape (series,)
        Whether its slope changed there.
    """

    age: IntArray
    jump: FloatArray
    since: IntArray
    climbing: npt.NDArray[np.bool_]


def regimes(means: FloatArray) -> Regime:
    """Look for the last jump or climb of every series; ``means`` has shape (blocks, series)."""
    age, jump = _jumps(means)
    settled = means.copy()
    for column in np.flatnonzero(age):
        settled[: len(means) - age[column], column] += jump[column]
    climb = _climbs(settled)
    return Regime(np.where(climb > 0, climb, age), jump, age, climb > 0)


def _jumps(means: FloatArray) -> tuple[IntArray, FloatArray]:
    blocks, series = means.shape
    none = np.zeros(series, dtype=np.int64), np.zeros(series)
    if blocks < 4 * SIDE:
        return none
    windows = np.lib.stride_tricks.sliding_window_view(means, SIDE, axis=0)
    level = np.median(windows, axis=-1)
    change = level[SIDE:] - level[:-SIDE]
    # change[i] compares the SIDE blocks from i + SIDE on with those before.
    usual = np.median(np.abs(change), axis=0)
    place = np.abs(change).argmax(axis=0)
    size = change[place, np.arange(series)]
    start = _sharpest(means, place + SIDE)
    others = np.abs(change)
    apart = np.abs(np.arange(len(change))[:, None] - place) > SIDE
    rival = np.where(apart, others, 0.0).max(axis=0)
    lasting = np.array([np.median(means[begin:, column]) for column, begin in enumerate(start)])
    before = np.array([np.median(means[max(0, begin - 7) : begin, column]) for column, begin in enumerate(start)])
    lasts = np.sign(size) * (lasting - before) >= LASTING * np.abs(size)
    found = (np.abs(size) > JUMP * usual) & (np.abs(size) > 2.0 * rival) & lasts & (usual > 0)
    return np.where(found, blocks - start, 0).astype(np.int64), np.where(found, lasting - before, 0.0)


def _sharpest(means: FloatArray, start: IntArray) -> IntArray:
    """Move each start to the steepest single step within two blocks of it: medians of three blur where a jump is."""
    near = np.clip(start + np.arange(-2, 3)[:, None], 1, len(means) - 1)
    column = np.arange(means.shape[1])
    steps = np.abs(means[near, column] - means[near - 1, column])
    return np.asarray(near[steps.argmax(axis=0), column])


def _climbs(means: FloatArray) -> IntArray:
    """Age in blocks of a change of slope, 0 where there is none worth the name."""
    used = means[-WINDOW:]
    blocks, series = used.shape
    if blocks <= 3 * LEAST_CLIMB:
        return np.zeros(series, dtype=np.int64)
    time = np.arange(blocks, dtype=float)
    straight = _residual(used, np.stack([np.ones(blocks), time], axis=1))
    whole = (straight**2).sum(axis=0)
    best, best_age, hang = np.full(series, np.inf), np.zeros(series, dtype=np.int64), np.zeros(series)
    for age in range(LEAST_CLIMB, blocks - 2 * LEAST_CLIMB):
        knee = np.maximum(time - (blocks - 1 - age), 0.0)
        residual = _residual(used, np.stack([np.ones(blocks), time, knee], axis=1))
        power = (residual**2).sum(axis=0)
        better = power < best
        tied = (residual[1:] * residual[:-1]).sum(axis=0) / np.where(power > 0, power, 1.0)
        best, best_age = np.where(better, power, best), np.where(better, age, best_age)
        hang = np.where(better, np.clip(tied + 2.0 / blocks, 0.0, 0.97), hang)
    statistic = (whole - best) / np.where(best > 0, best, np.inf) * (blocks - 3)
    return np.where(statistic * (1 - hang) / (1 + hang) > CLIMB, best_age, 0)


def _residual(values: FloatArray, basis: FloatArray) -> FloatArray:
    orthogonal, _ = np.linalg.qr(basis)
    return np.asarray(values - orthogonal @ (orthogonal.T @ values), dtype=float)
