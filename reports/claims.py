"""What a report claims of a series, in a form that can be held against what happens: chances, dates and quantiles.

The ledger keeps them as they were made, and scores them when their time has come (`reports.ledger`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from capacity.frames import duration, duration_text

if TYPE_CHECKING:
    from capacity.outlook import Outlook

__all__ = ["LEVELS", "WITHIN", "of", "points"]

WITHIN = ("7d", "30d", "60d", "90d")
"""Within which times a breach's chance is claimed."""

LEVELS = (0.1, 0.5, 0.9)
POINTS = 48


def of(outlook: Outlook, position: int) -> dict[str, Any]:
    """Return the claims on one series.

    Returns
    -------
    dict
        ``cutoff``: when they were made. ``breach``: the chance of a breach within each of `WITHIN` (no entry past what
        the history carries). ``quantiles``: what demand will be at those times and when the lead time is over, by
        level, in the base unit. ``usable``: what it is held against now.
    """
    forecast = outlook.forecast
    curve = outlook.curve.iloc[:, position]
    horizon = forecast.index[-1] - forecast.cutoff
    times = sorted({*map(duration, WITHIN), outlook.lead_time})
    reached = [each for each in times if forecast.step <= each <= horizon]
    steps = [each // forecast.step - 1 for each in reached]
    law = {level: forecast.law.quantile(level)[:, position] for level in LEVELS}
    chances = {duration_text(each): float(curve.iloc[step]) for each, step in zip(reached, steps, strict=True)}
    return {
        "cutoff": f"{forecast.cutoff:%Y-%m-%dT%H:%M:%SZ}",
        "breach": {name: chance for name, chance in chances.items() if math.isfinite(chance)},
        "quantiles": {
            duration_text(each): {f"{level:g}": float(values[step]) for level, values in law.items()}
            for each, step in zip(reached, steps, strict=True)
        },
        "usable": _finite(float(outlook.table["usable"].iloc[position])),
    }


def points(outlook: Outlook, position: int) -> dict[str, Any]:
    """Return the points of a small picture: the highest of each stretch behind, and the quantiles ahead, base units."""
    forecast = outlook.forecast
    extreme = np.fmax if outlook.direction == "above" else np.fmin
    behind = forecast.history.iloc[-2 * len(forecast.index) :, position].to_numpy(dtype=float)
    return {
        "behind": _thinned(behind, extreme),
        "ahead": {f"{level:g}": _thinned(forecast.law.quantile(level)[:, position], extreme) for level in LEVELS},
    }


def _thinned(values: npt.NDArray[np.float64], extreme: np.ufunc) -> list[float | None]:
    """Return at most `POINTS` values, each the extreme of its stretch, in three digits."""
    if not len(values):
        return []
    stretches = np.linspace(0, len(values), min(POINTS, len(values)), endpoint=False).astype(int)
    return [_finite(float(f"{value:.3g}")) for value in extreme.reduceat(values, stretches)]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
