"""How errors hang together along the horizon: a Gaussian copula whose correlation is fitted to the folds' trajectories.

The standardised fold errors of a kind are turned into normal scores. Their correlation between any two steps ahead is
explained by a mixture of a few processes, each of which can be run on for ever: paths may be longer than any fold.

- decay: what is forgotten after an hour, a day, a week;
- wander: a random walk over its own growth (correlation of h and h' is a power of h/h'), a wrong level or slope;
- echo: the same time of day, or of week, wrong again;
- the rest: independent from step to step.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from capacity.grids import Seasons

__all__ = ["Copula", "Process", "fit_copula", "latent_ranks"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Process:
    """One unit-variance process: ``decay`` and ``echo`` by ``keep`` a step (a cycle), ``wander`` by its power."""

    kind: str
    keep: float
    lag: int = 1

    def correlation(self, first: FloatArray, second: FloatArray) -> FloatArray:
        """Correlation between steps ahead ``first`` ≤ ``second``."""
        if self.kind == "wander":
            return np.asarray((first / second) ** self.keep, dtype=float)
        apart = second - first
        if self.kind == "echo":
            return np.where(apart % self.lag == 0, self.keep ** (apart / self.lag), 0.0)
        return np.asarray(self.keep**apart, dtype=float)

    def run(self, noise: FloatArray) -> FloatArray:
        """Turn white noise (horizon, paths) into the process, in place."""
        for step in range(self.lag, len(noise)):
            keep = (step / (step + 1)) ** self.keep if self.kind == "wander" else self.keep
            noise[step] = keep * noise[step - self.lag] + np.sqrt(1 - keep * keep) * noise[step]
        return noise


@dataclass(frozen=True)
class Copula:
    """A mixture of processes; ``weights`` are variances and sum to 1."""

    processes: tuple[Process, ...]
    weights: tuple[float, ...]


WHITE = Process("decay", 0.0)


def dictionary(seasons: Seasons) -> tuple[Process, ...]:
    """Return the processes that a grid can tell apart."""
    day = seasons.day or max(1, round(86_400 / seasons.step_s))
    scales = [2.0, 8.0, day / 2, float(day), 3.0 * day, 10.0 * day, 40.0 * day]
    apart = [scale for place, scale in enumerate(scales) if scale >= 2 and scale not in scales[:place]]
    decays = [Process("decay", float(np.exp(-1 / scale))) for scale in apart]
    wander = [Process("wander", power) for power in (0.5, 0.15)]
    echoes = [Process("echo", 0.95, seasons.day)] if seasons.day > 3 else []
    echoes += [Process("echo", 0.9, seasons.week)] if seasons.week > 3 else []
    return (WHITE, *decays, *wander, *echoes)


def fit_copula(standardised: FloatArray, *, seasons: Seasons) -> Copula:
    """Fit the mixture to standardised trajectories of shape (fold, horizon, series); NaN where there is no truth."""
    first, second, observed, weight = _correlations(_normal_scores(standardised), seasons)
    processes = dictionary(seasons)
    if len(observed) < 3:
        return Copula((Process("decay", float(np.exp(-1 / max(seasons.day, 2)))), WHITE), (0.7, 0.3))
    basis = np.stack([process.correlation(first, second) for process in processes], axis=1)
    weights = _mixture(basis, observed, weight)
    kept = [(process, share) for process, share in zip(processes, weights, strict=True) if share > 0.005]
    total = sum(share for _, share in kept)
    return Copula(tuple(process for process, _ in kept), tuple(share / total for _, share in kept))


def _normal_scores(standardised: FloatArray) -> FloatArray:
    """Scores with a unit second moment and thin tails; the sign and the order are kept."""
    bounded = np.clip(standardised, -4.0, 4.0)
    return np.asarray(np.tanh(bounded / 2.0), dtype=float)


def _correlations(scores: FloatArray, seasons: Seasons) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Correlation at pairs of steps ahead that a geometric net picks: (first, second, correlation, weight)."""
    horizon = scores.shape[1]
    day = seasons.day or 1
    lags = sorted({1, 2, 3, 4, 6, 8, 12, 16, day // 2, day, 2 * day, 3 * day, 5 * day, 7 * day, 14 * day, 28 * day,
                   day + day // 2, 10 * day + day // 2, 56 * day})  # fmt: skip
    edges = np.unique(np.round(np.geomspace(1, horizon, 10)).astype(int))
    rows = []
    for lag in lags:
        for low, high in pairwise(edges):
            start, stop = low - 1, min(high - 1, horizon - lag)
            if lag < 1 or stop <= start:
                continue
            product, count = _moment(scores[:, start:stop], scores[:, start + lag : stop + lag])
            if count >= 6:
                middle = float(np.sqrt((start + 1) * stop))
                rows.append((middle, middle + lag, product, np.sqrt(count)))
    table = np.array(rows, dtype=float).reshape(-1, 4)
    return table[:, 0], table[:, 1], table[:, 2], table[:, 3]


def _moment(one: FloatArray, other: FloatArray) -> tuple[float, float]:
    both = np.isfinite(one) & np.isfinite(other)
    x, y = np.where(both, one, 0.0), np.where(both, other, 0.0)
    spread = float(np.sqrt((x * x).sum() * (y * y).sum()))
    folds = float(both.any(axis=1).sum())
    return (float((x * y).sum()) / spread if spread > 0 else 0.0), folds


def _mixture(basis: FloatArray, observed: FloatArray, weight: FloatArray) -> FloatArray:
    """Non-negative weights that sum to 1, by projected coordinate descent on weighted least squares."""
    scaled = weight / weight.sum()
    gram = basis.T @ (basis * scaled[:, None]) + 1e-4 * np.eye(basis.shape[1])
    target = basis.T @ (observed * scaled)
    gram += 1.0  # the sum of the weights is 1: a heavy penalty on (Σw − 1)²
    target = target + 1.0
    weights = np.full(len(target), 1.0 / len(target))
    for _ in range(400):
        for place in range(len(weights)):
            rest = target[place] - gram[place] @ weights + gram[place, place] * weights[place]
            weights[place] = max(0.0, rest / gram[place, place])
    return np.asarray(weights / weights.sum(), dtype=float)


def latent_ranks(copula: Copula, *, horizon: int, paths: int, generator: np.random.Generator) -> IntArray:
    """Draw ``paths`` rank trajectories, shape (paths, horizon): at every step a permutation of 0 … paths − 1.

    Ranks instead of values: the share of paths below any level is then exact at every step, and what is random is
    only how steps hang together.
    """
    total = np.zeros((horizon, paths))
    for process, weight in zip(copula.processes, copula.weights, strict=True):
        total += np.sqrt(weight) * process.run(generator.standard_normal((horizon, paths)))
    order = np.argsort(total, axis=1, kind="stable")
    ranks = np.empty((horizon, paths), dtype=np.int64)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(paths), order.shape), axis=1)
    return np.ascontiguousarray(ranks.T)
