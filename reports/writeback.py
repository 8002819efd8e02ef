"""What a plan says, written back as series, so that rules and dashboards can use it.

The forecast of the resource ``disk`` is ``capacity_disk_forecast{quantile, as_of}`` at its own future times as far as
the server takes them (`connectors.foretold`). The rest are gauges at the instant of the plan, with the series' own
labels, ``resource`` and ``owner``; units are base units, dates are Unix seconds:

====================================================  ==================================================================
``capacity_breach_timestamp_seconds{quantile}``       when usable capacity is passed; +Inf: not within what is carried
``capacity_runway_seconds{quantile}``                 the same, counted from the plan
``capacity_breach_probability{within}``               the chance by 7, 30, 60, 90 d
``capacity_order_by_timestamp_seconds``               the last day on which deciding still helps; +Inf: nothing to order
``capacity_lead_time_seconds``, ``capacity_usable``   what it is held against
``capacity_utilisation_ratio``                        demand ÷ limit
``capacity_accepted``                                 1: somebody answers for the risk; else 0
``capacity_judged_timestamp_seconds``                 when the plan was made, by resource
====================================================  ==================================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from capacity.frames import METRIC, join, series_labels, wide
from reports.claims import WITHIN

if TYPE_CHECKING:
    from capacity.forecast import Forecast
    from capacity.outlook import Outlook
    from capacity.plan import Plan
    from connectors import Source

__all__ = ["QUANTILES", "Written", "forecast_metric", "gauges", "write_back"]

QUANTILES = (0.025, 0.1, 0.5, 0.9, 0.975)
"""Of a forecast: its two intervals and the middle."""

DATES: Mapping[str, str] = {"breach_p10": "0.1", "breach_p50": "0.5", "breach_p90": "0.9"}


@dataclass(frozen=True)
class Written:
    """What was written: samples of gauges and of forecasts, and up to when the latter reach (None: none ahead)."""

    gauges: int
    forecasts: int
    until: pd.Timestamp | None


def write_back(plan: Plan, target: Source, *, verify: bool = True) -> Written:
    """Write a plan into a server and read it back.

    Raises
    ------
    SourceError
        The server does not take it, or does not give it back.
    """
    # what is written is looked for until it can be read, which takes seconds: so few writes, and wide ones
    counted = target.write(join(*gauges(plan)), verify=verify) if plan.outlooks else 0
    samples, reach = 0, []
    for alike in _of_one_grid(plan).values():
        levels = {level: join(*(_renamed(made.quantile(level), name) for name, made in alike)) for level in QUANTILES}
        done = target.write_forecast(levels, verify=verify)
        samples += done.samples
        reach += [done.until] if done.until is not None else []
    return Written(counted, samples, max(reach) if reach else None)


def _of_one_grid(plan: Plan) -> dict[tuple[pd.Timestamp, pd.Timedelta, int], list[tuple[str, Forecast]]]:
    """Return the forecasts by the grid of times that they speak for."""
    found: dict[tuple[pd.Timestamp, pd.Timedelta, int], list[tuple[str, Forecast]]] = {}
    for name, made in plan.forecasts.items():
        found.setdefault((made.cutoff, made.step, len(made.index)), []).append((name, made))
    return found


def forecast_metric(resource: str) -> str:
    """Return the metric that a resource's forecast is written as, less its last part, ``_forecast``."""
    return f"capacity_{resource}"


def gauges(plan: Plan) -> list[pd.DataFrame]:
    """Return the gauges of a plan: wide frames of one row, at its instant, a metric each."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for name, outlook in plan.outlooks.items():
        owner = plan.catalog.resources[name].owner
        accepted = _accepted(plan, name)
        for position, labels in enumerate(series_labels(outlook.forecast.columns)):
            whose = {**_safe(labels), "resource": name, "owner": owner}
            put = 1.0 if frozenset(labels.items()) in accepted else 0.0
            for metric, more, value in (*_of(outlook, position), ("capacity_accepted", {}, put)):
                found.setdefault(metric, []).append(({**whose, **more}, value))
        judged = (plan.as_of - pd.Timestamp(0, tz="UTC")).total_seconds()
        found.setdefault("capacity_judged_timestamp_seconds", []).append(({"resource": name, "owner": owner}, judged))
    return [_frame(metric, rows, plan.as_of) for metric, rows in found.items()]


def _of(outlook: Outlook, position: int) -> Iterator[tuple[str, dict[str, str], float]]:
    """Yield metric, further labels and value of what is said of one series; what cannot be judged says nothing."""
    row = {str(name): value for name, value in outlook.table.iloc[position].items()}
    yield "capacity_lead_time_seconds", {}, outlook.lead_time.total_seconds()
    yield "capacity_usable", {}, float(row["usable"])
    yield "capacity_utilisation_ratio", {}, float(row["utilisation"])
    if row["verdict"] == "cannot judge":
        return
    cutoff = outlook.forecast.cutoff
    for column, level in DATES.items():
        yield "capacity_breach_timestamp_seconds", {"quantile": level}, _seconds(row[column])
        yield "capacity_runway_seconds", {"quantile": level}, _seconds(row[column], since=cutoff)
    yield "capacity_order_by_timestamp_seconds", {}, _seconds(row["order_by"])
    curve = outlook.curve.iloc[:, position]
    for within in WITHIN:
        step = int(pd.Timedelta(days=int(within[:-1])) // outlook.forecast.step) - 1
        if 0 <= step < len(curve):
            yield "capacity_breach_probability", {"within": within}, float(curve.iloc[step])


def _seconds(when: Any, *, since: pd.Timestamp | None = None) -> float:
    """Return a date as seconds, of the epoch or since another; no date is +Inf: not in sight."""
    if when is None or pd.isna(when):
        return np.inf
    return float((pd.Timestamp(when) - (since or pd.Timestamp(0, tz="UTC"))).total_seconds())


def _accepted(plan: Plan, name: str) -> set[frozenset[tuple[str, str]]]:
    rows = plan.table[(plan.table["resource"] == name) & (plan.table["accepted"] != "")]
    return {frozenset((labels or {}).items()) for labels in rows["labels"]}


def _safe(labels: Mapping[str, str]) -> dict[str, str]:
    """Return a series' labels, those of ours moved out of the way as Prometheus does."""
    ours = ("resource", "owner", "quantile", "within")
    return {f"exported_{name}" if name in ours else name: value for name, value in labels.items() if value}


def _frame(metric: str, rows: list[tuple[dict[str, str], float]], at: pd.Timestamp) -> pd.DataFrame:
    names = sorted({name for labels, _ in rows for name in labels})
    series = [{name: labels.get(name, "") for name in names} for labels, _ in rows]
    values = np.array([[value for _, value in rows]])
    return wide(values, times=pd.DatetimeIndex([at]), series=series, metric=metric)


def _renamed(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    made = frame.copy(deep=False)
    made.attrs = {}
    columns = frame.columns.to_frame(index=False)
    columns[METRIC] = forecast_metric(name)
    made.columns = pd.MultiIndex.from_frame(columns)
    return made
