"""The projection of one series: what was, what is likely to come, and where that meets the limit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

from capacity.frames import series_labels, series_name
from capacity.units import axis, human
from reports import theme, words
from reports.charts import tools
from reports.charts.envelope import LEVELS
from reports.charts.points import Drawn, drawn, held, position_of
from reports.rows import Row, rows

if TYPE_CHECKING:
    from capacity.forecast import Forecast
    from capacity.outlook import Outlook

__all__ = ["forecast"]

DAY = pd.Timedelta(days=1)


def forecast(
    forecast: Forecast, outlook: Outlook | None = None, series: Any = None, *, title: str = ""
) -> alt.LayerChart:
    """Draw one series: history, median and 50/80/95 % bands; with an outlook also limit, lead time and breach.

    Parameters
    ----------
    series
        A position, a name, labels or a column; by default the most urgent of ``outlook``, else the first.
    title
        By default the metric and the series' name.

    Raises
    ------
    ParameterError
        There is no such series.
    """
    at = position_of(forecast, outlook, series)
    row = None if outlook is None else next(one for one in rows(outlook) if one.position == at)
    metric = str(forecast.columns[at][0])
    canvas = _Canvas(
        shown=drawn(forecast, [at], outlook=outlook)[at],
        row=row,
        cutoff=forecast.cutoff,
        end=pd.Timestamp(forecast.index[-1]),
        base=forecast.units.get(metric, ""),
        metric=metric,
    )
    name = title or f"{metric} · {series_name(series_labels(forecast.columns)[at])}"
    return tools.dressed(
        canvas.layers(),
        title=name,
        subtitle=finding(row) if row is not None else "",
        description=canvas.told(name),
        fields=canvas.fields(),
    )


def finding(row: Row) -> str:
    """Say in a line when a series runs out, and how sure that is."""
    if row.verdict == "past":
        return "past its usable capacity already"
    if row.verdict == "cannot judge":
        return f"cannot be judged: {row.reason}"
    chance = f"{words.chance(row.chance)} by {words.day(row.until, zone=row.zone)}"
    if not words.known(row.p50):
        return f"chance of a breach: {chance}"
    return f"breach {words.day(row.p50, zone=row.zone)} ({words.span(row.p10, row.p90, zone=row.zone)}) · {chance}"


@dataclass(frozen=True)
class _Canvas:
    """One projection being drawn: its points, its dates and unit, and the layers from back to front."""

    shown: Drawn
    row: Row | None
    cutoff: pd.Timestamp
    end: pd.Timestamp
    base: str
    metric: str

    @cached_property
    def domain(self) -> tuple[float, float]:
        """From where to where the axis goes, in the base unit."""
        return self.shown.domain()

    @cached_property
    def unit(self) -> tuple[float, str]:
        """How many of the base unit make one of the axis, and its sign."""
        return axis(self.base, self.shown.largest)

    @property
    def start(self) -> pd.Timestamp:
        return pd.Timestamp(self.shown.history.index[0])

    def layers(self) -> list[tools.Layer]:
        return [
            *self.lead(),
            *self.bands(),
            *self.past(),
            *self.limits(),
            *tools.rule(self.cutoff, f"as of {words.short_day(self.cutoff)}"),
            *self.breach(),
            tools.key(self.legend()),
        ]

    def x(self, field: str = "time") -> alt.X:
        return tools.time_axis(field, low=self.start, high=self.end)

    def y(self, field: str) -> alt.Y:
        (low, high), (_, sign) = self.domain, self.unit
        scale = alt.Scale(domain=[self.scaled(low), self.scaled(high)], nice=False, zero=False)
        title = f"{self.metric} ({sign})" if sign else self.metric
        return alt.Y(f"{field}:Q", scale=scale, axis=alt.Axis(title=title, tickCount=5))

    def scaled(self, value: float) -> float | None:
        """Return a value in the unit of the axis, as fine as a quarter of a pixel."""
        (low, high), (scale, _) = self.domain, self.unit
        return tools.rounded_within(value / scale, (high - low) / scale)

    def lead(self) -> list[tools.Layer]:
        if self.row is None:
            return []
        band = tools.lead_band(self.cutoff, min(self.cutoff + self.row.lead_time, self.end))
        return [band, tools.words_at(self.cutoff, f"lead time {words.since(self.row.lead_time)}", side="right")]

    def bands(self) -> list[tools.Layer]:
        frame, names = self.shown.bands, [_level(float(level)) for level in LEVELS]
        base = tools.chart(
            {"time": tools.stamp(time), **dict(zip(names, map(self.scaled, record), strict=True))}
            for time, record in zip(_times(frame), frame.to_numpy(dtype=float), strict=True)
        )
        areas = [
            base.mark_area(color=theme.SKY, opacity=opacity, clip=True).encode(
                x=self.x(), y=self.y(_level(0.5 - width / 2)), y2=_level(0.5 + width / 2)
            )
            for width, opacity in theme.BANDS
        ]
        median = base.mark_line(color=theme.BLUE, strokeDash=[5, 3], strokeWidth=1.6, clip=True)
        # Wide, unseen rules over the buckets ahead tell their figures.
        tips = [alt.Tooltip("time:T", format="%d %b %Y", title="date")]
        tips += [alt.Tooltip(f"{_level(one)}:Q", format=",.4~g", title=self.worded(one)) for one in (0.5, 0.1, 0.9)]
        hover = base.mark_rule(color=theme.GREY, opacity=0, strokeWidth=5).encode(x=self.x(), tooltip=tips)
        return [*areas, median.encode(x=self.x(), y=self.y(_level(0.5))), hover]

    def worded(self, level: float) -> str:
        """Name a quantile level with the axis' unit: ``"median (GiB)"``, ``"10 % below (GiB)"``."""
        sign = self.unit[1]
        name = "median" if level == 0.5 else f"{100 * level:g} % lie below"
        return f"{name} ({sign})" if sign else name

    def fields(self) -> dict[str, str]:
        """Name the columns of the chart's data for its table."""
        levels = {_level(float(level)): self.worded(float(level)) for level in LEVELS}
        return {"time": "from", "low": "lowest", "high": "highest", **levels}

    def past(self) -> list[tools.Layer]:
        frame, side = self.shown.history, self.shown.side
        sides = ("low", "high") if self.shown.gathered else (side,)
        base = tools.chart(
            {"time": tools.stamp(time), **{name: self.scaled(record[name]) for name in sides}}
            for time, record in zip(_times(frame), frame.to_dict("records"), strict=True)
        )
        line = base.mark_line(color=theme.BLUE, strokeWidth=1.4, clip=True).encode(x=self.x(), y=self.y(side))
        area = base.mark_area(color=theme.GREY, opacity=0.25, clip=True).encode(
            x=self.x(), y=self.y("low"), y2=alt.Y2("high")
        )
        return [area, line] if self.shown.gathered else [line]

    def limits(self) -> list[tools.Layer]:
        """Draw the limit, and the usable capacity below it where the two differ, as a dashed line."""
        found = [("limit", self.shown.limit, [1, 0])]
        found += [("usable", self.shown.usable, [6, 3])] if self.shown.reserved else []
        return [self.limit_line(values, name, dash) for name, values, dash in found if values is not None]

    def limit_line(self, values: pd.Series, name: str, dash: list[int]) -> tools.Layer:
        changes = (pd.Timestamp(str(time)) for time in values.index if self.start < time < self.end)
        times = [self.start, *changes, self.end]
        base = tools.chart({"time": tools.stamp(time), name: self.scaled(held(values, time))} for time in times)
        line = base.mark_line(
            color=theme.VERMILLION, strokeWidth=1.6, strokeDash=dash, interpolate="step-after", clip=True
        )
        return line.encode(x=self.x(), y=self.y(name))

    def breach(self) -> list[tools.Layer]:
        """Draw the median date as a diamond on the line that is crossed, P10 to P90 as a bar around it."""
        row, line = self.row, self.shown.usable
        if row is None or line is None or not words.known(row.p10):
            return []
        late = row.p90 if words.known(row.p90) else self.end
        middle = row.p50 if words.known(row.p50) else row.p10
        dates = {"p10": row.p10, "p50": row.p50, "p90": late}
        base = tools.chart(
            [{name: tools.stamp(date) for name, date in dates.items()} | {"value": self.scaled(held(line, middle))}]
        )
        bar = base.mark_rule(color=theme.VERMILLION, strokeWidth=6, opacity=0.45)
        mark = base.mark_point(shape="diamond", size=110, filled=True, opacity=1, color=theme.VERMILLION)
        span = bar.encode(x=self.x("p10"), x2=alt.X2("p90:T"), y=self.y("value"))
        return [span, mark.encode(x=self.x("p50"), y=self.y("value"))] if words.known(row.p50) else [span]

    def between(self, low: float, high: float) -> str:
        return f"{human(low, self.base)} – {human(high, self.base)}"

    def legend(self) -> list[tuple[str, str]]:
        entries = [(self.what(), theme.BLUE)]
        if self.shown.gathered:
            entries.append((f"range of each {_bucket(self.shown.bucket)}", theme.tint(theme.GREY, 0.35)))
        if self.shown.limit is not None:
            entries.append((self.limit_words(self.shown.limit), theme.VERMILLION))
        through = math.prod(1 - opacity for _, opacity in theme.BANDS[:2])
        entries.append(("half, 8 in 10 and 19 in 20 of the futures", theme.tint(theme.SKY, round(1 - through, 2))))
        return entries

    def what(self) -> str:
        """Say what the line is: the samples themselves, or each bucket's that comes nearest to the limit."""
        if not self.shown.gathered:
            return "demand, median dashed"
        extreme = "highest" if self.shown.direction == "above" else "lowest"
        return f"{extreme} of each {_bucket(self.shown.bucket)}, median dashed"

    def limit_words(self, limit: pd.Series) -> str:
        """Write the limit as it stands at the end of the horizon, and what may be used of it."""
        told = f"limit {human(float(limit.iloc[-1]), self.base)}"
        if not self.shown.reserved or self.shown.usable is None:
            return told
        return f"{told}, usable {human(float(self.shown.usable.iloc[-1]), self.base)} dashed"

    def told(self, name: str) -> str:
        """Describe the chart for whoever cannot see it."""
        last, final = self.shown.history[self.shown.side].dropna(), self.shown.bands.iloc[-1]
        parts = [
            f"{name}: history from {words.day(self.start)} to {words.day(self.cutoff)}, "
            f"last {human(float(last.iloc[-1]), self.base) if len(last) else 'unknown'}.",
            f"Projected for {words.day(self.end)}: {human(final[0.5], self.base)}, "
            f"80 % interval {self.between(final[0.1], final[0.9])}.",
        ]
        if self.shown.limit is not None:
            parts.append(f"{self.limit_words(self.shown.limit)[:1].upper()}{self.limit_words(self.shown.limit)[1:]}.")
        if self.row is not None:
            parts.append(f"{finding(self.row)[:1].upper()}{finding(self.row)[1:]}.")
        return " ".join(parts)


def _times(frame: pd.DataFrame) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(frame.index)


def _level(level: float) -> str:
    """Name the field of a quantile level: 0.025 is ``"p025"``."""
    return f"p{round(level * 1000):03d}"


def _bucket(bucket: pd.Timedelta) -> str:
    return {DAY: "day", pd.Timedelta(hours=1): "hour", 7 * DAY: "week"}.get(bucket, words.since(bucket))
