"""Fleets whose chance of a breach is known: processes that go on from their true state, as often as is asked.

A `Known` is one draw of a fleet of a kind up to a cutoff, and many futures of each series from there, by the same rules
and from the state that the process is truly in. The share of futures that meet an event is the best that anyone could
claim; a forecast sees the history alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from capacity.errors import ParameterError, did_you_mean
from capacity.simulate.noise import generator

__all__ = ["KINDS", "Known", "known"]

Floats = npt.NDArray[np.float64]
DAY_HOURS, WEEK_HOURS = 24, 168


@dataclass(frozen=True)
class Known:
    """A fleet, hour by hour: ``history`` (hours, series), ``futures`` (futures, hours, series)."""

    history: Floats
    futures: Floats


@dataclass(frozen=True)
class _Run:
    """What a kind is drawn by: hours from the start, series, a generator; state has shape (copies, series)."""

    random: np.random.Generator
    series: int

    def between(self, low: float, high: float) -> Floats:
        """Draw a parameter of each series."""
        return self.random.uniform(low, high, self.series)

    def shocks(self, like: Floats) -> Floats:
        return self.random.standard_normal(like.shape)

    def ar1(self, before: Floats, *, memory: float) -> Floats:
        """One hour on, an AR(1) of unit variance that falls to 1/e within ``memory`` hours."""
        keep = float(np.exp(-1.0 / memory))
        return np.asarray(keep * before + np.sqrt(1.0 - keep**2) * self.shocks(before), dtype=float)


State = dict[str, Floats]
Step = Callable[[State, int], Floats]
Kind = Callable[[_Run], tuple[State, Step]]


def _busy(hour: int) -> float:
    """How busy an hour of the week is, from 0 to 1: one hump a day, less at weekends."""
    hump = float(np.exp(3.0 * (np.cos((hour % DAY_HOURS - 14) * 2 * np.pi / DAY_HOURS) - 1.0)))
    return hump * (0.4 if hour % WEEK_HOURS >= 5 * DAY_HOURS else 1.0)


def _disk(run: _Run) -> tuple[State, Step]:
    """Draw disks that fill in busy hours, at a pace that varies from week to week."""
    pace, vary = run.between(0.05, 0.4), run.between(0.2, 0.6)
    state = {"level": run.between(30.0, 50.0)[None], "pace": run.random.standard_normal((1, run.series))}

    def step(now: State, hour: int) -> Floats:
        now["pace"] = run.ar1(now["pace"], memory=10.0 * DAY_HOURS)
        rise = pace / DAY_HOURS * (1.0 + vary * now["pace"]) * (0.4 + 2.4 * _busy(hour))
        now["level"] = np.maximum(now["level"] + rise + 0.1 * pace * run.shocks(now["level"]), 0.0)
        return now["level"] + 0.05 * run.shocks(now["level"])

    return state, step


def _queue(run: _Run) -> tuple[State, Step]:
    """Draw queues: what arrives in bursts is worked off at a fixed rate, and never falls below nothing."""
    load, burst = run.between(0.35, 0.6), run.between(0.3, 0.6)
    state = {"backlog": np.zeros((1, run.series)), "rate": run.random.standard_normal((1, run.series))}

    def step(now: State, hour: int) -> Floats:
        now["rate"] = run.ar1(now["rate"], memory=12.0)
        arrived = 100.0 * load * (0.7 + _busy(hour)) * np.exp(burst * now["rate"])
        now["backlog"] = np.maximum(now["backlog"] + arrived - 100.0, 0.0)
        return now["backlog"] + 0.1 * arrived

    return state, step


def _traffic(run: _Run) -> tuple[State, Step]:
    """Draw traffic of a day's and a week's season, that grows, wanders, and has moods of some hours."""
    season, growth = run.between(0.5, 2.0), run.between(-0.05, 0.15)
    noise, wander = run.between(0.03, 0.12), run.between(0.01, 0.08)
    level = np.log(run.between(50.0, 500.0))
    state = {"level": level[None], "mood": run.random.standard_normal((1, run.series))}

    def step(now: State, hour: int) -> Floats:
        hours = 28.0 * DAY_HOURS
        now["level"] = now["level"] + growth / hours + wander / np.sqrt(hours) * run.shocks(now["level"])
        now["mood"] = run.ar1(now["mood"], memory=5.0)
        return np.exp(now["level"] + noise * now["mood"]) * (1.0 + season * _busy(hour))

    return state, step


def _processor(run: _Run) -> tuple[State, Step]:
    """Draw CPU use in percent: the load grows without bound, the use bends into 100."""
    base, growth = run.between(0.2, 0.5), run.between(-0.02, 0.25)
    season, noise = run.between(0.3, 1.2), run.between(0.05, 0.15)
    state = {"load": base[None], "mood": run.random.standard_normal((1, run.series))}

    def step(now: State, hour: int) -> Floats:
        hours = 28.0 * DAY_HOURS
        now["load"] = now["load"] * np.exp(growth / hours + 0.05 / np.sqrt(hours) * run.shocks(now["load"]))
        now["mood"] = run.ar1(now["mood"], memory=4.0)
        load = now["load"] * (1.0 + season * _busy(hour)) * np.exp(noise * now["mood"])
        return 100.0 * (1.0 - np.exp(-load))

    return state, step


KINDS: Mapping[str, Kind] = {"disk": _disk, "queue": _queue, "traffic": _traffic, "processor": _processor}
"""By name: what draws a kind's first state, and its step by an hour."""


def known(
    kind: str, *, series: int = 40, days: int = 56, ahead_days: int = 28, futures: int = 500, seed: int = 0
) -> Known:
    """Draw a fleet of one kind, and ``futures`` futures of each series from its true state at the cutoff.

    Raises
    ------
    ParameterError
        There is no such kind.
    """
    if kind not in KINDS:
        raise ParameterError(f"{kind!r} is no kind.{did_you_mean(kind, KINDS)}", hint=f"There are: {', '.join(KINDS)}.")
    run = _Run(generator(seed, "known", kind), series)
    state, step = KINDS[kind](run)
    # Two weeks that nobody sees, after which no series remembers how it began.
    hidden, seen, ahead = 2 * WEEK_HOURS, days * DAY_HOURS, ahead_days * DAY_HOURS
    history = np.concatenate([step(state, hour) for hour in range(hidden + seen)])[hidden:]
    # Each future goes on from the same state, by shocks of its own.
    state.update({name: np.repeat(now, futures, axis=0) for name, now in state.items()})
    later = np.empty((futures, ahead, series))
    for hour in range(ahead):
        later[:, hour] = step(state, hidden + seen + hour)
    return Known(history, later)
