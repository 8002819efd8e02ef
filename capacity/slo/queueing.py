"""Queueing laws: Erlang C, exactly, and the universal scalability law."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from capacity.errors import HistoryTooShort, ParameterError

__all__ = ["Usl", "erlang_c", "usl"]

Array = npt.NDArray[np.float64]


def erlang_c(servers: int, offered: npt.ArrayLike) -> Array:
    """Return the probability that an arrival has to wait, in a queue with Poisson arrivals and ``servers`` (M/M/c).

    By the recurrence of Erlang B, which is exact and never overflows: B(0) = 1, B(k) = aB / (k + aB), and
    C = B / (1 − ρ(1 − B)). Erlang, Post Office Electrical Engineers' Journal 10 (1917).

    Parameters
    ----------
    servers : int
    offered : array
        Arrival rate × mean service time, in erlangs.

    Returns
    -------
    ndarray
        1 where the servers cannot keep up.
    """
    if servers < 1:
        raise ParameterError(f"a queue needs at least one server, not {servers}.")
    load = np.asarray(offered, dtype=float)
    blocked = np.ones_like(load)
    for server in range(1, servers + 1):
        blocked = load * blocked / (server + load * blocked)
    busy = load / servers
    with np.errstate(divide="ignore", invalid="ignore"):
        waits = blocked / (1.0 - busy * (1.0 - blocked))
    return np.asarray(np.where(busy < 1.0, waits, 1.0), dtype=float)


@dataclass(frozen=True, slots=True)
class Usl:
    """The universal scalability law: throughput at a load of N is γN / (1 + α(N−1) + βN(N−1)).

    Gunther, Guerrilla Capacity Planning (2007): α is contention (what is done one after another), β coherency (what has
    to be agreed on), γ the throughput at a load of one.
    """

    alpha: float
    beta: float
    gamma: float

    def throughput(self, load: npt.ArrayLike) -> Array:
        """Return the throughput at a load."""
        at = np.asarray(load, dtype=float)
        return np.asarray(self.gamma * at / (1.0 + self.alpha * (at - 1.0) + self.beta * at * (at - 1.0)))

    @property
    def peak(self) -> tuple[float, float]:
        """The load with the highest throughput, and that throughput; ∞ and the limit where coherency costs nothing."""
        if self.beta <= 0:
            return np.inf, self.limit
        load = float(np.sqrt((1.0 - self.alpha) / self.beta))
        return load, float(self.throughput(load))

    @property
    def limit(self) -> float:
        """What contention alone would limit throughput to; ∞ without contention (Amdahl)."""
        return self.gamma / self.alpha if self.alpha > 0 else np.inf

    @property
    def optimum(self) -> tuple[float, float]:
        """The load at which a line through the start meets the limit, and the throughput there: more buys little."""
        load = 1.0 / self.alpha if self.alpha > 0 else np.inf
        return load, float(self.throughput(load)) if np.isfinite(load) else np.inf


def usl(load: npt.ArrayLike, throughput: npt.ArrayLike) -> Usl:
    """Fit the universal scalability law to throughputs by least squares, α and β not below 0.

    Raises
    ------
    HistoryTooShort
        There are fewer than four different loads: a law of three parameters fits any three points.
    """
    at, seen = np.asarray(load, dtype=float), np.asarray(throughput, dtype=float)
    known = np.isfinite(at) & np.isfinite(seen) & (at > 0)
    at, seen = at[known], seen[known]
    if len(np.unique(at)) < 4:
        raise HistoryTooShort(f"{len(np.unique(at))} different load(s) tell no scalability law; it needs 4.")
    single = float(np.max(seen / at))

    def missed(law: Array) -> Array:
        fit = Usl(float(law[0]), float(law[1]), float(law[2]) * single)
        return np.asarray(fit.throughput(at) - seen, dtype=float)

    scale = [0.01, 0.0001, 1.0]
    fitted = least_squares(
        missed, [0.01, 0.0001, 1.0], x_scale=scale, bounds=([0, 0, 0], [1, 1, np.inf]), xtol=1e-14, ftol=1e-14
    )
    return Usl(float(fitted.x[0]), float(fitted.x[1]), float(fitted.x[2]) * single)
