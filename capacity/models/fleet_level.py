"""Levels and slopes of deseasonalised series, batched: what a series is at, where it is going, how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from capacity.models.fleet_fit import Float32

IntArray = npt.NDArray[np.int64]

__all__ = ["Drift", "block_means", "damped_trend", "drift", "smoothed"]


def block_means(level: Float32, block: int) -> Float32:
    """Means of blocks counted back from the last row; shape (blocks, series), at least one block."""
    blocks = max(1, len(level) // block)
    used = level[-blocks * block :] if len(level) >= block else level
    return np.asarray(used.reshape(blocks, -1, level.shape[1]).mean(axis=1), dtype=np.float32)


def smoothed(means: Float32, alpha: float) -> Float32:
    """Exponentially weighted mean of blocks, the last one weighing most; shape (series,)."""
    weights = ((1 - alpha) ** np.arange(len(means) - 1, -1, -1.0)).astype(np.float32)
    return np.asarray(weights @ means / weights.sum(), dtype=np.float32)


def damped_trend(means: Float32, *, alpha: float, beta: float, damping: float) -> tuple[Float32, Float32]:
    """Holt's damped trend over blocks; returns (level, slope a block)."""
    level, slope = _damped_weights(len(means), alpha, beta, damping) @ means
    return level, slope


@lru_cache(maxsize=256)
def _damped_weights(blocks: int, alpha: float, beta: float, damping: float) -> Float32:
    """Return what each block adds to Holt's level and slope, shape (2, blocks): both are linear in the blocks."""
    means = np.eye(blocks)
    level = means[: max(1, len(means) // 4)].mean(axis=0)
    slope = np.zeros_like(level)
    for mean in means:
        ahead = level + damping * slope
        updated = ahead + alpha * (mean - ahead)
        slope = damping * slope + beta * (updated - level - damping * slope)
        level = updated
    return np.stack([level, slope]).astype(np.float32)


@dataclass(frozen=True)
class Drift:
    """A straight trend: ``slope`` a block, shrunk by what its standard error leaves of it."""

    slope: Float32
    error: Float32


def drift(means: Float32, since: IntArray | None = None) -> Drift:
    """Fit a line through block means and keep of its slope what cannot be noise.

    The standard error allows for residuals that hang together from block to block (an AR(1) inflation); the slope is
    shrunk by 1 − (error/slope)², which leaves a true trend as it is and takes a chance one to zero. ``since`` says how
    many of the last blocks count, per series.
    """
    blocks, series = means.shape
    used = np.full(series, blocks) if since is None else np.clip(since, 1, blocks)
    if (used == used[0]).all():
        # One line of time serves all.
        used = used[:1]
    blocks = int(used.max())
    means = means[-blocks:]
    inside = np.arange(blocks)[:, None] >= blocks - used
    time = np.where(inside, np.arange(blocks)[:, None] - (blocks - 1 - (used - 1) / 2), 0.0)
    spread = np.maximum((time**2).sum(axis=0), 1.0)
    slope = (time * means).sum(axis=0) / spread
    middle = np.where(inside, means, 0.0).sum(axis=0) / used
    residual = np.where(inside, means - middle - time * slope, 0.0)
    power = (residual**2).sum(axis=0)
    hang = (residual[1:] * residual[:-1]).sum(axis=0) / np.where(power > 0, power, 1.0)
    hang = np.clip(hang + 2.0 / used, 0.0, 0.97)
    error = np.sqrt(power / np.maximum(used - 2, 1) * (1 + hang) / (1 - hang) / spread)
    keep = np.clip(1 - (error / np.where(slope != 0, np.abs(slope), np.inf)) ** 2, 0.0, 1.0)
    enough = used >= 4
    return Drift(np.where(enough, np.where(error > 0, keep, 1.0) * slope, 0.0), np.where(enough, error, 0.0))
