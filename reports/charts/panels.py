"""Telemetry as it was: lines over time, heatmaps of histograms, counts of events, states; for dashboards."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from capacity.frames import series_labels, step_of
from capacity.naming import series_names
from capacity.units import axis, human
from reports import theme, words
from reports.charts import tools
from reports.charts.envelope import buckets

__all__ = ["events", "heatmap", "lines", "states"]

MOST_LINES = len(theme.SERIES)
POINTS = 900
"""Buckets of a line: a page is 900 pixels wide, and a bucket keeps its lowest and its highest value."""
CELLS = 100
"""Columns of a heatmap or a strip of states: a cell that is narrower than nine pixels cannot be pointed at."""
CELL = 15
WIDTHS = tuple(pd.Timedelta(text) for text in ("5min", "15min", "1h", "2h", "3h", "6h", "12h", "1D", "2D", "7D", "28D"))
DAY = pd.Timedelta(days=1)


def lines(
    history: pd.DataFrame,
    *,
    unit: str,
    title: str,
    limit: float | None = None,
    limit_name: str = "limit",
    height: float = 200,
) -> alt.LayerChart:
    """Draw series over time as lines, at most six: those that come highest; with a limit as a dashed rule.

    Parameters
    ----------
    history : DataFrame, wide
        In the base unit that ``unit`` names.
    """
    shown, names = _highest(history)
    largest = float(np.nanmax(np.abs(shown.to_numpy(dtype=float)), initial=limit or 0.0))
    scale, sign = axis(unit, largest)
    span = largest / scale or 1.0
    data = [
        point for name, column in zip(names, shown, strict=True) for point in _points(shown[column], name, scale, span)
    ]
    y = alt.Y(
        "value:Q", scale=alt.Scale(zero=unit != "ratio", nice=True), axis=alt.Axis(title=sign or None, tickCount=5)
    )
    layers: list[tools.Layer] = [_coloured(tools.chart(data), names).encode(x=_x(shown), y=y)]
    if limit is not None:
        rule = tools.chart([{"limit": tools.rounded(limit / scale), "text": f"{limit_name} {human(limit, unit)}"}])
        layers.append(rule.mark_rule(color=theme.VERMILLION, strokeDash=[5, 3]).encode(y="limit:Q"))
        text = rule.mark_text(align="left", dx=4, dy=-6, fontSize=10.5, color=theme.VERMILLION)
        layers.append(text.encode(x=alt.value(0), y="limit:Q", text="text:N"))
    return tools.dressed(
        layers,
        title=title,
        description=_told(title, shown, names, unit, limit),
        height=height,
        fields={"value": sign or "value"},
    )


def events(history: pd.DataFrame, *, title: str, what: str, height: float = 180) -> alt.LayerChart:
    """Draw how many events there were, as bars that stand upon each other, a colour a series."""
    shown, names = _highest(history)
    keys = _keys(shown, most=CELLS)
    summed, wide = shown.groupby(keys).sum(min_count=1), _length(keys)
    tops = summed.fillna(0.0).cumsum(axis=1)
    data = [
        {
            "time": tools.stamp(when),
            "to": tools.stamp(when + wide),
            "count": tools.rounded(value),
            "from": tools.rounded(top - value),
            "up to": tools.rounded(top),
            "series": name,
        }
        for at, name in enumerate(names)
        for (when, value), top in zip(_items(summed.iloc[:, at]), tops.iloc[:, at].tolist(), strict=True)
        if value > 0
    ]
    bars = (
        tools.chart(data)
        .mark_rect()
        .encode(
            x=_x(shown),
            x2="to:T",
            y=alt.Y("from:Q", scale=alt.Scale(zero=True), axis=alt.Axis(title=what, tickCount=4)),
            y2="up to:Q",
            color=_colour(names),
            tooltip=[alt.Tooltip("time:T", format="%d %b %H:%M"), alt.Tooltip("series:N"), alt.Tooltip("count:Q")],
        )
    )
    total = float(np.nansum(shown.to_numpy(dtype=float)))
    most = summed.sum(axis=1)
    worst = (
        f" Most in the {_width(keys)} from {words.day(pd.Timestamp(str(most.idxmax())))}: {most.max():,.0f}."
        if total
        else ""
    )
    return tools.dressed(
        [bars],
        title=title,
        description=f"{title}: {total:,.0f} {what} from {_span(shown)}.{worst}",
        height=height,
    )


def heatmap(buckets_: pd.DataFrame, *, unit: str, title: str) -> alt.LayerChart:
    """Draw a histogram over time: a column a stretch of time, a row a bucket, darker where more observations fell.

    Parameters
    ----------
    buckets_ : DataFrame, wide
        Observations at or below each bound of the label ``le`` in each step; other labels are added up.
    """
    counted = buckets_.T.groupby(level="le").sum(min_count=1).T
    bounds = sorted(counted.columns, key=float)
    keys = _keys(counted, most=CELLS)
    summed = counted[bounds].groupby(keys).sum(min_count=1)
    inside = summed.diff(axis=1).fillna({bounds[0]: summed[bounds[0]]}).clip(lower=0)
    shares = inside.div(summed[bounds[-1]], axis=0)
    rows = _rows(bounds, unit)
    data = [
        {
            "time": tools.stamp(when),
            "to": tools.stamp(when + _length(keys)),
            "row": rows[at],
            "share": tools.rounded(value, digits=3),
        }
        for at, bound in enumerate(bounds)
        for when, value in _items(shares[bound])
        if value > 0.0005
    ]
    present = [name for name in rows if any(one["row"] == name for one in data)]
    cells = (
        tools.chart(data)
        .mark_rect(opacity=0.95)
        .encode(
            x=alt.X(
                "time:T", scale=tools.UTC, axis=alt.Axis(title=None, labelOverlap=True, tickCount=8, format="%-d %b")
            ),
            x2="to:T",
            y=alt.Y("row:N", sort=present[::-1], axis=alt.Axis(title=None, grid=False)),
            color=alt.Color(
                "share:Q",
                scale=alt.Scale(type="sqrt", domain=[0, 1], range=[theme.tint(theme.BLUE, 0.04), theme.BLUE]),
                legend=alt.Legend(
                    format="%", title="of observations", orient="top", gradientLength=160, titleOrient="left"
                ),
            ),
            tooltip=[
                alt.Tooltip("time:T", format="%d %b %H:%M"),
                alt.Tooltip("row:N"),
                alt.Tooltip("share:Q", format=".1%"),
            ],
        )
    )
    usual = str(shares.mean().idxmax()) if data else bounds[0]
    told = f"Most observations fall into {rows[bounds.index(usual)]}." if data else "There were no observations."
    described = f"{title} from {_span(counted)}. {told}"
    return tools.dressed([cells], title=title, description=described, height=max(4, len(present)) * CELL)


def states(history: pd.DataFrame, named: Mapping[int, tuple[str, str]], *, title: str) -> alt.LayerChart:
    """Draw states over time, a strip a series: ``named`` has each state's word and colour, the worst state last."""
    names = series_names(_labels(history))
    keys = _keys(history, most=CELLS)
    worst = history.groupby(keys).max()
    data = [
        {
            "time": tools.stamp(when),
            "to": tools.stamp(when + _length(keys)),
            "series": name,
            "state": named[round(value)][0],
        }
        for name, column in zip(names, worst, strict=True)
        for when, value in _items(worst[column].dropna())
        if round(value) in named
    ]
    colours = alt.Scale(domain=[word for word, _ in named.values()], range=[colour for _, colour in named.values()])
    strips = (
        tools.chart(data)
        .mark_bar(height=16)
        .encode(
            x=alt.X(
                "time:T", scale=tools.UTC, axis=alt.Axis(title=None, labelOverlap=True, tickCount=8, format="%-d %b")
            ),
            x2="to:T",
            y=tools.names_axis("series", names),
            color=alt.Color("state:N", scale=colours, legend=alt.Legend(columns=tools.NARROW)),
            tooltip=[alt.Tooltip(f"{field}:N") for field in ("series", "state")]
            + [alt.Tooltip("time:T", format="%d %b %H:%M")],
        )
    )
    last = max(named)
    seen = [name for name, column in zip(names, history, strict=True) if (history[column] >= last).any()]
    told = f"{named[last][0]} at some time: {', '.join(seen)}." if seen else f"None was {named[last][0]}."
    return tools.dressed(
        [strips], title=title, description=f"{title} from {_span(history)}. {told}", height=max(2, len(names)) * 26
    )


def _highest(history: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return at most six series, those that come highest, in the order of their names."""
    names = series_names(_labels(history))
    peaks = history.max().to_numpy(dtype=float)
    kept = sorted(sorted(range(len(names)), key=lambda at: -np.nan_to_num(peaks[at], nan=-np.inf))[:MOST_LINES])
    return history.iloc[:, kept], [names[at] or "all" for at in kept]


def _points(values: pd.Series, name: str, scale: float, span: float) -> list[dict[str, Any]]:
    """Return a series' points, its lowest and highest in each bucket, in the order of time."""
    times, step = pd.DatetimeIndex(values.index), step_of(values.to_frame())
    bucket = step * math.ceil(len(times) / POINTS)
    if bucket > step:
        keys = buckets(times, step=step, bucket=bucket, anchor=times[-1])
        low, high = values.groupby(keys).min(), values.groupby(keys).max()
        values = pd.concat([low, high]).sort_index(kind="stable")
    return [
        {
            "time": tools.stamp(when),
            "value": tools.rounded_within(value / scale, span),
            "series": name,
        }
        for when, value in _items(values)
    ]


def _labels(history: pd.DataFrame) -> list[dict[str, str]]:
    assert isinstance(history.columns, pd.MultiIndex)
    return series_labels(history.columns)


def _items(values: pd.Series) -> Iterator[tuple[pd.Timestamp, float]]:
    return zip(pd.DatetimeIndex(values.index), values.to_numpy(dtype=float).tolist(), strict=True)


def _coloured(base: alt.Chart, names: Sequence[str]) -> alt.Chart:
    tips = [
        alt.Tooltip("series:N"),
        alt.Tooltip("time:T", format="%d %b %H:%M"),
        alt.Tooltip("value:Q", format=",.4~g"),
    ]
    drawn: alt.Chart = base.mark_line(strokeWidth=1.5).encode(color=_colour(names), tooltip=tips)
    return drawn


def _colour(names: Sequence[str]) -> alt.Color:
    scale = alt.Scale(domain=list(names), range=list(theme.SERIES[: len(names)]))
    return alt.Color("series:N", scale=scale, legend=alt.Legend(columns=tools.NARROW) if len(names) > 1 else None)


def _x(history: pd.DataFrame) -> alt.X:
    return tools.time_axis("time", low=pd.Timestamp(history.index[0]), high=pd.Timestamp(history.index[-1]))


def _keys(history: pd.DataFrame, *, most: int) -> pd.DatetimeIndex:
    """Return the start of the bucket of each instant, at most ``most`` buckets."""
    times, step = pd.DatetimeIndex(history.index), step_of(history)
    length = times[-1] - times[0] + step
    bucket = next((one for one in (step, *WIDTHS) if one >= step and length / one <= most), length / most)
    return buckets(times, step=step, bucket=bucket, anchor=times[-1]) if bucket > step else times - step


def _length(keys: pd.DatetimeIndex) -> pd.Timedelta:
    starts = keys.unique()
    return pd.Timedelta(starts[1] - starts[0]) if len(starts) > 1 else pd.Timedelta(hours=1)


def _width(keys: pd.DatetimeIndex) -> str:
    return words.since(_length(keys))


def _rows(bounds: Sequence[str], unit: str) -> list[str]:
    """Name each bucket by its bounds: ``"≤ 5 ms"``, ``"5 ms – 10 ms"``, ``"> 1 s"``."""
    told = [human(float(bound), unit) if bound != "+Inf" else "" for bound in bounds]
    found = [f"≤ {told[0]}"]
    for before, after in pairwise(told):
        found.append(f"{before} – {after}" if after else f"> {before}")
    return found


def _span(history: pd.DataFrame) -> str:
    return f"{words.day(pd.Timestamp(history.index[0]))} to {words.day(pd.Timestamp(history.index[-1]))}"


def _told(title: str, shown: pd.DataFrame, names: Sequence[str], unit: str, limit: float | None) -> str:
    last = shown.ffill().iloc[-1].to_numpy(dtype=float)
    told = ", ".join(f"{name} {human(value, unit)}" for name, value in zip(names, last, strict=True))
    bound = f" Limit {human(limit, unit)}." if limit is not None else ""
    return f"{title} from {_span(shown)}. Last: {told}.{bound}"
