"""Projection: when the indicator itself will be past its target, by first passage over its own forecast."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from capacity.forecast import forecast
from capacity.frames import Skipped, duration, series_labels
from capacity.naming import series_names
from capacity.outlook import Outlook, outlook
from capacity.slo.indicator import Sli

__all__ = ["SPANS", "Projection", "projection"]

HOUR = pd.Timedelta(hours=1)
SPANS = ("7d", "30d", "60d", "90d")


@dataclass(frozen=True)
class Projection:
    """When an objective's indicator will be past its target.

    Attributes
    ----------
    table : DataFrame, a row a series
        ``now`` (the mean over the last ``sustained``), ``target``, ``7d`` … ``90d`` (the probability of a breach by
        then; NaN: past the horizon, or past what the history carries), ``breach_p10``, ``_p50``, ``_p90``, ``past``
        (whether it is past its target now), ``reason``.
    outlook : Outlook
        What it was read off.
    """

    table: pd.DataFrame
    outlook: Outlook = field(repr=False)

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """The series that cannot be judged."""
        return self.outlook.skipped


def projection(
    measured: Sli,
    *,
    horizon: str | pd.Timedelta = "90d",
    as_of: pd.Timestamp | None = None,
    sustained: str | pd.Timedelta = "1d",
    model: str = "auto",
    seed: int = 0,
) -> Projection:
    """Return when an objective's indicator will be past its target: below or above it, as the promise has it.

    Parameters
    ----------
    measured : Sli
        Its hourly values are forecast.
    horizon, as_of, model, seed
        As for `capacity.forecast.forecast`.
    sustained : duration
        The mean over this long has to be past the target: an hour that is past it is noise, a day is not.

    Raises
    ------
    HistoryTooShort
        No series can be forecast.
    """
    objective = measured.objective
    history = measured.each(max(HOUR, objective.slice))
    bounds = (0.0, 1.0) if objective.indicator == "ratio" else None
    made = forecast(history, horizon=horizon, as_of=as_of, model=model, bounds=bounds, kind=objective.name, seed=seed)
    found = outlook(
        made,
        limit=objective.target,
        direction=objective.direction,
        sustained=sustained,
        lead_time=made.step,
        as_of=as_of,
    )
    ahead = pd.TimedeltaIndex(made.index - made.cutoff)
    judged = found.table
    table = pd.DataFrame(
        {
            "series": series_names(series_labels(made.columns)),
            "labels": series_labels(made.columns),
            "now": judged["now"],
            "target": objective.target,
            **{span: _by(found, ahead, duration(span)) for span in SPANS},
            **{name: judged[name] for name in ("breach_p10", "breach_p50", "breach_p90")},
            "past": judged["verdict"] == "past",
            "reason": judged["reason"],
        },
        index=made.columns,
    )
    return Projection(table, found)


def _by(found: Outlook, ahead: pd.TimedeltaIndex, span: pd.Timedelta) -> pd.Series:
    """Return the chance by the end of a span; NaN past the horizon."""
    inside = np.asarray(ahead <= span)
    if not inside.any() or (span > ahead[-1] and span - ahead[-1] >= found.forecast.step):
        return pd.Series(np.nan, index=found.curve.columns)
    return found.curve[inside].iloc[-1]
