"""The knee: how latency rises with load, where the promise ends, and how far away that is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np

from capacity.units import axis
from reports import theme, words
from reports.charts import tools

if TYPE_CHECKING:
    from capacity.slo import Saturation

__all__ = ["knee"]

POINTS = 80
# The chart ends where the median curve is at this many times the target.
TALL = 1.6
KEY = (("seen", theme.BLUE), ("P10–P90 of the curve", theme.tint(theme.SKY, 0.5)), ("target", theme.VERMILLION))


def knee(
    found: Saturation,
    position: int = 0,
    *,
    latency_unit: str = "seconds",
    load_unit: str = "per_second",
    title: str = "",
) -> alt.LayerChart:
    """Draw what was seen of latency by load, the curves through it, the target, and the load now and where it ends."""
    relation, row = found.relations[position], found.table.iloc[position]
    right = float(np.nanmin([row["usable_p90"] if np.isfinite(row["usable_p90"]) else np.inf, 3.0 * row["reach"]]))
    grid = np.linspace(float(relation.seen.load[0]), 1.05 * max(right, row["reach"]), POINTS)
    drawn = np.stack([relation.curves.at(draw, grid) for draw in range(len(relation.curves.load))])
    low, middle, high = np.quantile(drawn, (0.1, 0.5, 0.9), axis=0, method="inverted_cdf")
    top = TALL * found.target
    by, sign = axis(latency_unit, top)
    load_by, load_sign = axis(load_unit, float(grid[-1]))
    curve = [
        {
            "load": tools.rounded(at / load_by),
            "low": tools.rounded(min(one, top) / by),
            "middle": tools.rounded(two / by) if two <= top else None,
            "high": tools.rounded(min(three, top) / by),
        }
        for at, one, two, three in zip(grid, low, middle, high, strict=True)
    ]
    seen = [
        {"load": tools.rounded(at / load_by), "latency": tools.rounded(one / by)}
        for at, one in zip(relation.seen.load, relation.seen.latency, strict=True)
    ]
    scale = alt.Scale(domain=[0, top / by], nice=False)
    named = alt.Axis(title=f"load, {load_sign}".rstrip(", "), tickCount=6)
    x = alt.X("load:Q", scale=alt.Scale(zero=False, nice=False), axis=named)
    y = alt.Axis(title=f"latency, {sign}", tickCount=5)
    base = tools.chart(curve)
    marks = [{"at": row["load"] / load_by, "text": "busiest hour of the last week", "colour": theme.GREY}]
    if np.isfinite(row["usable_p50"]):
        marks.append({"at": row["usable_p50"] / load_by, "text": "meets the target", "colour": theme.VERMILLION})
    layers: list[Any] = [
        tools.key(KEY),
        base.mark_area(color=theme.SKY, opacity=0.3).encode(x=x, y=alt.Y("low:Q", scale=scale, axis=y), y2="high:Q"),
        base.mark_line(color=theme.SKY, strokeWidth=2).encode(x=x, y=alt.Y("middle:Q", scale=scale)),
        tools.chart(seen)
        .mark_point(color=theme.BLUE, filled=True, size=28, opacity=0.9)
        .encode(x="load:Q", y=alt.Y("latency:Q", scale=scale), tooltip=["load:Q", "latency:Q"]),
        tools.chart([{"at": found.target / by}])
        .mark_rule(color=theme.VERMILLION, strokeDash=[5, 3])
        .encode(y=alt.Y("at:Q", scale=scale)),
    ]
    for place, mark in enumerate(marks):
        rule = tools.chart([mark])
        layers += [
            rule.mark_rule(color=str(mark["colour"]), strokeDash=[2, 3]).encode(x="at:Q"),
            rule.mark_text(align="right", dx=-4, baseline="top", fontSize=10.5, color=theme.GREY).encode(
                x="at:Q", y=alt.value(4 + 14 * place), text="text:N"
            ),
        ]
    usable = f"{row['usable_p50'] / load_by:.3g} {load_sign}".strip() if np.isfinite(row["usable_p50"]) else "not known"
    told = f"load now {row['load'] / load_by:.3g} {load_sign}, the target is met at {usable}"
    return tools.dressed(
        layers,
        title=title or f"Latency by load: {row['series']}",
        subtitle=f"{row['family']}; {told}; headroom {words.percent(float(row['headroom_ratio']))}",
        description=f"Latency by load of {row['series']}: {told}. {row['reason']}.",
    )
