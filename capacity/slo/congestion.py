"""How latency rises with load: queueing laws fitted to telemetry, their parameters as a distribution.

Latency is ``base + extra × w(load ÷ capacity)`` with w one of a family: the wait of M/M/c, for 1 to 128 servers
(Erlang C), or the excess of the universal scalability law, from pure contention to pure coherency. For any shape and
capacity and extra ÷ base the best base follows in closed form; so the posterior is computed over a grid of all three,
and nothing has to converge. Monotone regression is the third choice: it assumes nothing, and knows nothing past the
highest load that was seen. Which of the three it is, folds decide that hide the later hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression

from capacity.slo.queueing import erlang_c

__all__ = ["FAMILIES", "GRID", "Binned", "Curves", "binned", "choose", "fitted"]

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

LAWS = ("queue", "usl")
FAMILIES = (*LAWS, "monotone")
SERVERS = (1, 2, 4, 8, 16, 32, 64, 128)
# Contention's share in the scalability law, from coherency alone to contention alone (which is M/M/1).
CONTENTION = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9)
# Capacity is looked for from just above the highest load that was seen up to this multiple of it; a service whose
# busiest hour stood below a quarter of what it can carry shows nothing of its limit.
FURTHEST, CAPACITIES = 4.0, 90
BINS = 48
# A curve is held on this grid of load ÷ capacity, finer towards the end, where it is steep.
GRID: Array = 1.0 - np.geomspace(1.0, 0.002, 160)
# Of a bin that holds fewer hours the curve is not asked; they are joined with the next.
LEAST = 3
# A priori, extra is about as large as base, within a factor of three: what waits is what is served.
LOG_EXTRA = 1.0
EXTRA: Array = np.geomspace(0.1, 10.0, 13)
# Share of the hours that each fold shows, and how many there have to be: a week.
SHOWN = (0.5, 0.65, 0.8)
LEAST_HOURS = 168
FOLD_DRAWS = 60
# Errors up to this many times another's are as good: on a few folds that is what chance does to equals.
WORSE = 1.25


@dataclass(frozen=True)
class Binned:
    """Latency by load: mean load and median latency of each bin, how many independent hours it is worth."""

    load: Array
    latency: Array
    weight: Array
    noise: float


@dataclass(frozen=True)
class Curves:
    """Draws of the relation: ``latency[i]`` at loads ``load[i]``, both of shape (draw, point), load ascending.

    ``bounded``: beyond the last load there is no steady state, the latency is infinite. Otherwise nothing is known of
    it, and it is taken to stay.
    """

    families: tuple[str, ...]
    load: Array
    latency: Array
    capacity: Array
    bounded: bool

    def at(self, draw: int, load: Array) -> Array:
        """Return the latency of one draw at any load."""
        right = np.inf if self.bounded else self.latency[draw, -1]
        return np.asarray(np.interp(load, self.load[draw], self.latency[draw], right=right), dtype=float)

    def usable(self, target: float) -> Array:
        """Return the load at which each draw meets ``target``: ∞ where it never does as far as it is known."""
        past = self.latency >= target
        never = np.inf if not self.bounded else self.load[:, -1]
        first = past.argmax(axis=1)
        rows = np.arange(len(past))
        before = np.maximum(first - 1, 0)
        low, high = self.latency[rows, before], self.latency[rows, first]
        share = np.where(high > low, (target - low) / np.where(high > low, high - low, 1.0), 0.0)
        left, right = self.load[rows, before], self.load[rows, first]
        return np.where(past.any(axis=1), left + np.clip(share, 0.0, 1.0) * (right - left), never)

    def knee(self) -> Array:
        """Return the load of each draw at which load ÷ latency, its power, is highest (Kleinrock 1979)."""
        power = self.load / self.latency
        return np.asarray(self.load[np.arange(len(power)), power.argmax(axis=1)], dtype=float)


def binned(load: Array, latency: Array, *, bins: int = BINS) -> Binned:
    """Gather hours by load, each bin as wide as the next; medians, so that an incident does not bend the curve.

    The noise is that of the logarithm around the bins; hours that follow one another are not independent, and count
    the less the more alike their noise is.
    """
    known = np.isfinite(load) & np.isfinite(latency) & (load > 0) & (latency > 0)
    load, latency, hours = load[known], latency[known], np.flatnonzero(known)
    edges = np.linspace(load.min(), load.max(), bins + 1)
    place = np.clip(np.searchsorted(edges, load, side="right") - 1, 0, bins - 1)
    place = _joined(place, bins)
    count = np.bincount(place)
    centre = np.bincount(place, weights=load) / count
    middle = np.array([np.median(latency[place == one]) for one in range(len(count))])
    rest = np.log(latency) - np.log(middle[place])
    noise = max(1.4826 * float(np.median(np.abs(rest - np.median(rest)))), 1e-4)
    bounded = np.clip(rest, -3 * noise, 3 * noise)
    pairs = np.diff(hours) == 1
    alike = float(np.mean(bounded[1:][pairs] * bounded[:-1][pairs]) / np.mean(bounded**2)) if pairs.any() else 0.0
    worth = (1.0 - min(max(alike, 0.0), 0.98)) / (1.0 + min(max(alike, 0.0), 0.98))
    return Binned(np.asarray(centre, dtype=float), middle, np.asarray(count * worth, dtype=float), noise)


def _joined(place: IntArray, bins: int) -> IntArray:
    """Join bins that hold too few hours with the one below, and number them without gaps."""
    count = np.bincount(place, minlength=bins)
    owner, held, current = np.zeros(bins, dtype=np.int64), 0, 0
    for one in range(bins):
        if held >= LEAST:
            current, held = current + 1, 0
        owner[one] = current
        held += count[one]
    if held < LEAST and current:
        owner[owner == current] = current - 1
    return owner[place]


def choose(load: Array, latency: Array) -> tuple[tuple[str, ...], dict[str, float]]:
    """Return which families are to be believed, the best first, and how wrong each was (mean error of the logarithm).

    Each fold shows the hours up to a date and has the later ones foretold: as load grows, among them are the highest.
    Laws that are about as good as the best are believed together: what lies past the loads that were seen no fold can
    tell. Where every law is worse than monotone regression none holds, and monotone regression knows nothing past them.

    Parameters
    ----------
    load, latency : ndarray, shape (hour,)
    """
    errors: dict[str, list[float]] = {family: [] for family in FAMILIES}
    for share in SHOWN:
        cut = round(share * len(load))
        if np.isfinite(load[:cut] * latency[:cut]).sum() < LEAST_HOURS:
            continue
        if np.isfinite(load[cut:] * latency[cut:]).sum() < LEAST_HOURS / 2:
            continue
        shown, hidden = binned(load[:cut], latency[:cut]), binned(load[cut:], latency[cut:])
        for family in FAMILIES:
            curves = fitted(shown, (family,), draws=FOLD_DRAWS)
            drawn = np.stack([curves.at(draw, hidden.load) for draw in range(len(curves.load))])
            foretold = np.minimum(np.quantile(drawn, 0.5, axis=0, method="inverted_cdf"), 1e3 * shown.latency.max())
            missed = np.abs(np.log(foretold) - np.log(hidden.latency))
            errors[family].append(float(np.average(missed, weights=hidden.weight)))
    scores = {family: float(np.mean(found)) if found else np.nan for family, found in errors.items()}
    laws = sorted((one for one in LAWS if np.isfinite(scores[one])), key=lambda one: scores[one])
    if not laws or scores[laws[0]] > WORSE * scores["monotone"]:
        return ("monotone",), scores
    return tuple(one for one in laws if scores[one] <= WORSE * scores[laws[0]]), scores


def fitted(seen: Binned, families: Sequence[str], *, draws: int, seed: int = 0) -> Curves:
    """Return draws of the curve, over all of these families' shapes and capacities at once."""
    random = np.random.Generator(np.random.Philox(key=[seed % 2**64, 6]))
    if tuple(families) == ("monotone",):
        return _monotone(seen, draws, random)
    return _lawful(seen, tuple(families), draws, random)


@lru_cache(maxsize=4)
def _shapes(families: tuple[str, ...]) -> tuple[Array, Array]:
    """Return the shapes of families on `GRID`, shape (shape, point), and how likely each is before anything is seen."""
    queue = [erlang_c(c, c * GRID) / (c * (1.0 - GRID)) for c in SERVERS] if "queue" in families else []
    found = []
    for contention in CONTENTION:
        second = ((1.0 - contention) / 2.0) ** 2
        straight = 1.0 - contention * GRID
        root = np.sqrt(np.maximum(straight**2 - 4.0 * second * GRID**2, 0.0))
        found.append(2.0 / (straight + root) - 1.0)
    law = found if "usl" in families else []
    prior = [1.0 / len(SERVERS)] * len(queue) + [1.0 / len(CONTENTION)] * len(law)
    return np.stack([*queue, *law]), np.log(prior)


def _lawful(seen: Binned, families: tuple[str, ...], draws: int, random: np.random.Generator) -> Curves:
    """Draw from the posterior over shape, capacity and extra ÷ base, on a grid of all three; base follows from them."""
    shapes, prior = _shapes(families)
    capacity = seen.load.max() * np.geomspace(1.005, FURTHEST, CAPACITIES)
    # (shape, capacity, bin), then (shape, capacity, extra, bin)
    rise = np.stack([np.interp(seen.load[None] / capacity[:, None], GRID, shape) for shape in shapes])
    curve = 1.0 + EXTRA[:, None] * rise[:, :, None, :]
    scale = seen.weight / (seen.noise * seen.latency) ** 2
    power, cross = (curve**2) @ scale, curve @ (scale * seen.latency)
    base = cross / power
    missed = float(scale @ seen.latency**2) - cross * base
    # Student's likelihood, for the noise is known by about as many degrees as there are bins
    degrees = max(len(seen.load) - 3, 2)
    score = -0.5 * (degrees + 1) * np.log1p(missed / degrees) - 0.5 * (np.log(EXTRA) / LOG_EXTRA) ** 2
    chance = np.exp(score - score.max() + prior[:, None, None]).ravel()
    picked = random.choice(len(chance), size=draws, p=chance / chance.sum())
    shape, place, extra = np.unravel_index(picked, score.shape)
    # within its cell of the grid a draw may lie anywhere
    apart = np.log(capacity[1] / capacity[0]), np.log(EXTRA[1] / EXTRA[0])
    limit = capacity[place] * np.exp(apart[0] * (random.random(draws) - 0.5))
    ratio = EXTRA[extra] * np.exp(apart[1] * (random.random(draws) - 0.5))
    wide_of = power.ravel()[picked]
    level = base.ravel()[picked] + random.standard_normal(draws) / np.sqrt(wide_of)
    # a draw that moved within its cell keeps the level that the data have, at the middle of what was seen
    middle = float(np.median(seen.load))
    before = _risen(shapes[shape], middle / capacity[place], EXTRA[extra])
    after = _risen(shapes[shape], middle / limit, ratio)
    latency = (level * before / after)[:, None] * (1.0 + ratio[:, None] * shapes[shape])
    return Curves(families, limit[:, None] * GRID[None], latency, limit, bounded=True)


def _risen(shapes: Array, share: Array, extra: Array) -> Array:
    """Return latency ÷ base of each draw at its own share of capacity."""
    rise = [float(np.interp(at, GRID, shape)) for at, shape in zip(share, shapes, strict=True)]
    return np.asarray(1.0 + extra * np.array(rise), dtype=float)


def _monotone(seen: Binned, draws: int, random: np.random.Generator) -> Curves:
    """Return isotonic fits, of the bins as the noise may have had them."""
    rows = []
    for _ in range(draws):
        jitter = random.standard_normal(len(seen.load)) * seen.noise / np.sqrt(np.maximum(seen.weight, 1.0))
        rows.append(isotonic_regression(seen.latency * np.exp(jitter), weights=seen.weight).x)
    load = np.tile(seen.load, (draws, 1))
    return Curves(("monotone",), load, np.array(rows), np.full(draws, np.nan), bounded=False)
