"""Headroom: what a relation of latency to load says of one series, and how that is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity.forecast import Forecast
from capacity.frames import duration_text, series_labels
from capacity.naming import series_names
from capacity.slo.congestion import Binned, Curves

__all__ = ["DRAWS", "Relation", "headrooms"]

Array = npt.NDArray[np.float64]

WEEK = pd.Timedelta(days=7)
DRAWS = 400
QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
# Where the middle four fifths of the usable load span more than this factor, telemetry has not shown the knee yet.
VAGUE = 1.5
NAMES = {"queue": "M/M/c", "usl": "USL", "monotone": "monotone"}


@dataclass(frozen=True)
class Relation:
    """How the latency of one series rises with its load: what was seen, and draws of the curve through it.

    ``errors``: of each family's forecasts on the folds (mean error of the logarithm).
    """

    seen: Binned = field(repr=False)
    curves: Curves = field(repr=False)
    errors: dict[str, float]

    @property
    def family(self) -> str:
        """What the curve is, for a person."""
        return " or ".join(NAMES[one] for one in self.curves.families)


def headrooms(demand: Forecast, relations: Sequence[Relation], curve: pd.DataFrame, target: float) -> pd.DataFrame:
    """Return a row a series: see `capacity.slo.knees.Saturation`."""
    labels = series_labels(demand.columns)
    names = series_names(labels)
    rows = []
    for place, relation in enumerate(relations):
        history = demand.history.iloc[:, place]
        recent = history[history.index > demand.cutoff - WEEK]
        usable, knee = relation.curves.usable(target), relation.curves.knee()
        row: dict[str, Any] = {"series": names[place], "labels": labels[place], "load": float(recent.max())}
        row["reach"] = float(history.max())
        row |= {f"usable_{name}": _quantile(usable, level) for name, level in QUANTILES.items()}
        row |= {f"knee_{name}": _quantile(knee, level) for name, level in QUANTILES.items()}
        row["headroom"] = row["usable_p50"] - row["load"]
        known = np.isfinite(row["usable_p50"]) and row["usable_p50"] > 0
        row["headroom_ratio"] = row["headroom"] / row["usable_p50"] if known else np.nan
        row["rise"] = _rise(relation)
        row["family"] = relation.family
        row |= _dates(curve.iloc[:, place])
        row["seen"] = bool(row["usable_p90"] <= VAGUE * row["usable_p10"])
        row["reason"] = _reason(row, demand, place)
        rows.append(row)
    return pd.DataFrame(rows, index=demand.columns)


def _quantile(values: Array, level: float) -> float:
    return float(np.quantile(values, level, method="inverted_cdf"))


def _rise(relation: Relation) -> float:
    ends = np.array([relation.seen.load[0], relation.seen.load[-1]])
    risen = [relation.curves.at(draw, ends) for draw in range(0, DRAWS, 8)]
    return float(np.median([high / low for low, high in risen]))


def _dates(curve: pd.Series) -> dict[str, Any]:
    """Return the chance within what is carried, and the dates by which 10, 50 and 90 % of futures have met it."""
    known = curve.dropna()
    found: dict[str, Any] = {"probability": float(known.iloc[-1]) if len(known) else np.nan}
    for name, level in QUANTILES.items():
        past = known >= level
        found[f"breach_{name}"] = past.idxmax() if past.any() else pd.NaT
    return found


def _reason(row: dict[str, Any], demand: Forecast, place: int) -> str:
    """Say what the answer rests on."""
    if not np.isfinite(row["usable_p50"]):
        return "latency is not seen to rise with load, and nothing is known past the highest load that was seen"
    if not row["seen"]:
        return f"latency rose {row['rise']:.2f} times up to the highest load: where the knee lies is not seen yet"
    carried = demand.carried.iloc[place]
    horizon = demand.index[-1] - demand.cutoff
    short = f"; the history carries {duration_text(carried.floor('D'))}" if carried < horizon else ""
    return f"read off {row['family']} curves through {row['rise']:.2f} times the latency at rest{short}"
