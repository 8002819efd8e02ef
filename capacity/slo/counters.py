"""What counters counted in each step: resets are taken up, and what cannot be known stays unknown."""

from __future__ import annotations

import numpy as np
import pandas as pd

from capacity.frames import check

__all__ = ["increments"]


def increments(counters: pd.DataFrame) -> pd.DataFrame:
    """Return what each counter grew by in each step of a frame of raw counts, as ``increase`` does.

    A count below the one before was reset: it has counted from 0. The first sample, and the first after a gap, tell
    nothing about their own step: they are NaN, as a step without a sample is. So a gap is never read as a quiet time,
    and what came in it never as a burst.
    """
    frame = check(counters)
    values = frame.to_numpy(dtype=float)
    before = np.vstack([np.full(values.shape[1], np.nan), values[:-1]])
    grown = np.where(values < before, values, values - before)
    made = pd.DataFrame(grown, index=frame.index, columns=frame.columns)
    made.attrs = dict(counters.attrs)
    return made
