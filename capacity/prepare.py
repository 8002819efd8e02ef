"""From a history to what models may see: cut at ``as_of``, cleaned of infinities, without what nobody can judge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity.catalog import Event, matches
from capacity.errors import HistoryTooShort, ParameterError
from capacity.frames import Skipped, check, instant, series_labels, series_name, step_of
from capacity.provenance import Provenance, read

__all__ = ["MIN_SAMPLES", "Prepared", "prepare"]

FloatArray = npt.NDArray[np.float64]

# Two dozen samples: a day at hourly steps, the fewest from which a fold can be held back and a scale be read.
MIN_SAMPLES = 24
# A series may lack most of its samples (a car park reports by day only); below one in six there is no season to see.
MIN_SHARE = 1 / 6
# A series that has been silent for this share of its span (and a week) has stopped, not paused.
SILENT_SHARE = 0.25


@dataclass(frozen=True)
class Prepared:
    """A history ready for models.

    Attributes
    ----------
    frame : DataFrame
        The wide frame up to the cutoff; columns that can be forecast only; ±Inf is NaN.
    step, cutoff
        Spacing of samples; the last instant that a model may see.
    skipped : tuple of Skipped
    infinite : int
        Samples that were ±Inf and count as missing.
    left_out : ndarray of int, shape (series,)
        Samples within a declared outlier window, which count as missing too.
    first : ndarray of int, shape (series,)
        Row of each series' first sample.
    provenance : Provenance
    adjusted : ndarray, shape (time, series), or None
        What models are given instead of the samples: events taken off, one clock all along (`capacity.events`).
    """

    frame: pd.DataFrame
    step: pd.Timedelta
    cutoff: pd.Timestamp
    skipped: tuple[Skipped, ...]
    infinite: int
    first: npt.NDArray[np.int64]
    provenance: Provenance
    left_out: npt.NDArray[np.int64]
    adjusted: FloatArray | None = None

    @property
    def values(self) -> FloatArray:
        """What models are given, shape (time, series): the samples, unless they were adjusted."""
        return self.frame.to_numpy(dtype=float) if self.adjusted is None else self.adjusted


def prepare(history: pd.DataFrame, *, as_of: str | pd.Timestamp | None = None, unfit: Iterable[Event] = ()) -> Prepared:
    """Cut, clean and sift a history.

    Everything after ``as_of`` is dropped before anything else is looked at, so nothing later can matter. What lies
    within an event of ``unfit`` (a declared outlier window) counts as missing: it says nothing about other days.

    Raises
    ------
    FrameError
        The frame does not keep the contract.
    HistoryTooShort
        Fewer than two samples are left, so that there is no step.
    """
    checked = check(history)
    provenance = read(checked)
    frame = checked if as_of is None else _until(checked, instant(as_of, name="as_of"))
    if len(frame) < 2:
        raise HistoryTooShort(f"a history of {len(frame)} sample(s) has no step.", hint="Pull a longer window.")
    step, unfit = step_of(frame), tuple(unfit)
    infinite = int(np.isinf(frame.to_numpy(dtype=float)).sum())
    left_out = np.zeros(frame.shape[1], dtype=np.int64)
    if infinite or unfit:
        values = frame.to_numpy(dtype=float, copy=True)
        values[np.isinf(values)] = np.nan
        left_out = _leave_out(values, frame, unfit)
        frame = pd.DataFrame(values, index=frame.index, columns=frame.columns, copy=False)
    why = _all_unfit(frame.to_numpy(dtype=float), step)
    keep = np.array([column for column in range(frame.shape[1]) if column not in why], dtype=np.intp)
    kept = (frame if not why else frame.iloc[:, keep]).copy(deep=False)
    kept.attrs = dict(checked.attrs)
    first = np.argmax(np.isfinite(kept.to_numpy(dtype=float)), axis=0).astype(np.int64)
    skipped = _skipped(frame, why)
    return Prepared(kept, step, frame.index[-1], skipped, infinite, first, provenance, left_out[keep])


def _skipped(frame: pd.DataFrame, why: Mapping[int, tuple[str, str]]) -> tuple[Skipped, ...]:
    labels = series_labels(frame.iloc[:0, list(why)]) if why else []
    return tuple(
        Skipped(series_name(one), reason, detail, one)
        for one, (reason, detail) in zip(labels, why.values(), strict=True)
    )


def _leave_out(values: FloatArray, frame: pd.DataFrame, unfit: Iterable[Event]) -> npt.NDArray[np.int64]:
    """Mark as missing, in place, what is unfit to learn from; returns how many samples that were, by series."""
    before = np.isfinite(values).sum(axis=0)
    for event in unfit:
        ends = pd.DatetimeIndex(frame.index)
        rows = np.asarray(ends > event.start)
        if event.end is not None:
            rows &= np.asarray(ends - step_of(frame) < event.end)
        series = [matches(event.where, labels) for labels in series_labels(frame)]
        values[np.ix_(np.flatnonzero(rows), np.flatnonzero(series))] = np.nan
    return np.asarray(before - np.isfinite(values).sum(axis=0), dtype=np.int64)


def _until(frame: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    cut = frame.loc[:as_of]
    if not len(cut):
        raise ParameterError(
            f"as_of {as_of.isoformat()} lies before the first sample ({frame.index[0].isoformat()}).",
            hint="Give a later as_of, or pull an earlier window.",
        )
    return cut


def _all_unfit(values: FloatArray, step: pd.Timedelta) -> dict[int, tuple[str, str]]:
    """Say of every series that cannot be forecast why, by position; few are looked at one by one."""
    seen = np.isfinite(values)
    count, span = seen.sum(axis=0), len(seen) - seen.argmax(axis=0)
    silent = seen[::-1].argmax(axis=0)
    doubtful = (count < MIN_SAMPLES) | (count < MIN_SHARE * span) | (silent > SILENT_SHARE * span)
    why = ((int(column), _unfit(values[:, column], step)) for column in np.flatnonzero(doubtful))
    return {column: reason for column, reason in why if reason is not None}


def _unfit(column: FloatArray, step: pd.Timedelta) -> tuple[str, str] | None:
    """Say why a series cannot be forecast, as (reason, detail); None where it can."""
    seen = np.flatnonzero(np.isfinite(column))
    if not len(seen):
        return "no data", "every sample is missing"
    span = len(column) - int(seen[0])
    if len(seen) < MIN_SAMPLES:
        few = "too short" if span < 4 * MIN_SAMPLES else "too gappy"
        return few, f"{len(seen)} samples in {span * step}; at least {MIN_SAMPLES} are needed"
    if len(seen) < MIN_SHARE * span:
        return "too gappy", f"{100 * (1 - len(seen) / span):.0f} % of {span * step} is missing"
    silent = len(column) - 1 - int(seen[-1])
    if silent > SILENT_SHARE * span and silent * step > pd.Timedelta(days=7):
        return "too gappy", f"silent for the last {silent * step}"
    return None
