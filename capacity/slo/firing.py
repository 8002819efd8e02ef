"""Multi-window, multi-burn-rate conditions: which would have fired, and when.

Site Reliability Workbook (Beyer et al. 2018, chapter 5): a condition holds while the burn rate is past its factor over
a long window, which says that it matters, and over a short one, a twelfth of it, which says that it goes on. A factor
is the share of the budget that the long window may spend, × period ÷ window: 2 % in 1 h of 30 d is 14.4.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity.catalog import Objective
from capacity.frames import duration_text, series_labels
from capacity.slo.budgets import burn
from capacity.slo.indicator import Sli

__all__ = ["SHARES", "Burn", "Condition", "burned", "conditions", "factor", "time_to_exhaustion"]

HOUR = pd.Timedelta(hours=1)
SHORTER = 12


@dataclass(frozen=True)
class Condition:
    """The burn rate is past ``factor`` over both windows; ``severity`` says who is told."""

    factor: float
    long: pd.Timedelta
    short: pd.Timedelta
    severity: str

    @property
    def name(self) -> str:
        """What it is called: ``"14.4× over 1h and 5m"``."""
        return f"{self.factor:.3g}× over {duration_text(self.long)} and {duration_text(self.short)}"


# Share of the budget, over which window, and who is told (the workbook's table 5-8, with its fourth row).
SHARES: tuple[tuple[float, pd.Timedelta, str], ...] = (
    (0.02, HOUR, "page"),
    (0.05, 6 * HOUR, "page"),
    (0.10, 24 * HOUR, "ticket"),
    (0.10, 72 * HOUR, "ticket"),
)


def factor(share: float, *, window: pd.Timedelta, period: pd.Timedelta) -> float:
    """Return the burn rate that spends ``share`` of a period's budget within ``window``."""
    return share * (period / window)


def time_to_exhaustion(rate: float, *, period: pd.Timedelta, left: float = 1.0) -> pd.Timedelta:
    """Return how long what is left of a budget lasts at a constant burn rate; NaT: it is not spent at all."""
    if not rate > 0 or not np.isfinite(left):
        return pd.NaT  # type: ignore[return-value]
    return max(period * (left / rate), pd.Timedelta(0))


def conditions(objective: Objective) -> tuple[Condition, ...]:
    """Return the conditions of an objective's period; one whose long window the period does not hold is left out.

    A short window is never shorter than a slice: nothing finer was measured.
    """
    period, finest = objective.window, objective.slice
    return tuple(
        Condition(factor(share, window=long, period=period), long, max(long / SHORTER, finest), severity)
        for share, long, severity in SHARES
        if finest <= long < period
    )


@dataclass(frozen=True)
class Burn:
    """The burn of one objective over its history.

    Attributes
    ----------
    conditions : tuple of Condition
    rates : mapping of window to DataFrame
        Burn rate over each long window, slices × series.
    fired : DataFrame, a row a firing
        ``series``, ``labels``, ``condition``, ``severity``, ``start`` and ``end`` (first and last slice at which it
        held), ``lasted``, ``peak`` (of the long window's burn), ``now`` (whether it holds at the end).
    """

    objective: Objective
    conditions: tuple[Condition, ...]
    rates: dict[pd.Timedelta, pd.DataFrame] = field(repr=False)
    fired: pd.DataFrame = field(repr=False)

    @property
    def now(self) -> pd.DataFrame:
        """The firings that go on."""
        return self.fired[self.fired["now"]] if len(self.fired) else self.fired


COLUMNS = ("place", "labels", "condition", "severity", "start", "end", "lasted", "peak", "now")


def burned(measured: Sli) -> Burn:
    """Return how fast an objective's budget burned, and which conditions would have fired when."""
    found = conditions(measured.objective)
    rates = {window: burn(measured, window) for window in sorted({w for one in found for w in (one.long, one.short)})}
    labels = series_labels(measured.columns)
    rows = []
    for one in found:
        held = (rates[one.long] > one.factor) & (rates[one.short] > one.factor)
        for place in range(held.shape[1]):
            peaks = rates[one.long].iloc[:, place].to_numpy(dtype=float)
            for first, last in _stretches(held.iloc[:, place].to_numpy()):
                start, end = held.index[first], held.index[last]
                rows.append(
                    {
                        "place": place,
                        "labels": labels[place],
                        "condition": one.name,
                        "severity": one.severity,
                        "start": start,
                        "end": end,
                        "lasted": end - start + measured.objective.slice,
                        "peak": float(np.nanmax(peaks[first : last + 1])),
                        "now": last == len(held) - 1,
                    }
                )
    fired = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"now": bool})
    return Burn(measured.objective, found, rates, fired)


def _stretches(held: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and last position of each unbroken run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], held, [False]]).astype(np.int8)))
    return [(int(first), int(last) - 1) for first, last in edges.reshape(-1, 2)]
