"""Outages: zeros that are no measurement, which are treated as missing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from capacity.grids import DAY_S, Seasons

__all__ = ["without_outages"]

FloatArray = npt.NDArray[np.float64]

# A run of zeros is an outage where the series has no other a quarter as long, and where it lasts at least so long and
# at most so long: beyond three days something was switched off, and that is news to be believed.
OTHERS = 4
LEAST_S = 4 * 3600.0
MOST_S = 3.0 * DAY_S
# Zeros elsewhere are at most this share of the samples, and values are usually this far from zero (a low quantile as a
# share of the median): a series that idles at night is idle, not broken.
RARE = 0.01
FAR = 0.02
LOW = 0.02


def without_outages(values: FloatArray, grid: Seasons) -> FloatArray:
    """Return values (rows, series) with outages as NaN; the same array where there is none.

    A counter that stops and an exporter that lost its target both say 0, for hours, in a series that never is 0.
    """
    zero = values == 0
    suspects = np.flatnonzero(zero.any(axis=0))
    out = values
    for column in suspects:
        rows = _outage(values[:, column], zero[:, column], grid)
        if rows is not None:
            out = values.copy() if out is values else out
            out[rows, column] = np.nan
    return out


def _outage(column: FloatArray, zero: npt.NDArray[np.bool_], grid: Seasons) -> slice | None:
    """Return the rows of a series' one outage; None where there is none. A gap neither ends nor makes a run."""
    seen = np.flatnonzero(np.isfinite(column))
    flat = np.concatenate([[False], zero[seen], [False]])
    edges = np.flatnonzero(flat[1:] != flat[:-1]).reshape(-1, 2)
    lengths = edges[:, 1] - edges[:, 0]
    longest = int(lengths.argmax())
    length, others = int(lengths[longest]), lengths.sum() - lengths[longest]
    rival = np.delete(lengths, longest).max(initial=0)
    start, stop = seen[edges[longest, 0]], seen[edges[longest, 1] - 1] + 1
    enough = length >= max(OTHERS * rival, grid.steps(LEAST_S)) and stop - start <= grid.steps(MOST_S)
    if not enough or others > RARE * len(seen) or length > len(seen) // 4:
        return None
    usual = np.abs(column[seen][~zero[seen]])
    if not len(usual) or np.quantile(usual, LOW) < FAR * np.median(usual):
        return None
    return slice(int(start), int(stop))
