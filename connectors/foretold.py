"""Forecasts written back: at their own future times as far as the server takes them, else as gauges at the present.

``disk`` becomes ``disk_forecast{quantile="0.5", as_of="2026-11-01T00:00Z"}`` at the times that it speaks for. The label
``as_of`` keeps two forecasts of the same days apart, which would be stored on top of each other. What lies further
ahead than the server takes becomes ``disk_forecast_in_7d{quantile="0.5"}`` at the present, one gauge a horizon.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from capacity.errors import ParameterError
from capacity.frames import METRIC, TIME, check, duration, duration_text, step_of

__all__ = ["AHEAD", "HORIZONS", "ForecastWritten", "Foretold", "foretell"]

AHEAD = pd.Timedelta(days=2)
"""How far ahead VictoriaMetrics takes samples where -futureRetention is not set, or is not known (before 1.141)."""

MARGIN = pd.Timedelta(minutes=5)
"""Left free before that end, for the time that writing takes and for clocks that differ."""

HORIZONS = ("1d", "7d", "30d", "90d")
QUANTILE, AS_OF = "quantile", "as_of"


@dataclass(frozen=True)
class ForecastWritten:
    """What was written: samples at their own times and up to when (None: none), and the gauges' metrics."""

    samples: int
    until: pd.Timestamp | None
    gauges: tuple[str, ...]


@dataclass(frozen=True)
class Foretold:
    """A forecast made ready: a frame of future times (None: none is taken), and one of the present (None: no need)."""

    ahead: pd.DataFrame | None
    gauges: pd.DataFrame | None


def foretell(
    forecast: pd.DataFrame | Mapping[float, pd.DataFrame],
    *,
    now: pd.Timestamp,
    reach: pd.Timedelta,
    horizons: Sequence[str] = HORIZONS,
) -> Foretold:
    """Make a forecast ready to be written.

    Parameters
    ----------
    forecast : DataFrame, or mapping from quantile level to DataFrame
        Wide, at future times; one frame of all levels has them in a label ``quantile``.
    now : Timestamp
        The server's present.
    reach : Timedelta
        How far ahead of it samples are taken.
    horizons : sequence of str
        For which gauges are made, as far as the forecast goes.

    Raises
    ------
    ParameterError
        It has no quantiles, or nothing of it lies ahead.
    """
    frame = _by_quantile(forecast)
    times = pd.DatetimeIndex(frame.index)
    if times[-1] <= now:
        raise ParameterError(
            f"the forecast ends at {times[-1].isoformat()}, which is not ahead of {now.isoformat()}.",
            hint="Forecast from a later cutoff.",
        )
    cutoff = times[0] - step_of(frame)
    last = now + reach - MARGIN
    within = frame.loc[times <= last]
    ahead = None if within.empty else _named(within, "forecast", {AS_OF: f"{cutoff:%Y-%m-%dT%H:%MZ}"})
    return Foretold(ahead, None if times[-1] <= last else _gauges(frame, now, horizons))


def _by_quantile(forecast: pd.DataFrame | Mapping[float, pd.DataFrame]) -> pd.DataFrame:
    """Return one frame, whose series say which quantile they are."""
    if isinstance(forecast, pd.DataFrame):
        frame = check(forecast)
        if QUANTILE not in frame.columns.names or "" in frame.columns.get_level_values(QUANTILE):
            raise ParameterError(
                "the forecast's series do not say which quantile they are.",
                hint="Give {0.5: frame, …}, such as {q: forecast.quantile(q) for q in (0.1, 0.5, 0.9)}.",
            )
        return frame
    if not forecast or not all(0 < level < 1 for level in forecast):
        raise ParameterError(f"quantile levels lie between 0 and 1; these are {sorted(forecast)}.")
    parts = [_with(check(part), {QUANTILE: f"{level:g}"}) for level, part in sorted(forecast.items())]
    return check(pd.concat(parts, axis=1))


def _with(frame: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """Return the frame with further labels on every series."""
    made = frame.copy(deep=False)
    made.attrs = {}
    made.columns = pd.MultiIndex.from_frame(frame.columns.to_frame(index=False).assign(**labels))
    return made


def _named(frame: pd.DataFrame, suffix: str, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Return the frame with a suffix on its metrics' names, and further labels."""
    made = frame.copy(deep=False)
    made.attrs = {}
    columns = frame.columns.to_frame(index=False).assign(**(labels or {}))
    columns[METRIC] = [re.sub(r"[^A-Za-z0-9_:]+", "_", f"{metric}_{suffix}") for metric in columns[METRIC]]
    made.columns = pd.MultiIndex.from_frame(columns)
    return made


def _gauges(frame: pd.DataFrame, now: pd.Timestamp, horizons: Sequence[str]) -> pd.DataFrame:
    """Return one row at the present: for each horizon, what is foretold of the step in which it ends."""
    times = pd.DatetimeIndex(frame.index)
    rows = []
    for horizon in horizons:
        length = duration(horizon, name="horizon")
        at = int(times.searchsorted(now + length))
        if at < len(times):
            row = frame.iloc[[at]].set_axis(pd.DatetimeIndex([now.floor("s")], name=TIME).as_unit("us"))
            rows.append(_named(row, f"forecast_in_{duration_text(length)}"))
    if not rows:
        raise ParameterError(
            f"the forecast ends before each of {', '.join(horizons)}, and further ahead than the server takes.",
            hint="Name a shorter horizon, or start the server with -futureRetention.",
        )
    return pd.concat(rows, axis=1)
