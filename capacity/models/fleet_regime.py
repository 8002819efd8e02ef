"""Regimes: whether a series jumped to another level, or has begun to climb.

Both are read off deseasonalised block means (days, on a fine grid), up to the cutoff. A jump is one that dwarfs every
other change of level in the series' own history and has lasted; a climb is a change of slope that residuals hanging
together cannot explain. After a jump the level restarts and the season is kept; after either, candidates are weighed
by what they got right since.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from capacity.models.fleet_fit import Float32

__all__ = ["Regime", "regimes"]

IntArray = npt.NDArray[np.int64]

# Blocks on either side from which a level is read.
SIDE = 3
# A jump is this many times what levels otherwise change by (median absolute change), so many times the next largest
# change, and this share of it lasts. One in the last blocks needs less: to overlook it costs most there, and what
# looks like one in the middle of a history is mostly a season that nobody fitted.
JUMP, RIVAL = 12.0, 2.0
# What fades again is weather, not a jump: at the edge every block since must hold this share of the largest.
EDGE, EDGE_JUMP, EDGE_RIVAL = 4, 5.0, 1.4
HELD = 0.6
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
    jump: Float32
    since: IntArray
    climbing: npt.NDArray[np.bool_]


def regimes(means: Float32) -> Regime:
    """Look for the last jump or climb of every series; ``means`` has shape (blocks, series)."""
    age, jump = _jumps(means)
    settled = means.copy()
    for column in np.flatnonzero(age):
        settled[: len(means) - age[column], column] += jump[column]
    climb = _climbs(settled)
    return Regime(np.where(climb > 0, climb, age), jump, age, climb > 0)


def _jumps(means: Float32) -> tuple[IntArray, Float32]:
    blocks, series = means.shape
    none = np.zeros(series, dtype=np.int64), np.zeros(series, dtype=np.float32)
    if blocks < 4 * SIDE:
        return none
    level = _middle_of_three(means)
    change = level[SIDE:] - level[:-SIDE]
    # change[i] compares the SIDE blocks from i + SIDE on with those before.
    others = np.abs(change)
    place = others.argmax(axis=0)
    size = change[place, np.arange(series)]
    start = _sharpest(means, place + SIDE)
    # What levels otherwise change by is read where the jump is in neither of the two compared.
    apart = np.abs(np.arange(len(change))[:, None] - place) > SIDE
    rival = np.where(apart, others, 0.0).max(axis=0)
    ordered, many = np.sort(np.where(apart, others, np.inf), axis=0), max(1, len(others) - 2 * SIDE - 1)
    usual = (ordered[(many - 1) // 2] + ordered[many // 2]) / 2
    edge = (start >= blocks - EDGE) & (start <= blocks - SIDE)
    far = np.where(edge, EDGE_JUMP, JUMP) * usual
    alone = np.where(edge, EDGE_RIVAL, RIVAL) * rival
    age, jump = np.zeros(series, dtype=np.int64), np.zeros(series, dtype=np.float32)
    for column in np.flatnonzero((np.abs(size) > far) & (np.abs(size) > alone) & (usual > 0) & np.isfinite(usual)):
        begin = start[column]
        before = np.median(means[max(0, begin - 7) : begin, column])
        held = np.sign(size[column]) * (means[begin:, column] - before)
        if np.median(held) >= LASTING * abs(size[column]) and (not edge[column] or held.min() >= HELD * held.max()):
            age[column], jump[column] = blocks - begin, np.median(means[begin:, column]) - before
    return age, jump


def _middle_of_three(means: Float32) -> Float32:
    """Median of every three neighbouring blocks (`SIDE`)."""
    one, two, three = means[:-2], means[1:-1], means[2:]
    return np.asarray(np.maximum(np.minimum(one, two), np.minimum(np.maximum(one, two), three)))


def _sharpest(means: Float32, start: IntArray) -> IntArray:
    """Move each start to the steepest single step within two blocks of it: medians of three blur where a jump is."""
    near = np.clip(start + np.arange(-2, 3)[:, None], 1, len(means) - 1)
    column = np.arange(means.shape[1])
    steps = np.abs(means[near, column] - means[near - 1, column])
    return np.asarray(near[steps.argmax(axis=0), column])


def _climbs(means: Float32) -> IntArray:
    """Age in blocks of a change of slope, 0 where there is none worth the name."""
    used = means[-WINDOW:]
    blocks, series = used.shape
    if blocks <= 3 * LEAST_CLIMB:
        return np.zeros(series, dtype=np.int64)
    line, knees = _knees(blocks)
    straight = used - line @ (line.T @ used)
    power = np.maximum((straight**2).sum(axis=0), 1e-30)
    gain = knees @ straight
    best = (gain**2).argmax(axis=0)
    most = gain[best, np.arange(series)]
    left = np.maximum(power - most**2, 1e-12 * power)
    residual = straight - knees[best].T * most
    hang = np.clip((residual[1:] * residual[:-1]).sum(axis=0) / left + 2.0 / blocks, 0.0, 0.97)
    statistic = most**2 / left * (blocks - 3)
    return np.where(statistic * (1 - hang) / (1 + hang) > CLIMB, best + LEAST_CLIMB, 0)


@lru_cache(maxsize=64)
def _knees(blocks: int) -> tuple[Float32, Float32]:
    """Return an orthonormal straight line (blocks, 2), and what each knee adds to it, (age, blocks), of length 1."""
    time = np.arange(blocks, dtype=float)
    line = np.linalg.qr(np.stack([np.ones(blocks), time], axis=1))[0]
    ages = np.arange(LEAST_CLIMB, blocks - 2 * LEAST_CLIMB)
    knees = np.maximum(time - (blocks - 1 - ages[:, None]), 0.0)
    knees -= knees @ line @ line.T
    knees /= np.sqrt((knees**2).sum(axis=1, keepdims=True))
    return line.astype(np.float32), knees.astype(np.float32)
