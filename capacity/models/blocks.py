"""A series as block means and the shape within blocks, so that a per-series model has dozens of rows and not thousands.

A block is a day where a fortnight of days is there, an eighth of a day where there is less, and a single step on grids
of half a day and coarser. Blocks are counted back from the last row, so that the last one is whole. What an optimiser
is given is the block means with a short season (7 days, 8 eighths); the shape within is an average of past cycles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from capacity.grids import DAY_S, Seasons
from capacity.models.base import FloatArray, filled

__all__ = ["Blocks", "by_blocks"]

# A fortnight of days lets a day be a block.
LEAST_DAYS = 14
PARTS_OF_A_DAY = 8
# Rows that an optimiser is given at most: two years of days.
MOST_BLOCKS = 730
# The shape within a block is the average of so many cycles; a week's own shape is held to the day's by as many
# pseudo-weeks as are given here.
CYCLES = 8
WEEK_PRIOR = 2.0
# Steps ahead over which what is left of the last hour's surprise fades, as a share of a block.
FADE = 0.25


@dataclass(frozen=True)
class Blocks:
    """Block means and what is needed to come back to steps.

    Attributes
    ----------
    means : ndarray, shape (blocks,)
        Gaps filled from the season before; the last one ends at the cutoff.
    period : int
        Blocks in the means' own season; 0 where there is none.
    block : int
        Steps in a block.
    shape : ndarray, shape (cycle of whole blocks,)
        What a step differs from its block's mean by, from the cutoff on; repeats.
    last : float
        How far the last few steps stood off what their block and the shape said.
    """

    means: FloatArray
    period: int
    block: int
    shape: FloatArray
    last: float

    def steps(self, points: FloatArray, horizon: int) -> FloatArray:
        """Come back from points a block ahead to points a step ahead, shape (horizon,)."""
        ahead = np.arange(horizon)
        fading = self.last * np.exp(-ahead / max(FADE * self.block, 1.0)) if self.block > 1 else 0.0
        return np.asarray(points[ahead // self.block] + self.shape[ahead % len(self.shape)] + fading, dtype=float)


def by_blocks(
    values: FloatArray, grid: Seasons, horizon: int, fit: Callable[[FloatArray, int, int], FloatArray]
) -> FloatArray:
    """Forecast one series through its blocks: ``fit(means, period, blocks ahead)`` gives points a block."""
    parts = _blocks(values, grid)
    ahead = -(-horizon // parts.block)
    return parts.steps(np.asarray(fit(parts.means, parts.period, ahead), dtype=float), horizon)


def _blocks(values: FloatArray, grid: Seasons) -> Blocks:
    whole = filled(values[:, None], lag=grid.lag)[:, 0]
    block, period = _block(grid, len(whole))
    count = min(len(whole) // block, MOST_BLOCKS)
    used = whole[-count * block :].reshape(count, block)
    means = used.mean(axis=1)
    shape = _shape(used - means[:, None], grid, period)
    tail = max(1, block // 8)
    expected = np.resize(shape, (max(len(shape) // block, 1), block))[-1] if block > 1 else np.zeros(1)
    last = float((used[-1, -tail:] - means[-1] - expected[-tail:]).mean()) if block > 1 else 0.0
    return Blocks(means, period, block, shape, last)


def _block(grid: Seasons, rows: int) -> tuple[int, int]:
    """Return (steps a block, blocks a season)."""
    if grid.day and rows >= LEAST_DAYS * grid.day:
        return grid.day, 7 if grid.week else 0
    if grid.day:
        parts = max(part for part in range(1, PARTS_OF_A_DAY + 1) if grid.day % part == 0)
        return grid.day // parts, parts if parts > 1 else 0
    block = max(1, rows // 96) if grid.step_s < DAY_S else 1
    return block, grid.week if 1 < grid.week <= 60 and block == 1 else 0


def _shape(apart: FloatArray, grid: Seasons, period: int) -> FloatArray:
    """Average what steps differ from their block's mean by, (block of the cycle × step of the block,)."""
    count, block = apart.shape
    if block == 1 or not grid.day:
        return np.zeros(block)
    if period < 2 or count < 2 * period:
        return np.asarray(apart[-CYCLES:].mean(axis=0), dtype=float) if block == grid.day else np.zeros(block)
    cycles = min(CYCLES, count // period)
    own = apart[-cycles * period :].reshape(cycles, period, block)
    if block < grid.day:
        return np.asarray(own.mean(axis=0).ravel(), dtype=float)
    day = own.mean(axis=(0, 1))
    return np.asarray(((own.sum(axis=0) + WEEK_PRIOR * day) / (cycles + WEEK_PRIOR)).ravel(), dtype=float)
