"""``predict_linear`` as its users know it: a straight line through the last week, and no season."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from capacity.grids import WEEK_S
from capacity.models.base import Answer, FloatArray, Problem

__all__ = ["Linear", "line"]

# The range that dashboards give it: predict_linear(metric[1w], …).
WINDOW_S = WEEK_S


class Linear:
    """The least-squares line through the samples of the last week, continued."""

    name = "linear"
    batched = True

    def points(self, problem: Problem, cutoffs: Sequence[int]) -> Answer:
        """Forecast from every cutoff; a window with fewer than two samples repeats the last one known."""
        window = max(2, problem.seasons.steps(WINDOW_S))
        ahead = np.arange(1, problem.horizon + 1)[:, None]
        points = []
        for cutoff in cutoffs:
            level, slope = line(problem.values[max(0, cutoff - window) : cutoff])
            level = np.where(np.isnan(level), _last_known(problem.values[:cutoff]), level)
            points.append(level + slope * ahead)
        return Answer(np.stack(points), ("a line through the last week",) * problem.series)


def line(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Least squares per series over what was seen: (value at the last row, slope a row); NaN and 0 without samples."""
    seen = np.isfinite(values)
    count = seen.sum(axis=0)
    rows = np.arange(len(values) - 1, -1, -1.0)[:, None] * -1
    safe = np.maximum(count, 1)
    known = np.where(seen, values, 0.0)
    centre, middle = (seen * rows).sum(axis=0) / safe, known.sum(axis=0) / safe
    apart = np.where(seen, rows - centre, 0.0)
    spread = (apart**2).sum(axis=0)
    slope = (apart * np.where(seen, known - middle, 0.0)).sum(axis=0) / np.where(spread > 0, spread, 1.0)
    return np.where(count > 0, middle - slope * centre, np.nan), slope


def _last_known(values: FloatArray) -> FloatArray:
    """Return the last sample seen of each series; 0 where none ever was."""
    seen = np.isfinite(values)
    last = len(values) - 1 - np.argmax(seen[::-1], axis=0)
    return np.where(seen.any(axis=0), np.nan_to_num(values[last, np.arange(values.shape[1])]), 0.0)
