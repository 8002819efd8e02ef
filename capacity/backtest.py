"""Backtest: the whole forecast, calibration included, made again at earlier cutoffs and held against what came.

::

    history  ├────────────────────────────────────────────────┤
    fold 1   ├──────── seen ───────┤── horizon ──┤
    fold 2   ├─────────── seen ───────────┤── horizon ──┤
    fold 3   ├────────────────── seen ──────────┤── horizon ──┤

The last fold ends where the history ends. Cutoffs are a horizon apart where there is room, nearer where there is not.
The forecast's own folds lie within what each of these folds may see, so nothing leaks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity import passage, scores
from capacity.errors import CapacityError, HistoryTooShort
from capacity.forecast import LEVELS, Bounds, Forecast, forecast
from capacity.frames import Skipped, duration, series_labels, series_name
from capacity.grids import seasons
from capacity.limits import LimitLike
from capacity.outlook import outlook
from capacity.prepare import MIN_SAMPLES, Prepared, prepare
from capacity.provenance import Provenance

__all__ = ["SPANS", "Backtest", "backtest"]

FloatArray = npt.NDArray[np.float64]

# Spans within which a breach is claimed and judged, and the stretches of the horizon that scores are told for.
SPANS = ("7d", "30d", "60d", "90d")
STRETCHES = (("to 2d", 0.0, 2.0), ("2d to 7d", 2.0, 7.0), ("7d to 28d", 7.0, 28.0), ("past 28d", 28.0, np.inf))
# The first cutoff sees at least this share of the history.
LEAST_SHARE = 0.35


@dataclass(frozen=True)
class Backtest:
    """What rolling folds of the whole forecast scored.

    Attributes
    ----------
    table : DataFrame, a row a series
        Over all folds and the whole horizon: ``mase``, ``naive_mase``, ``skill`` (1 − mase ÷ naive_mase), ``rmsse``,
        ``sql``, ``bias``, ``coverage80``, ``coverage95``, ``folds``.
    scores : DataFrame, a row a series, fold and stretch of the horizon
        Long: ``series``, ``cutoff``, ``stretch``, and the scores.
    coverage : DataFrame, a row a step ahead
        ``coverage80``, ``coverage95``, ``width80`` (in units of the seasonal scale), ``count``.
    pit : Series
        Share of actuals between neighbouring levels; ``expected`` shares are the levels' differences.
    brier, reliability : DataFrame or None
        With a limit: per span the Brier score beside that of always claiming the base rate; claimed against happened.
    cutoffs : tuple of Timestamp
    skipped : tuple of Skipped
    provenance : Provenance
    """

    table: pd.DataFrame
    scores: pd.DataFrame = field(repr=False)
    coverage: pd.DataFrame = field(repr=False)
    pit: pd.Series = field(repr=False)
    brier: pd.DataFrame | None
    reliability: pd.DataFrame | None = field(repr=False)
    cutoffs: tuple[pd.Timestamp, ...]
    skipped: tuple[Skipped, ...]
    provenance: Provenance = field(repr=False)


@dataclass(frozen=True)
class _Fold:
    """One fold: its forecast, the truth (horizon, series) and the seasonal scale."""

    made: Forecast
    actual: FloatArray
    scale: FloatArray
    lag: int


def backtest(
    history: pd.DataFrame,
    *,
    horizon: str | pd.Timedelta = "28d",
    folds: int = 4,
    model: str = "auto",
    limit: LimitLike = None,
    as_of: str | pd.Timestamp | None = None,
    bounds: Bounds | None = None,
    kind: str | None = None,
    seed: int = 0,
    progress: Callable[[int, int, str], object] | None = None,
    **event: Any,
) -> Backtest:
    """Forecast at ``folds`` earlier cutoffs and score what came.

    Parameters
    ----------
    history, horizon, model, as_of, bounds, kind, seed
        As for `capacity.forecast.forecast`.
    folds : int
        How many cutoffs; fewer where the history is too short for more.
    limit : optional
        With one, breaches within 7, 30, 60 and 90 days are claimed by `capacity.outlook.outlook` and judged;
        ``event`` is passed on to it (``direction``, ``sustained``, ``aggregate`` …).

    Raises
    ------
    HistoryTooShort
        No fold leaves enough history before and a horizon behind its cutoff.
    """
    prepared = prepare(history, as_of=as_of)
    ahead = int(duration(horizon, name="horizon") // prepared.step)
    cuts = _cutoffs(prepared, ahead, folds)
    made: list[_Fold] = []
    skipped: dict[str, Skipped] = {}
    claims: list[pd.DataFrame] = []
    for place, cut in enumerate(cuts):
        if progress is not None:
            progress(place, len(cuts), "backtest")
        seen = prepared.frame.iloc[:cut]
        fold = _fold(prepared, seen, horizon, dict(model=model, bounds=bounds, kind=kind, seed=seed))
        made.append(fold)
        skipped.update({one.series: one for one in fold.made.skipped})
        if limit is not None:
            claims.append(_claims(fold, limit, event))
    if progress is not None:
        progress(len(cuts), len(cuts), "backtest")
    long = pd.concat([_scored(fold) for fold in made], ignore_index=True)
    judged = pd.concat(claims, ignore_index=True) if claims else None
    return Backtest(
        table=_table(made),
        scores=long,
        coverage=_coverage(made),
        pit=_pit(made),
        brier=None if judged is None else _brier(judged),
        reliability=None if judged is None else _reliability(judged),
        cutoffs=tuple(fold.made.cutoff for fold in made),
        skipped=tuple(skipped.values()),
        provenance=prepared.provenance,
    )


def _cutoffs(prepared: Prepared, ahead: int, folds: int) -> list[int]:
    rows = len(prepared.frame)
    last = rows - ahead
    least = max(MIN_SAMPLES, round(LEAST_SHARE * rows))
    if last < least or not prepared.frame.shape[1]:
        raise HistoryTooShort(
            f"{rows} samples leave no room for a fold of {ahead} steps ahead.", hint="Take a shorter horizon."
        )
    first = max(least, last - (folds - 1) * ahead)
    return [int(cut) for cut in np.unique(np.linspace(first, last, folds).round())] if folds > 1 else [last]


def _fold(prepared: Prepared, seen: pd.DataFrame, horizon: str | pd.Timedelta, how: Mapping[str, Any]) -> _Fold:
    made = forecast(seen, horizon=horizon, **how)
    steps = len(made.index)
    actual = prepared.frame[made.columns].to_numpy()[len(seen) : len(seen) + steps]
    lag = seasons(prepared.step, len(seen)).lag
    return _Fold(made, actual, scores.seasonal_scale(made.history.to_numpy(), lag=lag), lag)


def _rows(fold: _Fold, part: slice) -> dict[str, FloatArray]:
    """Every score of a stretch of the horizon, one array over series each."""
    actual = fold.actual[part]
    quantiles = {level: fold.made.law.quantile(level)[part] for level in (*LEVELS,)}
    past = fold.made.history.to_numpy()
    naive = past[-fold.lag :][np.arange(len(fold.actual)) % fold.lag][part]
    middle = quantiles[0.5]
    mase, naive_mase = scores.mase(actual, middle, fold.scale), scores.mase(actual, naive, fold.scale)
    return {
        "mase": mase,
        "naive_mase": naive_mase,
        "rmsse": scores.rmsse(actual, middle, past, lag=fold.lag),
        "sql": scores.sql(actual, [quantiles[level] for level in scores.SQL_LEVELS], scores.SQL_LEVELS, fold.scale),
        "bias": scores.bias(actual, middle, fold.scale),
        "coverage80": scores.coverage(actual, quantiles[0.1], quantiles[0.9]),
        "coverage95": scores.coverage(actual, quantiles[0.025], quantiles[0.975]),
    }


def _scored(fold: _Fold) -> pd.DataFrame:
    names = [series_name(labels) for labels in series_labels(fold.made.columns)]
    days = fold.made.step.total_seconds() / 86_400 * np.arange(1, len(fold.actual) + 1)
    parts = []
    for name, low, high in STRETCHES:
        inside = np.flatnonzero((days > low) & (days <= high))
        if len(inside):
            row = _rows(fold, slice(inside[0], inside[-1] + 1))
            parts.append(pd.DataFrame({"series": names, "cutoff": fold.made.cutoff, "stretch": name, **row}))
    return pd.concat(parts, ignore_index=True)


def _table(folds: Sequence[_Fold]) -> pd.DataFrame:
    frames = [pd.DataFrame(_rows(fold, slice(None)), index=fold.made.columns) for fold in folds]
    whole = pd.concat(frames, keys=range(len(frames)), names=["fold"])
    levels = list(range(1, whole.index.nlevels))
    mean = whole.groupby(level=levels, sort=False).mean()
    mean.insert(2, "skill", 1 - mean["mase"] / mean["naive_mase"])
    mean["folds"] = whole["mase"].groupby(level=levels, sort=False).count()
    return mean


def _stacked(folds: Sequence[_Fold], level: float) -> FloatArray:
    return np.concatenate([fold.made.law.quantile(level) for fold in folds], axis=1)


def _coverage(folds: Sequence[_Fold]) -> pd.DataFrame:
    actual = np.concatenate([fold.actual for fold in folds], axis=1)
    scale = np.concatenate([fold.scale for fold in folds])
    low, high = _stacked(folds, 0.1), _stacked(folds, 0.9)
    step = folds[0].made.step
    return pd.DataFrame(
        {
            "coverage80": scores.coverage(actual, low, high, axis=1),
            "coverage95": scores.coverage(actual, _stacked(folds, 0.025), _stacked(folds, 0.975), axis=1),
            "width80": scores.mean_seen((high - low) / scale, 1),
            "count": np.isfinite(actual).sum(axis=1),
        },
        index=pd.Index(step * np.arange(1, len(actual) + 1), name="ahead"),
    )


def _pit(folds: Sequence[_Fold]) -> pd.Series:
    actual = np.concatenate([fold.actual for fold in folds], axis=1)
    shares = scores.pit(actual, [_stacked(folds, level) for level in LEVELS], LEVELS)
    ends = (0.0, *LEVELS, 1.0)
    return pd.Series(shares, index=pd.IntervalIndex.from_breaks(ends, name="level"), name="share")


def _claims(fold: _Fold, limit: LimitLike, event: Mapping[str, Any]) -> pd.DataFrame:
    """Hold claims against what happened, per series and span; a span that the truth does not cover is left out."""
    claimed = outlook(fold.made, limit=limit, **event)
    window = passage.window_steps(claimed.question.sustained, fold.made.step)
    past = fold.made.history.ffill().to_numpy()[len(fold.made.history) - (window - 1) :]
    whole = np.concatenate([past, fold.actual])[None]
    room = claimed.usable.to_numpy()[-len(fold.actual) :]
    rolled = passage.rolling(whole, window, claimed.question.aggregate)
    met = np.maximum.accumulate(passage.past(rolled, room, claimed.direction)[0], axis=0)
    rows = []
    for span in SPANS:
        steps = int(duration(span) // fold.made.step)
        if 0 < steps <= len(met):
            chance = claimed.curve.to_numpy()[steps - 1]
            happened = np.where(np.isfinite(fold.actual[:steps]).any(axis=0), met[steps - 1], np.nan)
            rows.append(pd.DataFrame({"span": span, "probability": chance, "happened": happened}))
    if not rows:
        raise CapacityError(f"the horizon is shorter than {SPANS[0]}, the first span that breaches are judged for.")
    return pd.concat(rows, ignore_index=True)


def _brier(judged: pd.DataFrame) -> pd.DataFrame:
    known = judged.dropna()
    rows = {}
    for span, part in known.groupby("span", sort=False):
        chance, came = part["probability"].to_numpy(float), part["happened"].to_numpy(float)
        rate = came.mean()
        rows[span] = {
            "brier": scores.brier(chance, came),
            "base_rate_brier": scores.brier(np.full(len(came), rate), came),
            "happened": rate,
            "claimed": chance.mean(),
            "count": len(came),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("span")


def _reliability(judged: pd.DataFrame) -> pd.DataFrame:
    known = judged.dropna()
    rows = scores.reliability(known["probability"].to_numpy(float), known["happened"].to_numpy(float))
    return pd.DataFrame(rows, columns=["claimed", "happened", "count"])
