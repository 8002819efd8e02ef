"""The points of a projection: what is drawn of one series, whether large as a chart or small as a sparkline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity.errors import ParameterError
from capacity.frames import series_labels, series_name
from capacity.naming import series_names
from reports.charts.envelope import MOST, bucket_for, envelope, projected
from reports.rows import rows

if TYPE_CHECKING:
    from capacity.forecast import Forecast
    from capacity.outlook import Outlook

__all__ = ["Drawn", "drawn", "held", "position_of"]

# A projection that leaves the page is cut off at this multiple of what was seen or is allowed.
CEILING = 2.2

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Drawn:
    """The points of one projection, in the base unit, gathered into buckets.

    Attributes
    ----------
    history : DataFrame, bucket × (low, mean, high)
    bands : DataFrame, bucket × quantile level
        Of the bucket's value that comes nearest to the limit.
    limit, usable : Series or None
        Their first and last value, and every change.
    """

    history: pd.DataFrame
    bands: pd.DataFrame
    limit: pd.Series | None
    usable: pd.Series | None
    bucket: pd.Timedelta
    step: pd.Timedelta
    direction: str

    @property
    def side(self) -> str:
        """The column of ``history`` that comes nearest to the limit."""
        return "high" if self.direction == "above" else "low"

    @property
    def gathered(self) -> bool:
        """Whether a bucket is more than one sample."""
        return self.bucket > self.step

    @property
    def reserved(self) -> bool:
        """Whether less may be used than the limit."""
        if self.limit is None or self.usable is None:
            return False
        return not np.isclose(self.usable.iloc[-1], self.limit.iloc[-1])

    @property
    def largest(self) -> float:
        """The largest value that was seen or is allowed: the axis is in the unit in which that reads well."""
        known = _finite(self.history.to_numpy(dtype=float), *self._lines())
        return float(np.abs(known).max()) if len(known) else float(np.nanmax(self.bands[0.5].to_numpy(dtype=float)))

    def _lines(self) -> list[Array]:
        return [one.to_numpy(dtype=float) for one in (self.limit, self.usable) if one is not None]

    def domain(self) -> tuple[float, float]:
        """From zero where that costs at most two thirds of the height, up to the 80 % band or the limit, with room."""
        known = _finite(self.history.to_numpy(dtype=float), *self._lines())
        seen = _finite(known, self.bands[[0.1, 0.9]].to_numpy(dtype=float))
        if not len(seen):
            return 0.0, 1.0
        low, high = float(seen.min()), float(seen.max())
        if len(known) and known.max() > 0:
            high = min(high, CEILING * float(known.max()))
        room = (high - low) * 0.12 or abs(high) * 0.1 or 1.0
        return (0.0 if 0 <= low < 0.67 * high else low - room), high + room


def _finite(*arrays: Array) -> Array:
    values: Array = np.concatenate([array.ravel() for array in arrays])
    return values[np.isfinite(values)]


def position_of(forecast: Forecast, outlook: Outlook | None = None, series: Any = None) -> int:
    """Return which column is meant: a position, a name (``"eu-west/node-3"``), labels, a column; None: the most urgent.

    Raises
    ------
    ParameterError
        No column answers to it; the message names some that are there.
    """
    if series is None:
        return rows(outlook)[0].position if outlook is not None else 0
    labels = series_labels(forecast.columns)
    if isinstance(series, int | np.integer) and 0 <= series < len(labels):
        return int(series)
    if isinstance(series, Mapping):
        found = [at for at, own in enumerate(labels) if all(own.get(name) == value for name, value in series.items())]
    else:
        short = series_names(labels)
        found = [at for at, own in enumerate(labels) if series in (short[at], series_name(own), forecast.columns[at])]
    if not found:
        known = ", ".join(series_name(own) for own in labels[:3])
        raise ParameterError(f"there is no series {series!r} in this forecast.", hint=f"For example {known}.")
    return found[0]


def drawn(
    forecast: Forecast, positions: list[int], *, outlook: Outlook | None = None, most: int = MOST
) -> dict[int, Drawn]:
    """Gather what a projection shows for several series of one forecast; their paths are drawn once."""
    length = pd.Timedelta(forecast.index[-1] - forecast.history.index[0])
    bucket = bucket_for(length, forecast.step, most=most)
    direction = outlook.direction if outlook is not None else "above"
    bands = projected(forecast, positions, bucket=bucket, direction=direction)
    return {
        at: Drawn(
            history=envelope(forecast.history.iloc[:, at], step=forecast.step, bucket=bucket, anchor=forecast.cutoff),
            bands=bands[at],
            limit=None if outlook is None else _steps(outlook.limit.iloc[:, at]),
            usable=None if outlook is None else _steps(outlook.usable.iloc[:, at]),
            bucket=bucket,
            step=forecast.step,
            direction=direction,
        )
        for at in positions
    }


def _steps(values: pd.Series) -> pd.Series | None:
    """Keep a limit's first and last value and every change of it; a series without a limit has None."""
    filled = values.ffill().bfill()
    moved = filled.ne(filled.shift()) | filled.ne(filled.shift(-1))
    kept = filled[moved].dropna()
    return kept if len(kept) else None


def held(values: pd.Series, when: pd.Timestamp) -> float:
    """Return the limit that holds at an instant; before the first one is known, the first."""
    before = values.loc[:when]
    return float(before.iloc[-1] if len(before) else values.iloc[0])
