"""What the folds of a backtest claimed of breaches, and what happened: ours beside the rules that people go by.

The rules are asked for the same event at the same limit. Seasonal naive and ``predict_linear`` draw a line and say yes
or no by whether it is past the limit; so does the forecast's own median, which is how forecasts are mostly read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity import passage, scores
from capacity.backtest_scores import Fold
from capacity.errors import CapacityError
from capacity.frames import duration
from capacity.grids import WEEK_S
from capacity.limits import LimitLike
from capacity.models.linear import line
from capacity.outlook import Outlook, outlook

__all__ = ["RULES", "SPANS", "claims", "reliability", "skill", "spans"]

FloatArray = npt.NDArray[np.float64]

# Spans within which a breach is claimed and judged, and the rules beside ours.
SPANS = ("7d", "30d", "60d", "90d")
RULES = ("seasonal naive", "predict_linear", "point")
OURS = "probability"
BINS = 10


def claims(fold: Fold, limit: LimitLike, event: Mapping[str, Any]) -> pd.DataFrame:
    """Hold claims against what happened, a row a series and span; a span that the truth does not cover is left out.

    Returns
    -------
    DataFrame
        ``span``; ``probability`` (NaN: it was not judged); a column a rule of `RULES` (0 or 1); ``happened`` (NaN: not
        known); for ours and each rule ``… date``, the Brier score of the date: the mean over the span's steps.
    """
    claimed = outlook(fold.made, limit=limit, **event)
    happened = _met(claimed, fold.came)
    known = np.isfinite(fold.came)
    curves = {OURS: claimed.curve.to_numpy(), **{rule: _met(claimed, _line(fold, rule)) for rule in RULES}}
    rows = []
    for span in SPANS:
        steps = int(duration(span) // fold.made.step)
        if 0 < steps <= len(happened):
            came = np.where(known[:steps].any(axis=0), happened[:steps], np.nan)
            ends = {name: curve[steps - 1] for name, curve in curves.items()}
            dates = {f"{name} date": scores.integrated_brier(curve[:steps], came) for name, curve in curves.items()}
            rows.append(pd.DataFrame({"span": span, **ends, "happened": came[-1], **dates}))
    if not rows:
        raise CapacityError(f"the horizon is shorter than {SPANS[0]}, the first span that breaches are judged for.")
    return pd.concat(rows, ignore_index=True)


def _met(claimed: Outlook, values: FloatArray) -> FloatArray:
    """Return 1 from the step on at which ``values`` after the cutoff meet the event, shape (horizon, series)."""
    made = claimed.forecast
    window = passage.window_steps(claimed.question.sustained, made.step)
    past = made.history.ffill().to_numpy()[len(made.history) - (window - 1) :]
    rolled = passage.rolling(np.concatenate([past, values])[None], window, claimed.question.aggregate)
    room = claimed.usable.to_numpy()[-len(values) :]
    return np.maximum.accumulate(passage.past(rolled, room, claimed.direction)[0], axis=0).astype(float)


def _line(fold: Fold, rule: str) -> FloatArray:
    """Return what a rule takes for the future, shape (horizon, series)."""
    history, ahead = fold.made.history, len(fold.came)
    if rule == "point":
        return fold.made.quantile(0.5).to_numpy()
    if rule == "seasonal naive":
        season = history.ffill().to_numpy()[-fold.lag :]
        return np.asarray(season[np.arange(ahead) % len(season)])
    week = max(2, round(WEEK_S / fold.made.step.total_seconds()))
    level, slope = line(history.to_numpy()[-week:])
    return np.asarray(level + slope * np.arange(1, ahead + 1)[:, None])


def spans(judged: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of our probabilities, a row a span, beside those of always claiming the base rate."""
    rows = {}
    for span, part in _known(judged).groupby("span", sort=False):
        chance, came = part[OURS].to_numpy(float), part["happened"].to_numpy(float)
        rows[span] = {
            "brier": scores.brier(chance, came),
            "log_loss": scores.log_loss(chance, came),
            "date_brier": float(part[f"{OURS} date"].mean()),
            "base_rate_brier": scores.brier(np.full(len(came), came.mean()), came),
            "happened": came.mean(),
            "claimed": chance.mean(),
            "count": len(came),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("span")


def skill(judged: pd.DataFrame) -> pd.DataFrame:
    """Return how much better ours is than each rule, on the same claims: 1 − Brier ÷ the rule's; 0 is no better.

    A row a span and rule: ``brier`` and ``date_brier`` are the rule's own, ``skill`` and ``date_skill`` ours against it
    (NaN where the rule made no mistake at all).
    """
    rows = []
    for span, part in _known(judged).groupby("span", sort=False):
        came = part["happened"].to_numpy(float)
        for rule in RULES:
            theirs, ours = (scores.brier(part[name].to_numpy(float), came) for name in (rule, OURS))
            dates = [float(part[f"{name} date"].mean()) for name in (rule, OURS)]
            rows.append(
                {
                    "span": span, "rule": rule, "brier": theirs, "skill": _better(ours, theirs),
                    "date_brier": dates[0], "date_skill": _better(dates[1], dates[0]),
                }
            )  # fmt: skip
    columns = ["span", "rule", "brier", "skill", "date_brier", "date_skill"]
    return pd.DataFrame(rows, columns=columns).set_index(["span", "rule"])


def reliability(judged: pd.DataFrame) -> pd.DataFrame:
    """Return what was claimed against what happened, a row a bin of claims: ``claimed``, ``happened``, ``count``."""
    known = _known(judged)
    rows = scores.reliability(known[OURS].to_numpy(float), known["happened"].to_numpy(float), bins=BINS)
    return pd.DataFrame(rows, columns=["claimed", "happened", "count"])


def _known(judged: pd.DataFrame) -> pd.DataFrame:
    return judged.dropna(subset=[OURS, "happened"])


def _better(ours: float, theirs: float) -> float:
    return 1 - ours / theirs if theirs > 0 else np.nan
