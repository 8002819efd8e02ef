"""Processes whose future is known because it was drawn: demand with season and trend, leaks, fills, steps, ceilings.

A `Process` says how a series behaves; a `Drawn` is one draw of it, history and continuation alike, over the minutes of
a `capacity.simulate.clock.Timeline`. Nothing in the continuation is set by hand: it goes on by the same rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from capacity.simulate.clock import BLOCK_MINUTES, DAY_MINUTES, KNOT_MINUTES, Floats, Timeline, busy, local_clock
from capacity.simulate.noise import ar1, generator

__all__ = ["Drawn", "Incident", "Process", "Step"]

KNOTS_A_DAY = DAY_MINUTES // KNOT_MINUTES
MONTH_DAYS = 30.0
# How sharply demand bends into a ceiling: at 90 % of it, 3 % of the demand is lost.
BEND = 12.0


@dataclass(frozen=True)
class Step:
    """A lasting change of ``size`` (a share of the level) at ``day`` (from ``as_of``), taking ``hours`` to be whole."""

    day: float
    size: float
    hours: float = 6.0


@dataclass(frozen=True)
class Incident:
    """For ``hours`` from ``day`` on (days from ``as_of``) the series is ``factor`` times what it would have been."""

    day: float
    hours: float
    factor: float


@dataclass(frozen=True)
class Process:
    """How a series behaves. Shares are of ``level``, which is the trend at ``as_of`` in the small hours.

    Attributes
    ----------
    growth
        Share a 30 days, in a straight line; ``since`` (days from ``as_of``) is when it began.
    drift
        How much the pace of growth varies, as a share of it: an AR(1) with a memory of ten days.
    wander
        Standard deviation of a random walk after 30 days, as a share.
    season, moods, weekend, peak
        What the busiest hour adds, how much that varies from day to day, and see `capacity.simulate.clock.busy`.
    follows
        How far growth keeps to busy hours: 0 evenly through the day, 1 in busy hours alone.
    noise, memory
        Standard deviation of the logarithm, and hours until its correlation has fallen to 1/e.
    jitter
        Standard deviation from minute to minute, as a share of the value.
    ceiling
        What the value never passes; ``softly``: it bends into it, as a processor does, and is not cut off at it.
    quantum
        What the value is counted in.
    """

    level: float
    growth: float = 0.0
    since: float = -np.inf
    drift: float = 0.0
    wander: float = 0.0
    season: float = 0.0
    moods: float = 0.05
    weekend: float = 0.35
    peak: float = 14.5
    follows: float = 0.0
    noise: float = 0.02
    memory: float = 6.0
    jitter: float = 0.01
    ceiling: float | None = None
    softly: bool = False
    quantum: float | None = None
    steps: tuple[Step, ...] = ()
    incidents: tuple[Incident, ...] = ()


@dataclass(frozen=True)
class Drawn:
    """One draw of a process: the same for the same ``seed`` and ``key``, in whatever order it is read.

    With ``common`` it is a share of another draw (a node's of its region's), whose trend and season it follows.
    """

    process: Process
    axis: Timeline
    zone: str
    seed: int
    key: tuple[str, ...]
    common: Drawn | None = None

    @cached_property
    def knots(self) -> Floats:
        """The value without its minute jitter and before its ceiling, every ten minutes of the whole axis."""
        process = self.process
        season = process.season * self._shape() * self._moods()
        hum = process.noise * ar1(self._normals("noise"), memory=process.memory * KNOTS_A_DAY / 24)
        values = process.level * self._trend() * (1.0 + season) * np.exp(hum) * self._incidents()
        return values if self.common is None else values * self.common.knots

    def _normals(self, what: str, count: int | None = None) -> Floats:
        """Draw standard normals, one a knot; a stream of its own, so that a longer axis begins like a shorter one."""
        return generator(self.seed, what, *self.key).standard_normal(count or self.axis.days.size)

    def _shape(self) -> Floats:
        return busy(self.axis, self.zone, weekend=self.process.weekend, peak=self.process.peak)

    def _moods(self) -> Floats:
        _, _, day = local_clock(self.axis, self.zone)
        tempers = ar1(self._normals("moods", int(day[-1]) + 1), memory=2.0)
        return np.clip(1.0 + self.process.moods * tempers, 0.3, 1.7)[day]

    def _trend(self) -> Floats:
        process, days, now = self.process, self.axis.days, self.axis.shown // KNOT_MINUTES
        paces = 1.0 + process.drift * ar1(self._normals("pace"), memory=10.0 * KNOTS_A_DAY)
        shape = self._shape()
        evenly = 1.0 - process.follows + process.follows * shape / shape[:now].mean()
        rate = process.growth / MONTH_DAYS / KNOTS_A_DAY * np.maximum(paces, 0.0) * evenly * (days > process.since)
        walk = process.wander / np.sqrt(MONTH_DAYS * KNOTS_A_DAY) * self._normals("walk")
        risen = np.cumsum(rate + walk)
        trend = 1.0 + risen - risen[now]
        for step in process.steps:
            # the level is that at `as_of`: before a step that is past, it was lower by it
            ramp = np.clip((days - step.day) * 24.0 / step.hours, 0.0, 1.0)
            trend += step.size * (ramp - (1.0 if step.day < 0 else 0.0))
        return np.asarray(np.maximum(trend, 0.02), dtype=float)

    def _incidents(self) -> Floats:
        factor = np.ones(self.axis.days.size)
        for incident in self.process.incidents:
            inside = (self.axis.days >= incident.day) & (self.axis.days < incident.day + incident.hours / 24.0)
            factor[inside] *= incident.factor
        return factor

    def minutes(self, block: int) -> Floats:
        """Return the values of one block's minutes, in the unit of ``level``."""
        process = self.process
        values = self.axis.between(self.knots, block)
        if process.jitter:
            shocks = generator(self.seed, "minutes", block, *self.key).standard_normal(BLOCK_MINUTES)
            shocks *= process.jitter
            shocks += 1.0
            values *= np.maximum(shocks, 0.0, out=shocks)
        if process.ceiling is not None:
            values = bend(values, process.ceiling) if process.softly else np.minimum(values, process.ceiling)
        if process.quantum is not None:
            values = np.rint(values / process.quantum) * process.quantum
        return values


def bend(values: Floats, ceiling: float) -> Floats:
    """Bend ``values`` smoothly into ``ceiling``: far below it nothing changes, and nothing passes it."""
    bent: Floats = np.minimum(values / (1.0 + (values / ceiling) ** BEND) ** (1.0 / BEND), ceiling)
    return bent
