"""What growth costs: demand per unit of the business metric that drives it, and how that drifts.

Demand grows because there is more business, or because each piece of business asks for more. The first is a forecast to
ask others for; the second is a defect or a feature. The unit cost is the ratio of daily means; its drift is its growth
(`capacity.growth`: robust, free of the week's rhythm, with an interval that knows about autocorrelation).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from capacity import limits as lim
from capacity import tables
from capacity.errors import HistoryTooShort
from capacity.frames import Skipped, check, duration_text, instant, series_labels, series_name, step_of
from capacity.growth import DAY, MIN_DAYS, daily_means, grown

__all__ = ["UnitCost", "unit_cost"]


@dataclass(frozen=True)
class UnitCost:
    """What a unit of the driver costs, by series of demand.

    Attributes
    ----------
    table : DataFrame, a row a series
        ``unit_cost`` (demand per unit of the driver, now; in the demand's base unit), ``drift_30d`` with ``low`` and
        ``high`` (its change in 30 days as a share of it, and the central 80 % interval), ``demand_30d`` and
        ``driver_30d`` (how each grows in 30 days, as a share), ``direction`` (dearer, cheaper, steady), ``days``.
    skipped : tuple of Skipped
        Series that no driver has the labels of, and those with too few days on which both are known.
    """

    table: pd.DataFrame
    skipped: tuple[Skipped, ...]

    def __repr__(self) -> str:
        """Return a line: how many series, and how many become dearer, cheaper or stay."""
        return tables.counted("UnitCost", self.table["direction"])


def unit_cost(demand: pd.DataFrame, driver: pd.DataFrame, *, as_of: str | pd.Timestamp | None = None) -> UnitCost:
    """Return demand per unit of a driver, and its drift.

    Parameters
    ----------
    demand, driver : DataFrame
        Wide frames of the contract; they meet on the labels that both have, one driver to many series of demand.
    as_of : instant, optional
        Everything after it is dropped first.

    Raises
    ------
    HistoryTooShort
        There is no instant at which both are known.
    """
    asked, drives = check(demand), check(driver)
    if as_of is not None:
        until = instant(as_of, name="as_of")
        asked, drives = asked.loc[:until], drives.loc[:until]
    both = asked.index.intersection(drives.index)
    if len(both) < 2:
        raise HistoryTooShort("demand and its driver have no two instants in common.", hint="Pull both on one step.")
    columns = asked.columns
    assert isinstance(columns, pd.MultiIndex)
    found = lim.match(columns, drives, times=pd.DatetimeIndex(both), cutoff=both[-1])
    met = np.flatnonzero(found.owner >= 0)
    top, _ = daily_means(asked.reindex(both).iloc[:, met])
    bottom, spacing = daily_means(drives.reindex(both).iloc[:, found.owner[met]])
    known = np.isfinite(top) & np.isfinite(bottom) & (bottom > 0)
    ratio = np.where(known, top / np.where(known, bottom, 1.0), np.nan)
    days = known.sum(axis=0) * spacing
    enough = days >= MIN_DAYS
    period = max(7 * DAY, step_of(asked.loc[both]))
    parts = [np.where(known, part, np.nan)[:, enough] for part in (ratio, top, bottom)]
    cost, demanded, driven = (
        grown(part, columns[met[enough]], spacing=spacing, period=period, end=both[-1]) for part in parts
    )
    labels = series_labels(columns)
    few = [(labels[place], f"{duration_text(pd.Timedelta(round(had), unit='D'))} on which both are known, {MIN_DAYS}d "
            "are needed") for place, had in zip(met[~enough], days[~enough], strict=True)]  # fmt: skip
    return UnitCost(
        table=_table(cost, demanded, driven),
        skipped=(
            *(Skipped(one.series, "no data", f"driver: {one.detail}", one.labels) for one in found.skipped),
            *(Skipped(series_name(own), "too short", told, own) for own, told in few),
        ),
    )


def _table(cost: pd.DataFrame, demanded: pd.DataFrame, driven: pd.DataFrame) -> pd.DataFrame:
    now = cost["now"].where(cost["now"] != 0)
    words = {"growing": "dearer", "falling": "cheaper", "steady": "steady"}
    return pd.DataFrame(
        {
            "unit_cost": cost["now"],
            "drift_30d": cost["relative_30d"],
            "low": cost["low"] * 30 / now,
            "high": cost["high"] * 30 / now,
            "demand_30d": demanded["relative_30d"],
            "driver_30d": driven["relative_30d"],
            "direction": cost["direction"].map(words),
            "days": cost["days"],
        }
    )
