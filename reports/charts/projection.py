"""The projection of one series: what was, what is likely to come, and where that meets the limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import pandas as pd

from capacity.frames import series_labels, series_name
from capacity.units import axis, human
from reports import theme, words
from reports.charts import tools
from reports.charts.envelope import bucket_for, envelope, projected
from reports.rows import Row, rows

if TYPE_CHECKING:
    from capacity.forecast import Forecast
    from capacity.outlook import Outlook

__all__ = ["Drawn", "drawn", "forecast", "position_of"]

DAY = pd.Timedelta(days=1)
CROWDED = 0.07


@dataclass(frozen=True)
class Drawn:
    """The points of one projection, in the base unit, gathered into buckets: what chart and sparkline share."""

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


def position_of(forecast: Forecast, outlook: Outlook | None = None, series: Any = None) -> int:
    """Return which column is meant: a position, a name (``"eu-west/node-3"``), labels, a column; None: the most urgent.

    Raises
    ------
    KeyError
        No column answers to it; the message names some that are there.
    """
    if series is None:
        return rows(outlook)[0].position if outlook is not None else 0
    if isinstance(series, int | np.integer):
        return int(series)
    labels = series_labels(forecast.columns)
    if isinstance(series, tuple) and series in forecast.columns:
        return int(forecast.columns.get_loc(series))
    if isinstance(series, Mapping):
        found = [at for at, own in enumerate(labels) if all(own.get(name) == value for name, value in series.items())]
    else:
        found = [at for at, own in enumerate(labels) if series_name(own) == series]
    if not found:
        raise KeyError(f"no series {series!r}; there are {', '.join(series_name(own) for own in labels[:5])} …")
    return found[0]


def drawn(
    forecast: Forecast, positions: list[int], *, outlook: Outlook | None = None, most: int | None = None
) -> dict[int, Drawn]:
    """Gather what a projection shows for several series of one forecast; their paths are drawn once."""
    length = pd.Timedelta(forecast.index[-1] - forecast.history.index[0])
    bucket = bucket_for(length, forecast.step, **({} if most is None else {"most": most}))
    direction = outlook.direction if outlook is not None else "above"
    bands = projected(forecast, positions, bucket=bucket, direction=direction)
    return {
        at: Drawn(
            history=envelope(forecast.history.iloc[:, at], step=forecast.step, bucket=bucket),
            bands=bands[at],
            limit=None if outlook is None else _steps(outlook.limit.iloc[:, at]),
            usable=None if outlook is None else _steps(outlook.usable.iloc[:, at]),
            bucket=bucket,
            step=forecast.step,
            direction=direction,
        )
        for at in positions
    }


def _steps(values: pd.Series) -> pd.Series:
    """Keep a limit's first and last value and every change of it."""
    held = values.ffill().bfill()
    moved = held.ne(held.shift()) | held.ne(held.shift(-1))
    return held[moved].dropna()


def forecast(
    forecast: Forecast, outlook: Outlook | None = None, series: Any = None, *, title: str = ""
) -> alt.LayerChart:
    """Draw one series: history, median and 50/80/95 % bands; with an outlook also limit, lead time and breach.

    Parameters
    ----------
    series
        See `position_of`; by default the most urgent of ``outlook``, else the first.
    """
    at = position_of(forecast, outlook, series)
    shown = drawn(forecast, [at], outlook=outlook)[at]
    row = None if outlook is None else next(one for one in rows(outlook) if one.position == at)
    metric = str(forecast.columns[at][0])
    largest = float(
        np.nanmax(
            [
                _largest(shown.history),
                _largest(shown.bands),
                *(_largest(one) for one in (shown.limit, shown.usable) if one is not None),
            ]
        )
    )
    divisor, sign = axis(forecast.units.get(metric, ""), largest)
    canvas = _Canvas(forecast, shown, row, divisor, sign, metric)
    name = title or f"{metric} · {series_name(series_labels(forecast.columns)[at])}"
    return tools.dressed(
        alt.layer(*canvas.layers()).resolve_scale(color="independent"),
        title=name,
        subtitle=_finding(row, forecast.cutoff),
        description=canvas.description(name),
    )


def _largest(values: pd.DataFrame | pd.Series) -> float:
    array = np.abs(values.to_numpy(dtype=float))
    return float(array[np.isfinite(array)].max(initial=0.0))


def _finding(row: Row | None, as_of: pd.Timestamp) -> str:
    if row is None:
        return ""
    if row.verdict == "cannot judge":
        return f"cannot be judged: {row.reason}" if row.reason else "cannot be judged"
    if row.verdict == "past":
        return "already past its usable capacity"
    chance = f"{words.chance(row.chance)} by {words.day(row.until, zone=row.zone)}"
    if not words.known(row.p50):
        return f"chance of a breach: {chance}"
    when = words.day(row.p50, zone=row.zone)
    return f"breach {when} ({words.span(row.p10, row.p90, zone=row.zone)}) · {chance}"


@dataclass(frozen=True)
class _Canvas:
    """One projection being drawn: its points, its unit, and the layers from back to front."""

    forecast: Forecast
    shown: Drawn
    row: Row | None
    divisor: float
    sign: str
    metric: str

    def scaled(self, value: float) -> float | None:
        return tools.rounded(value / self.divisor)

    def layers(self) -> list[alt.Chart]:
        layers = [*self.lead(), *self.bands(), *self.past(), *self.limits()]
        layers += tools.rule(self.forecast.cutoff, f"as of {words.short_day(self.forecast.cutoff)}")
        return [*layers, *self.breach(), self.hover(), self.legend()]

    # --- the scales that all layers share

    def x(self, field: str = "time") -> alt.X:
        return tools.time_axis(field, low=self.shown.history.index[0], high=self.forecast.index[-1])

    def y(self, field: str) -> alt.Y:
        low, high = self.domain()
        title = f"{self.metric}{f' ({self.sign})' if self.sign else ''}"
        return alt.Y(
            f"{field}:Q",
            scale=alt.Scale(domain=[low, high], nice=False, zero=False),
            axis=alt.Axis(title=title, tickCount=5),
        )

    def domain(self) -> tuple[float, float]:
        """From zero where that costs no more than two thirds of the height; never so high that a band's tail rules."""
        seen = [self.shown.history.to_numpy(dtype=float).ravel(), self.shown.bands[[0.1, 0.9]].to_numpy().ravel()]
        seen += [one.to_numpy(dtype=float) for one in (self.shown.limit, self.shown.usable) if one is not None]
        values = np.concatenate(seen) / self.divisor
        values = values[np.isfinite(values)]
        low, high = float(values.min()), float(values.max())
        room = (high - low) * 0.12 or abs(high) * 0.1 or 1.0
        bottom = 0.0 if 0 <= low < 0.67 * high else low - room
        return float(f"{bottom:.4g}"), float(f"{high + room:.4g}")

    # --- layers

    def lead(self) -> list[alt.Chart]:
        if self.row is None:
            return []
        end = min(self.forecast.cutoff + self.row.lead_time, self.forecast.index[-1])
        words_ = [{"time": tools.stamp(self.forecast.cutoff), "text": f"lead time {words.since(self.row.lead_time)}"}]
        text = (
            alt.Chart(tools.table(words_))
            .mark_text(align="left", dx=5, baseline="top", fontSize=10.5, color=theme.GREY)
            .encode(x=alt.X("time:T", scale=tools.UTC), y=alt.value(2), text="text:N")
        )
        return [tools.lead_band(self.forecast.cutoff, end), text]

    def bands(self) -> list[alt.Chart]:
        frame = self.shown.bands
        data = tools.table(
            {"time": tools.stamp(time)}
            | {f"p{level * 1000:.0f}": self.scaled(value) for level, value in zip(frame.columns, record, strict=True)}
            for time, record in zip(frame.index, frame.to_numpy(), strict=True)
        )
        base = alt.Chart(data)
        areas = [
            base.mark_area(color=theme.SKY, opacity=opacity, clip=True).encode(
                x=self.x(), y=self.y(f"p{500 - width * 500:.0f}"), y2=f"p{500 + width * 500:.0f}"
            )
            for width, opacity in theme.BANDS
        ]
        median = base.mark_line(color=theme.BLUE, strokeDash=[5, 3], strokeWidth=1.6, clip=True).encode(
            x=self.x(), y=self.y("p500")
        )
        return [*areas, median]

    def past(self) -> list[alt.Chart]:
        frame = self.shown.history
        gathered = self.shown.bucket > self.shown.step
        data = tools.table(
            {"time": tools.stamp(time), "low": self.scaled(one.low), "high": self.scaled(one.high)}
            if gathered
            else {"time": tools.stamp(time), self.shown.side: self.scaled(one.high)}
            for time, one in zip(frame.index, frame.itertuples(), strict=True)
        )
        line = (
            alt.Chart(data)
            .mark_line(color=theme.BLUE, strokeWidth=1.4, clip=True)
            .encode(x=self.x(), y=self.y(self.shown.side))
        )
        area = alt.Chart(data).mark_area(color=theme.GREY, opacity=0.25).encode(x=self.x(), y=self.y("low"), y2="high")
        return [area, line] if gathered else [line]

    def limits(self) -> list[alt.Chart]:
        """The limit, and the usable capacity below it where the two differ, each named on its own line."""
        limit, usable = self.shown.limit, self.shown.usable
        if limit is None or limit.empty:
            return []
        both = usable is not None and not usable.empty and not np.isclose(usable.iloc[-1], limit.iloc[-1])
        layers = self.limit_line(limit, "limit", dash=[])
        if both:
            low, high = self.domain()
            apart = abs(limit.iloc[0] - usable.iloc[0]) / self.divisor > CROWDED * (high - low)
            layers += self.limit_line(usable, "usable", dash=[6, 3], named=apart)
        return layers

    def limit_line(self, values: pd.Series, name: str, *, dash: list[int], named: bool = True) -> list[alt.Chart]:
        begin, end = self.shown.history.index[0], self.forecast.index[-1]
        times = (
            [max(values.index[0], begin) if at else begin for at in range(1)]
            + [time for time in values.index if begin < time < end]
            + [end]
        )
        points = [{"time": tools.stamp(time), name: self.scaled(_at(values, time))} for time in times]
        line = (
            alt.Chart(tools.table(points))
            .mark_line(color=theme.VERMILLION, strokeWidth=1.6, strokeDash=dash, interpolate="step-after", clip=True)
            .encode(x=self.x(), y=self.y(name))
        )
        if not named:
            return [line]
        first = _at(values, begin)
        text = {
            "time": tools.stamp(begin),
            "value": self.scaled(first),
            "text": f"{name} {human(first, self.forecast.units.get(self.metric, ''))}",
        }
        return [line, tools.label([text], colour=theme.VERMILLION, dy=-7 if name == "limit" else 9)]

    def breach(self) -> list[alt.Chart]:
        """The median date as a diamond on the line that is crossed, P10 to P90 as a bar around it."""
        row, line = self.row, self.shown.usable
        if row is None or line is None or line.empty or not words.known(row.p10):
            return []
        end = row.p90 if words.known(row.p90) else self.forecast.index[-1]
        at = row.p50 if words.known(row.p50) else row.p10
        point = {
            "p10": tools.stamp(row.p10), "p50": tools.stamp(row.p50), "p90": tools.stamp(end), "value": self.scaled(_at(line, at)),
        }  # fmt: skip
        data = tools.table([point])
        span = (
            alt.Chart(data)
            .mark_rule(color=theme.VERMILLION, strokeWidth=6, opacity=0.45)
            .encode(x=self.x("p10"), x2="p90:T", y=self.y("value"))
        )
        mark = alt.Chart(data).mark_point(shape="diamond", size=110, filled=True, opacity=1, color=theme.VERMILLION)
        return [span, mark.encode(x=self.x("p50"), y=self.y("value"))] if words.known(row.p50) else [span]

    def hover(self) -> alt.Chart:
        """Wide, unseen rules that tell the figures of their bucket."""
        frame, base = self.shown.bands, self.forecast.units.get(self.metric, "")
        data = tools.table(
            {
                "time": tools.stamp(time),
                "median": human(record[0.5], base),
                "80 %": f"{human(record[0.1], base)} – {human(record[0.9], base)}",
            }
            for time, record in zip(frame.index, frame.to_dict("records"), strict=True)
        )
        tips = [alt.Tooltip("time:T", format="%d %b %Y"), alt.Tooltip("median:N"), alt.Tooltip("80 %:N")]
        return alt.Chart(data).mark_rule(color=theme.GREY, opacity=0, strokeWidth=5).encode(x=self.x(), tooltip=tips)

    def legend(self) -> alt.Chart:
        entries = [(self.what(), theme.BLUE)]
        if self.shown.bucket > self.shown.step:
            entries.append((f"range of each {_bucket(self.shown.bucket)}", theme.tint(theme.GREY, 0.35)))
        opacity = 0.0
        for width, own in theme.BANDS:
            opacity = 1 - (1 - opacity) * (1 - own)
            entries.append((f"{width * 100:.0f} % interval", theme.tint(theme.SKY, round(opacity, 2))))
        return tools.key(entries)

    def what(self) -> str:
        """What the line is: the samples themselves, or the hour of each bucket that comes nearest to the limit."""
        if self.shown.bucket <= self.shown.step:
            return "demand, median dashed"
        extreme = "highest" if self.shown.direction == "above" else "lowest"
        return f"{extreme} of each {_bucket(self.shown.bucket)}, median dashed"

    def description(self, name: str) -> str:
        base = self.forecast.units.get(self.metric, "")
        last, final = self.shown.history[self.shown.side].dropna(), self.shown.bands.iloc[-1]
        parts = [
            f"{name}: history from {words.day(self.shown.history.index[0])} to {words.day(self.forecast.cutoff)}, "
            f"last {human(float(last.iloc[-1]), base) if len(last) else 'unknown'}.",
            f"Projected for {words.day(self.forecast.index[-1])}: {human(final[0.5], base)}, "
            f"80 % interval {human(final[0.1], base)} to {human(final[0.9], base)}.",
        ]
        if self.shown.limit is not None and len(self.shown.limit):
            parts.append(f"Limit {human(float(self.shown.limit.iloc[-1]), base)}.")
        finding = _finding(self.row, self.forecast.cutoff)
        return " ".join([*parts, f"{finding[:1].upper()}{finding[1:]}."] if finding else parts)


def _at(values: pd.Series, when: pd.Timestamp) -> float:
    """The limit that holds at an instant; before the first one is known, the first."""
    before = values.loc[:when]
    return float(before.iloc[-1] if len(before) else values.iloc[0])


def _bucket(bucket: pd.Timedelta) -> str:
    return {DAY: "day", pd.Timedelta(hours=1): "hour", 7 * DAY: "week"}.get(bucket, words.since(bucket))
