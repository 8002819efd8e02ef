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

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from capacity import backtest_breaches as breaches
from capacity import backtest_scores as scored
from capacity import events as known_events
from capacity import scores, tables
from capacity.asked import Bounds
from capacity.backtest_breaches import SPANS
from capacity.backtest_scores import Fold
from capacity.errors import HistoryTooShort
from capacity.events import EventsLike
from capacity.forecast import forecast
from capacity.frames import Skipped, duration, duration_text, series_labels, series_name
from capacity.grids import seasons
from capacity.limits import LimitLike
from capacity.prepare import MIN_SAMPLES, Prepared, prepare
from capacity.provenance import Provenance

__all__ = ["SPANS", "Backtest", "backtest"]

# The first cutoff sees at least this share of the history.
LEAST_SHARE = 0.35


@dataclass(frozen=True)
class Backtest:
    """What rolling folds of the whole forecast scored.

    Attributes
    ----------
    table : DataFrame, a row a series
        Over all folds and the whole horizon: ``mase``, ``naive_mase``, ``skill`` (1 − mase ÷ naive_mase), ``rmsse``,
        ``sql``, ``wql``, ``bias``, ``coverage80``, ``coverage95``, ``folds``.
    scores : DataFrame, a row a series, fold and stretch of the horizon
        Long: ``series``, ``cutoff``, ``stretch``, and the scores.
    coverage : DataFrame, a row a step ahead
        ``coverage80``, ``coverage95``, ``width80``, ``width95`` (in units of the seasonal scale), ``count``.
    pit : Series
        Share of actuals between neighbouring levels; ``expected`` shares are the levels' differences.
    brier : DataFrame or None, a row a span
        With a limit: how good the probabilities of a breach within the span were. ``brier``, ``log_loss``,
        ``date_brier`` (of the date: the mean over the span's steps), ``base_rate_brier`` (of always claiming what
        happened on average), ``happened``, ``claimed``, ``count``.
    against : DataFrame or None, a row a span and rule
        The same claims by seasonal naive, ``predict_linear`` and the crossing of the median: their ``brier`` and
        ``date_brier``, and our ``skill`` and ``date_skill`` against each (1 is perfect, 0 no better).
    reliability : DataFrame or None, a row a tenth of claims
        ``claimed``, ``happened``, ``count``.
    cutoffs : tuple of Timestamp
    skipped : tuple of Skipped
    provenance : Provenance
    """

    table: pd.DataFrame
    scores: pd.DataFrame = field(repr=False)
    coverage: pd.DataFrame = field(repr=False)
    pit: pd.Series = field(repr=False)
    brier: pd.DataFrame | None
    against: pd.DataFrame | None = field(repr=False)
    reliability: pd.DataFrame | None = field(repr=False)
    cutoffs: tuple[pd.Timestamp, ...]
    skipped: tuple[Skipped, ...]
    provenance: Provenance = field(repr=False)

    def __repr__(self) -> str:
        """Return a line: how many series and folds, how good they were."""
        mean = self.table.mean()
        ahead = duration_text(self.coverage.index[-1])
        against = (
            f"{mean['mase'] / mean['naive_mase']:.2f} × seasonal naive's" if mean["naive_mase"] > 0 else "no error"
        )
        return (
            f"Backtest({len(self.table)} series, {len(self.cutoffs)} folds of {ahead}: error {against}, "
            f"{_share(mean['coverage80'])} within the 80 % band)"
        )

    def _repr_html_(self) -> str:
        return tables.html_table(_shown(self.table), caption=repr(self))


def backtest(
    history: pd.DataFrame,
    *,
    horizon: str | pd.Timedelta = "28d",
    folds: int = 4,
    model: str = "auto",
    limit: LimitLike = None,
    window: str | pd.Timedelta | None = None,
    gap: str | pd.Timedelta | None = None,
    as_of: str | pd.Timestamp | None = None,
    events: EventsLike = None,
    timezones: Mapping[str, str] | str | None = None,
    bounds: Bounds | None = None,
    kind: str | None = None,
    seed: int = 0,
    progress: Callable[[int, int, str], object] | None = None,
    **event: Any,
) -> Backtest:
    """Forecast at ``folds`` earlier cutoffs and score what came.

    Parameters
    ----------
    history, horizon, model, as_of, events, timezones, bounds, kind, seed
        As for `capacity.forecast.forecast`.
    folds : int
        How many cutoffs; fewer where the history is too short for more.
    window : duration, optional
        Every fold sees this much and no more (sliding); None: all that lies before its cutoff (expanding).
    gap : duration, optional
        Between the cutoff and the first step that is scored: what comes late cannot be seen by then.
    limit : optional
        With one, breaches within 7, 30, 60 and 90 days are claimed by `capacity.outlook.outlook` and judged;
        ``event`` is passed on to it (``direction``, ``sustained``, ``aggregate`` …).

    Raises
    ------
    HistoryTooShort
        No fold leaves enough history before and a horizon behind its cutoff.
    """
    listed = known_events.known(events)
    prepared = prepare(history, as_of=as_of, unfit=[one.event for one in listed if one.action == "unfit"])
    unseen = 0 if gap is None else int(duration(gap, name="gap") // prepared.step)
    ahead = unseen + int(duration(horizon, name="horizon") // prepared.step)
    rows = None if window is None else int(duration(window, name="window") // prepared.step)
    how = dict(model=model, bounds=bounds, kind=kind, seed=seed, events=events, timezones=timezones)
    cuts = _cutoffs(prepared, ahead, folds, rows)
    made: list[Fold] = []
    skipped: dict[str, Skipped] = {}
    claims: list[pd.DataFrame] = []
    for place, cut in enumerate(cuts):
        if progress is not None:
            progress(place, len(cuts), "backtest")
        seen = prepared.frame.iloc[0 if rows is None else max(0, cut - rows) : cut]
        fold = _fold(prepared, seen, cut, ahead, unseen, how)
        made.append(fold)
        skipped.update({one.series: one for one in fold.made.skipped})
        if limit is not None:
            claims.append(breaches.claims(fold, limit, event))
    if progress is not None:
        progress(len(cuts), len(cuts), "backtest")
    long = pd.concat([scored.by_stretch(fold) for fold in made], ignore_index=True)
    judged = pd.concat(claims, ignore_index=True) if claims else None
    return Backtest(
        table=scored.table(made),
        scores=long,
        coverage=scored.coverage(made),
        pit=scored.pit(made),
        brier=None if judged is None else breaches.spans(judged),
        against=None if judged is None else breaches.skill(judged),
        reliability=None if judged is None else breaches.reliability(judged),
        cutoffs=tuple(fold.made.cutoff for fold in made),
        skipped=tuple(skipped.values()),
        provenance=prepared.provenance,
    )


def _cutoffs(prepared: Prepared, ahead: int, folds: int, window: int | None) -> list[int]:
    rows = len(prepared.frame)
    last = rows - ahead
    least = max(MIN_SAMPLES, round(LEAST_SHARE * rows) if window is None else min(window, rows))
    if last < least or ahead < 1 or not prepared.frame.shape[1]:
        raise HistoryTooShort(
            f"{rows} samples leave no room for a fold of {ahead} steps ahead.", hint="Take a shorter horizon."
        )
    first = max(least, last - (folds - 1) * ahead)
    return [int(cut) for cut in np.unique(np.linspace(first, last, folds).round())] if folds > 1 else [last]


def _fold(prepared: Prepared, seen: pd.DataFrame, cut: int, ahead: int, unseen: int, how: Mapping[str, Any]) -> Fold:
    made = forecast(seen, horizon=ahead * prepared.step, **how)
    came = prepared.frame[made.columns].to_numpy()[cut : cut + ahead]
    actual = came.copy()
    actual[:unseen] = np.nan
    lag = seasons(prepared.step, len(seen)).lag
    return Fold(made, came, actual, scores.seasonal_scale(made.history.to_numpy(), lag=lag), lag)


def _shown(table: pd.DataFrame) -> list[dict[str, str]]:
    """Return the table as text, a row a series, the worst skill first."""
    worst = table.assign(series=[series_name(one) for one in series_labels(table.index)]).sort_values(  # type: ignore[arg-type]
        "skill", kind="stable"
    )
    return [
        {
            "series": str(row["series"]),
            "error ÷ naive": _number(1 - row["skill"]),
            **{name.upper() if name != "bias" else name: _number(row[name]) for name in ("mase", "sql", "wql", "bias")},
            "80 % held": _share(row["coverage80"]),
            "95 % held": _share(row["coverage95"]),
            "folds": f"{row['folds']:.0f}",
        }
        for _, row in worst.iterrows()
    ]


def _number(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.2f}".replace("-", "−")


def _share(value: float) -> str:
    return "–" if pd.isna(value) else f"{100 * value:.0f} %"
