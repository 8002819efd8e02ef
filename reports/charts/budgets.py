"""Error budgets: what is left, what burned when, and when the rest will be spent."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import pandas as pd

from capacity.frames import series_labels
from capacity.naming import series_names
from reports import theme, words
from reports.charts import tools
from reports.charts.curve import DASHES

if TYPE_CHECKING:
    from capacity.slo import Review, Reviewed

__all__ = ["budgets", "burned", "chances", "firings"]

RUNG = 26
POINTS = 240
COLOURS = {
    "broken": theme.VERMILLION, "burning": theme.VERMILLION, "at risk": theme.ORANGE, "kept": theme.GREEN,
    "no data": theme.GREY,
}  # fmt: skip
SEVERITIES = (("page", theme.VERMILLION), ("ticket", theme.ORANGE))
DAY = pd.Timedelta(days=1)


def budgets(found: Review, *, title: str = "Error budget left") -> alt.LayerChart:
    """Draw, an objective a row, what is left of its budget at the series that has least."""
    first = found.table.sort_values("left", kind="stable").drop_duplicates("objective")
    rows = [row for _, row in first.iterrows() if not pd.isna(row["left"])]
    data: list[dict[str, Any]] = [
        {
            "name": f"{row['title']} · {row['series']}",
            "left": tools.rounded(max(float(row["left"]), -1.0)),
            "edge": tools.rounded(max(float(row["left"]), 0.0)),
            "told": "−∞" if math.isinf(row["left"]) else words.percent(float(row["left"])),
            "colour": COLOURS[str(row["status"])],
            "status": str(row["status"]),
        }
        for row in rows
    ]
    lowest = min([0.0, *(row["left"] for row in data)])
    scale = alt.Scale(domain=[1.15 * lowest, 1.3], nice=False)
    base = tools.chart(data)
    y = tools.names_axis("name", [row["name"] for row in data])
    x = alt.X("left:Q", scale=scale, axis=alt.Axis(title="share of the window's budget", format="%", tickCount=5))
    tips = [alt.Tooltip("name:N"), alt.Tooltip("told:N", title="left"), alt.Tooltip("status:N")]
    told = "; ".join(f"{row['name']} {row['told']}" for row in data) or "none"
    return tools.dressed(
        [
            base.mark_bar(height=11, cornerRadius=2, opacity=0.75).encode(
                x=x, x2=alt.datum(0), y=y, color=alt.Color("colour:N", scale=None), tooltip=tips
            ),
            base.mark_text(align="left", dx=5, fontSize=10.5, color=theme.GREY).encode(
                x=alt.X("edge:Q", scale=scale), y=y, text="told:N"
            ),
            tools.chart([{"at": 0}]).mark_rule(color=theme.GREY).encode(x=alt.X("at:Q", scale=scale)),
        ],
        title=title,
        subtitle="each objective at the series that has least left; below zero more was spent than there was",
        description=f"Share of the error budget left: {told}.",
        height=max(2, len(data)) * RUNG,
    )


def firings(found: Review, *, most: int = 16, title: str = "When alerts would have fired") -> alt.LayerChart:
    """Draw each stretch in which a burn-rate condition held over the history, a row a series."""
    data = []
    for name, one in found.objectives.items():
        names = series_names(series_labels(one.measured.columns))
        for _, fired in one.burn.fired.iterrows():
            label = f"{one.measured.objective.title} · {names[fired['place']] or name}"
            data.append(
                {
                    "name": label,
                    "from": tools.stamp(fired["start"] - one.measured.objective.slice),
                    "to": tools.stamp(fired["end"]),
                    "severity": fired["severity"],
                    "colour": dict(SEVERITIES)[fired["severity"]],
                    "condition": fired["condition"],
                    "peak": tools.rounded(fired["peak"], digits=3),
                    "hours": tools.rounded(fired["lasted"] / pd.Timedelta(hours=1), digits=3),
                }
            )
    order = pd.Series([row["name"] for row in data], dtype=object).value_counts(sort=False)
    paged = {row["name"] for row in data if row["severity"] == "page"}
    kept = sorted(order.index, key=lambda name: (name not in paged, -order[name], name))[:most]
    data = [row for row in data if row["name"] in kept]
    low, high = found.as_of - _span(found), found.as_of
    base = tools.chart(sorted(data, key=lambda row: row["severity"], reverse=True))
    tips = [alt.Tooltip(f"{name}:N") for name in ("name", "condition", "from", "to", "hours", "peak")]
    bars = base.mark_bar(height=10, opacity=0.8).encode(
        x=tools.time_axis("from", low=low, high=high),
        x2="to:T",
        y=tools.names_axis("name", kept),
        color=alt.Color("colour:N", scale=None),
        tooltip=tips,
    )
    told = f"{len(data)} firings in {len(kept)} series" if data else "no condition would have fired"
    return tools.dressed(
        [tools.key(tuple((f"{name}: {_pace(name)}", colour) for name, colour in SEVERITIES)), bars],
        title=title,
        subtitle=told,
        description=f"Stretches in which a multi-window burn-rate condition held: {told}.",
        height=max(2, len(kept)) * RUNG,
    )


def _pace(severity: str) -> str:
    return "1 h, 6 h" if severity == "page" else "1 d, 3 d"


def _span(found: Review) -> pd.Timedelta:
    starts = [pd.Timestamp(one.measured.total.index[0]) for one in found.objectives.values()]
    return found.as_of - min(starts)


def burned(one: Reviewed, *, title: str = "") -> alt.LayerChart:
    """Draw what was left of an objective's budget over time, a line a series."""
    objective, left = one.measured.objective, one.budget.left
    names = series_names(series_labels(one.measured.columns))
    picked = left.iloc[np.unique(np.linspace(0, len(left) - 1, min(POINTS, len(left))).round().astype(int))]
    data = [
        {"time": tools.stamp(time), "left": tools.rounded(max(float(value), -2.0)), "series": names[place]}
        for place in range(picked.shape[1])
        for time, value in _known(picked.iloc[:, place])
    ]
    told = zip(names, one.budget.table["left"], strict=True)
    now = "; ".join(f"{name} {words.percent(float(value))}" for name, value in told)
    layers = [*_lines(data, names, "left", "budget left"), _rule(0.0)]
    return tools.dressed(
        layers,
        title=title or f"{objective.title}: budget left",
        subtitle=f"of the {_window(one)}, at each instant",
        description=f"Share of the error budget of {objective.title} left over time. Now: {now}.",
    )


def _known(values: pd.Series) -> Iterator[tuple[pd.Timestamp, float]]:
    finite = values[np.isfinite(values)]
    return zip(pd.DatetimeIndex(finite.index), finite.to_numpy(dtype=float), strict=True)


def _window(one: Reviewed) -> str:
    objective = one.measured.objective
    return f"calendar {objective.calendar}" if objective.calendar else f"last {words.since(objective.window)}"


def chances(curves: Mapping[str, pd.Series], *, as_of: pd.Timestamp, title: str, subtitle: str = "") -> alt.LayerChart:
    """Draw chances by date, a step line a name; each begins at 0 at ``as_of``."""
    names = list(curves)[: len(theme.SERIES)]
    data = []
    for name in names:
        curve = curves[name].dropna()
        picked = curve.iloc[np.unique(np.linspace(0, len(curve) - 1, min(POINTS // 2, len(curve))).round().astype(int))]
        data += [{"time": tools.stamp(as_of), "chance": 0.0, "series": name}]
        values = zip(pd.DatetimeIndex(picked.index), picked.to_numpy(dtype=float), strict=True)
        data += [{"time": tools.stamp(time), "chance": tools.rounded(value), "series": name} for time, value in values]
    ends = {name: curves[name].dropna() for name in names}
    told = "; ".join(f"{name} {words.chance(float(end.iloc[-1]))}" for name, end in ends.items() if len(end))
    layers = _lines(data, names, "chance", "probability", steps=True) if data else [tools.chart([]).mark_point()]
    return tools.dressed(
        layers,
        title=title,
        subtitle=subtitle if data else "no series has a chance worth drawing",
        description=f"{title}: the chance by each date. At the end: {told or 'none'}.",
    )


def _lines(
    data: Sequence[dict[str, Any]], names: Sequence[str], field: str, words_: str, *, steps: bool = False
) -> list[tools.Layer]:
    colours = alt.Scale(domain=list(names), range=[theme.SERIES[at % len(theme.SERIES)] for at in range(len(names))])
    dashes = alt.Scale(domain=list(names), range=[DASHES[at % len(DASHES)] for at in range(len(names))])
    legend = alt.Legend(columns=tools.NARROW_ONE, symbolType="stroke", labelLimit=260)
    scale = alt.Scale(domain=[0, 1]) if steps else alt.Scale(zero=False)
    base = tools.chart(data)
    return [
        base.mark_line(strokeWidth=2, interpolate="step-after" if steps else "linear").encode(
            x=tools.time_axis("time"),
            y=alt.Y(f"{field}:Q", scale=scale, axis=alt.Axis(format="%", title=words_, tickCount=5)),
            color=alt.Color("series:N", scale=colours, legend=legend),
            strokeDash=alt.StrokeDash("series:N", scale=dashes, legend=legend),
            tooltip=[
                alt.Tooltip("series:N"),
                alt.Tooltip("time:T", format="%d %b %Y"),
                alt.Tooltip(f"{field}:Q", format=".0%"),
            ],
        )
    ]


def _rule(at: float) -> tools.Layer:
    return tools.chart([{"at": at}]).mark_rule(color=theme.VERMILLION, strokeDash=[5, 3]).encode(y="at:Q")
