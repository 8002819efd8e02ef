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

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from capacity.grids import Seasons

__all__ = ["Copula", "Process", "fit_copula", "latent_ranks"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Process:
    """One unit-variance process: ``decay`` and ``echo`` by ``keep`` a step (a cycle), ``wander`` by its power.

    What an echo repeats is no single step but hangs together itself, by ``within`` a step: a wrong hour of the day has
    wrong neighbours.
    """

    kind: str
    keep: float
    lag: int = 1
    within: float = 0.0

    def correlation(self, first: FloatArray, second: FloatArray) -> FloatArray:
        """Correlation between steps ahead ``first`` ≤ ``second``."""
        if self.kind == "wander":
            return np.asarray((first / second) ** self.keep, dtype=float)
        apart = second - first
        if self.kind == "echo":
            cycle = np.floor(apart / self.lag)
            past = apart - cycle * self.lag
            near = self.keep**cycle * self.within**past
            after = self.keep ** (cycle + 1) * self.within ** (self.lag - past)
            return np.asarray(np.where(past > 0, near + after, near), dtype=float)
        return np.asarray(self.keep**apart, dtype=float)

    def run(self, noise: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Turn white noise (horizon, paths) into the process, in place."""
        if not self.keep:
            return noise
        if self.within:
            noise = Process("decay", self.within).run(noise)
        step = np.arange(len(noise), dtype=np.float64)
        keep = (step / (step + 1)) ** self.keep if self.kind == "wander" else np.full(len(noise), self.keep)
        # Rows a lag apart follow each other; those between them do not wait for one another.
        noise[self.lag :] *= np.sqrt(1 - keep[self.lag :, None] ** 2).astype(np.float32)
        factor = keep.astype(np.float32)
        for start in range(self.lag, len(noise), self.lag):
            part = slice(start, min(start + self.lag, len(noise)))
            noise[part] += factor[part, None] * noise[start - self.lag : part.stop - self.lag]
        return noise


@dataclass(frozen=True)
class Copula:
    """A mixture of processes, and how unlike each other whole trajectories are.

    Attributes
    ----------
    processes : tuple of Process
    weights : tuple of float
        Variances; they sum to 1.
    unrest : float
        Standard deviation of the logarithm of a factor that a whole trajectory has: some stretches are calm, some wild.
        Large errors then come together in few trajectories, where without it each would meet its share of them.
    """

    processes: tuple[Process, ...]
    weights: tuple[float, ...]
    unrest: float = 0.0


WHITE = Process("decay", 0.0)
# Samples behind a correlation that is listened to.
LEAST_PAIRS = 6
# Sizes of standardised errors count up to this, and trajectories are no more unlike than this: two thirds lie within a
# factor of 2.7 of the middle then.
MOST_SIZE, MOST_UNREST = 8.0, 1.0
# Hours that a wrong time of day lasts, and how well it is repeated on the next day and in the next week.
ECHO_HOURS, ECHO_DAYS, ECHO_WEEKS = (2.0, 5.0), (0.95, 0.7), 0.9


def dictionary(seasons: Seasons) -> tuple[Process, ...]:
    """Return the processes that a grid can tell apart."""
    day = seasons.day or max(1, round(86_400 / seasons.step_s))
    scales = [2.0, 8.0, day / 2, float(day), 3.0 * day, 10.0 * day, 40.0 * day]
    apart = [scale for place, scale in enumerate(scales) if scale >= 2 and scale not in scales[:place]]
    decays = [Process("decay", float(np.exp(-1 / scale))) for scale in apart]
    wander = [Process("wander", power) for power in (0.5, 0.15)]
    echoes = [Process("echo", 0.95, seasons.day)] if seasons.day > 3 else []
    echoes += [Process("echo", 0.9, seasons.week)] if seasons.week > 3 else []
    if seasons.day > 3:
        near = [float(np.exp(-24 / (hours * seasons.day))) for hours in ECHO_HOURS]
        echoes += [Process("echo", keep, seasons.day, within) for within in near for keep in ECHO_DAYS]
        echoes += [Process("echo", ECHO_WEEKS, seasons.week, within) for within in near] if seasons.week > 3 else []
    return (WHITE, *decays, *wander, *echoes)


def fit_copula(standardised: FloatArray, *, seasons: Seasons, steps: IntArray | None = None) -> Copula:
    """Fit the mixture to standardised trajectories of shape (fold, step, series); NaN where there is no truth.

    ``steps`` are the steps ahead; by default 1, 2, 3 and so on.
    """
    ahead = np.arange(1, standardised.shape[1] + 1) if steps is None else steps
    first, second, observed, weight = _correlations(_normal_scores(standardised), ahead)
    processes = dictionary(seasons)
    if len(observed) < 3:
        return Copula((Process("decay", float(np.exp(-1 / max(seasons.day, 2)))), WHITE), (0.7, 0.3))
    basis = np.stack([process.correlation(first, second) for process in processes], axis=1)
    weights = _mixture(basis, observed, weight)
    kept = [(process, share) for process, share in zip(processes, weights, strict=True) if share > 0.005]
    total = sum(share for _, share in kept)
    chosen, shares = tuple(process for process, _ in kept), tuple(share / total for _, share in kept)
    return Copula(chosen, shares, _unrest(standardised, ahead, Copula(chosen, shares)))


def _normal_scores(standardised: FloatArray) -> FloatArray:
    """Scores with a unit second moment and thin tails; the sign and the order are kept."""
    bounded = np.clip(standardised, -4.0, 4.0)
    return np.asarray(np.tanh(bounded / 2.0), dtype=float)


def _correlations(scores: FloatArray, steps: IntArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Correlation at all pairs of steps ahead: (first, second, correlation, weight).

    Pairs are as many as squares are; a weight shares each stretch of distance and of place evenly among its pairs.
    """
    flat = scores.transpose(0, 2, 1).reshape(-1, scores.shape[1])
    known = np.isfinite(flat)
    x = np.where(known, flat, 0.0)
    seen = known.astype(float)
    product, power = x.T @ x, (x * x).T @ seen
    spread = np.sqrt(power * power.T)
    folds = np.isfinite(scores).any(axis=2).astype(float)
    shared = (folds.T @ folds) * (known.sum() / max(folds.sum(), 1.0))
    row, column = np.nonzero(np.triu((spread > 0) & (shared >= LEAST_PAIRS), 1))
    first, second = steps[row].astype(float), steps[column].astype(float)
    stretch = np.round(2 * np.log2(second - first)) * 64 + np.round(2 * np.log2(first))
    _, place, many = np.unique(stretch, return_inverse=True, return_counts=True)
    weight = np.sqrt(shared[row, column]) / many[place]
    return first, second, product[row, column] / spread[row, column], weight


def _unrest(standardised: FloatArray, ahead: IntArray, copula: Copula) -> float:
    """Fit how unlike trajectories are, by how large errors of one come together.

    Where errors are a factor of the trajectory times normal ones of correlation ρ, the mean product of two sizes over
    the product of their means is exp(unrest²) · (√(1 − ρ²) + ρ asin ρ).
    """
    flat = standardised.transpose(0, 2, 1).reshape(-1, standardised.shape[1])
    known = np.isfinite(flat).astype(float)
    size = np.minimum(np.abs(np.where(known > 0, flat, 0.0)), MOST_SIZE)
    pairs, product, total = known.T @ known, size.T @ size, size.T @ known
    row, column = np.nonzero(np.triu((pairs >= LEAST_PAIRS) & (product > 0), 1))
    if not len(row):
        return 0.0
    first, second = ahead[row].astype(float), ahead[column].astype(float)
    parts = zip(copula.processes, copula.weights, strict=True)
    rho = np.clip(np.sum([share * process.correlation(first, second) for process, share in parts], axis=0), 0.0, 1.0)
    together = product[row, column] * pairs[row, column] / (total[row, column] * total[column, row])
    weight = pairs[row, column] * (1 - rho**2)
    apart = np.log(together) - np.log(np.sqrt(1 - rho**2) + rho * np.arcsin(rho))
    found = float((weight * apart).sum() / max(weight.sum(), 1e-9))
    return float(np.sqrt(np.clip(found, 0.0, MOST_UNREST**2)))


def _mixture(basis: FloatArray, observed: FloatArray, weight: FloatArray) -> FloatArray:
    """Non-negative weights that sum to 1: weighted least squares, with a heavy penalty on (Σw − 1)²."""
    scaled = np.sqrt(weight / weight.sum())[:, None]
    many = basis.shape[1]
    rows = np.concatenate([basis * scaled, 1e-2 * np.eye(many), np.ones((1, many))])
    target = np.concatenate([observed * scaled[:, 0], np.zeros(many), [1.0]])
    triangle = np.asarray(np.linalg.qr(np.column_stack([rows, target]), mode="r"))
    weights = nnls(triangle[:, :many], triangle[:, many])[0]
    return np.asarray(weights / weights.sum(), dtype=float)


def latent_ranks(copula: Copula, *, horizon: int, paths: int, generator: np.random.Generator) -> npt.NDArray[np.int32]:
    """Draw ``paths`` rank trajectories, shape (paths, horizon): at every step a permutation of 0 … paths − 1.

    Ranks instead of values: the share of paths below any level is then exact at every step, and what is random is
    only how steps hang together.
    """
    total = np.zeros((horizon, paths), dtype=np.float32)
    for process, weight in zip(copula.processes, copula.weights, strict=True):
        noise = process.run(generator.standard_normal((horizon, paths), dtype=np.float32))
        noise *= np.float32(np.sqrt(weight))
        total += noise
    if copula.unrest:
        total *= np.exp(np.float32(copula.unrest) * generator.standard_normal(paths, dtype=np.float32))
    order = np.argsort(total, axis=1)
    ranks = np.empty((horizon, paths), dtype=np.int32)
    np.put_along_axis(ranks, order, np.arange(paths, dtype=np.int32)[None], axis=1)
    return np.ascontiguousarray(ranks.T)
