"""Services whose truth is known: one that saturates under growing load, and one whose errors spend a budget.

Hours, not minutes: the load is a `capacity.simulate.processes.Process`, the latency follows from it by a queueing law
whose knee is on record, and what comes after ``as_of`` is drawn by the same rules.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from capacity.frames import TIME, wide
from capacity.simulate.clock import Floats, Timeline, timeline
from capacity.simulate.noise import ar1, generator, spread
from capacity.simulate.platform import AS_OF
from capacity.simulate.processes import Drawn, Process

__all__ = ["Erring", "Saturating", "erring", "saturating"]

KNOTS_AN_HOUR = 6
HOUR = pd.Timedelta(hours=1)
SERVERS = (1, 2, 4, 8, 16, 32)


@dataclass(frozen=True)
class Saturating:
    """A service that nears its knee.

    Attributes
    ----------
    load, latency : DataFrame, hours × 1
        History and continuation, in requests a second and seconds.
    as_of : Timestamp
        Where history ends.
    target : float
        The promise: latency below it, in seconds.
    capacity, usable, knee : float
        Truth: the load that it can never carry, the one at which the noiseless latency meets the target, and the one
        at which load ÷ latency is highest.
    breach : Timestamp
        Truth: the first hour after ``as_of`` whose latency is past the target; NaT: none in the continuation.
    """

    load: pd.DataFrame
    latency: pd.DataFrame
    as_of: pd.Timestamp
    target: float
    capacity: float
    usable: float
    knee: float
    breach: pd.Timestamp


@dataclass(frozen=True)
class Erring:
    """A service whose failed requests spend a budget: hourly counts, history and continuation."""

    total: pd.DataFrame
    bad: pd.DataFrame
    as_of: pd.Timestamp
    objective: float


def saturating(seed: int = 0, *, history_days: int = 90, later_days: int = 120) -> Saturating:
    """Draw a service: a queue of 1 to 32 servers, or one with contention and coherency, and a load that grows."""
    axis = timeline(AS_OF, history_days=history_days, later_days=later_days)
    draw = generator(seed, "service")
    base = spread(seed, "base latency", low=0.005, high=0.2)
    capacity = float(np.exp(spread(seed, "capacity", low=np.log(20.0), high=np.log(5000.0))))
    shares = np.linspace(0.0, 0.995, 2000)
    shape = _queue(int(draw.choice(SERVERS)), shares) if draw.random() < 0.6 else _contended(draw.random(), shares)
    curve = base * (1.0 + spread(seed, "queueing", low=0.6, high=1.6) * shape)
    # the target lies where the queue has begun to be felt, and before the end of the curve
    target = base * spread(seed, "target", low=1.6, high=3.0)
    usable = float(np.interp(target, curve, shares)) if curve[-1] > target else float(shares[-1])
    load = _hourly(_demand(seed, usable), axis, seed)
    noise = np.exp(spread(seed, "noise", low=0.02, high=0.06) * ar1(draw.standard_normal(load.size), memory=3.0))
    # past the end of the curve nothing is steady: it goes on rising steeply
    latency = (np.interp(load, shares, curve) + 20.0 * curve[-1] * np.maximum(load - shares[-1], 0.0)) * noise
    times = pd.date_range(axis.start + HOUR, periods=load.size, freq=HOUR, unit="us", name=TIME)
    late = (times > axis.as_of) & (latency > target)
    return Saturating(
        load=wide(load[:, None] * capacity, times=times, series=[{}], metric="load"),
        latency=wide(latency[:, None], times=times, series=[{}], metric="latency"),
        as_of=axis.as_of,
        target=target,
        capacity=capacity,
        usable=usable * capacity,
        knee=float(shares[np.argmax(shares / curve)]) * capacity,
        breach=pd.Timestamp(times[late.argmax()]) if late.any() else pd.NaT,  # type: ignore[arg-type]
    )


def _queue(servers: int, shares: Floats) -> Floats:
    """Return the mean wait of M/M/c in units of the service time, by how busy its servers are."""
    offered, blocked = shares * servers, np.ones_like(shares)
    for server in range(1, servers + 1):
        blocked = offered * blocked / (server + offered * blocked)
    waits = blocked / (1.0 - shares * (1.0 - blocked))
    return np.asarray(waits / (servers * (1.0 - shares)), dtype=float)


def _contended(contention: float, shares: Floats) -> Floats:
    """Return the excess latency of a service that obeys the universal scalability law, by its share of peak throughput.

    r = 1 + aN + bN² with N = share × r (Little), a the contention and √b = (1 − a) / 2.
    """
    second = ((1.0 - contention) / 2.0) ** 2
    straight = 1.0 - contention * shares
    root = np.sqrt(np.maximum(straight**2 - 4.0 * second * shares**2, 0.0))
    return np.asarray(2.0 / (straight + root) - 1.0, dtype=float)


def _demand(seed: int, usable: float) -> Process:
    """Return a load whose busy hour stands at 65 to 85 % of what is usable, and grows by 10 to 20 % a month."""
    season = spread(seed, "load season", low=0.5, high=1.5)
    busy = usable * spread(seed, "load now", low=0.65, high=0.85)
    return Process(
        level=busy / (1.0 + season),
        growth=spread(seed, "load growth", low=0.1, high=0.2),
        season=season, drift=0.3, wander=0.02, moods=0.05, noise=0.03, memory=5.0, jitter=0.0,
    )  # fmt: skip


def _hourly(process: Process, axis: Timeline, seed: int) -> Floats:
    knots = Drawn(process, axis, "UTC", seed, ("service",)).knots[1:]
    return np.asarray(knots.reshape(-1, KNOTS_AN_HOUR).mean(axis=1), dtype=float)


def erring(seed: int = 0, *, history_days: int = 80, later_days: int = 40) -> Erring:
    """Draw a service with seasonal traffic, of which a share fails that rises with load and wanders, and incidents.

    Its objective is such that a month's budget is about spent: whether it lasts is open.
    """
    axis = timeline(AS_OF, history_days=history_days, later_days=later_days)
    draw = generator(seed, "errors")
    process = Process(
        level=np.exp(spread(seed, "traffic", low=np.log(2e3), high=np.log(2e5))),
        growth=spread(seed, "traffic growth", low=-0.02, high=0.1),
        season=spread(seed, "traffic season", low=0.8, high=3.0),
        weekend=spread(seed, "traffic weekend", low=0.1, high=0.6),
        drift=0.3, wander=0.03, moods=0.08, noise=0.05, memory=5.0, jitter=0.0,
    )  # fmt: skip
    traffic = _hourly(process, axis, seed)
    ratio = np.exp(spread(seed, "ratio", low=np.log(5e-4), high=np.log(1e-2)))
    felt = (traffic / traffic.mean()) ** spread(seed, "felt", low=0.0, high=1.2)
    mood = np.exp(
        0.25 * ar1(draw.standard_normal(traffic.size), memory=72.0)
        + 0.15 * ar1(draw.standard_normal(traffic.size), memory=4.0)
    )
    share = np.clip(ratio * felt * mood * _incidents(draw, traffic.size), 0.0, 0.5)
    total = draw.poisson(traffic).astype(float)
    bad = draw.binomial(total.astype(np.int64), share).astype(float)
    shown = int((axis.as_of - axis.start) / HOUR)
    usual = float(bad[:shown].sum() / total[:shown].sum())
    times = pd.date_range(axis.start + HOUR, periods=traffic.size, freq=HOUR, unit="us", name=TIME)
    return Erring(
        total=wide(total[:, None], times=times, series=[{}], metric="total"),
        bad=wide(bad[:, None], times=times, series=[{}], metric="bad"),
        as_of=axis.as_of,
        objective=1.0 - usual * spread(seed, "objective", low=0.8, high=1.4),
    )


def _incidents(draw: np.random.Generator, hours: int) -> Floats:
    """Return a factor for each hour: about twice a month it is 3 to 12 for a few hours."""
    factor = np.ones(hours)
    for start in np.flatnonzero(draw.random(hours) < 1.0 / 360.0):
        length = int(draw.integers(1, 7))
        factor[start : start + length] *= draw.uniform(3.0, 12.0)
    return factor
