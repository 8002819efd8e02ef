"""How fast demand grows: the fastest series of each resource, with the interval that their history leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

from capacity.errors import UnitError
from capacity.frames import series_labels
from capacity.naming import series_names
from capacity.units import human, unit
from reports import theme
from reports.charts import tools

if TYPE_CHECKING:
    from capacity.growth import Growth

__all__ = ["growth"]

RUNG = 30
# A telephone has no room for the rates; the words beneath a chart tell them.
ROOM = alt.ExprRef("width < 300 ? 0 : 1")
MONTH = 30


def growth(
    result: Growth | Mapping[str, Growth],
    *,
    titles: Mapping[str, str] | None = None,
    most: int = 3,
    title: str = "Growth",
) -> alt.LayerChart:
    """Draw growth in per cent a month as a dot with its 80 % interval, and the rate a day in the data's unit beside it.

    Parameters
    ----------
    result
        One growth, or several by resource (``plan.growths``).
    titles
        What a resource is called; by default its name.
    most
        Series of each resource, the fastest first; with a single growth, four times as many.
    """
    several = isinstance(result, Mapping)
    grown: Mapping[str, Growth] = result if isinstance(result, Mapping) else {"": result}
    names, each = titles or {}, most if several else 4 * most
    data = [point for name, one in grown.items() for point in _fastest(one, names.get(name, name), each)]
    total = sum(len(one.table) for one in grown.values())
    growing = sum(int((one.table["direction"] == "growing").sum()) for one in grown.values())
    fastest = sorted(data, key=lambda point: -point["share"])[:5]
    told = "; ".join(f"{point['series']} {point['rate']}" for point in fastest) or "none"
    which = "the fastest of each resource" if several else "the fastest"
    return tools.dressed(
        _layers(data),
        title=title,
        subtitle=f"{growing} of {total} series grow beyond doubt; {which} below",
        description=f"Growth in 30 days with its 80 % interval. {growing} of {total} series grow. Fastest: {told}.",
        height=max(2, len(data)) * RUNG,
    )


def _fastest(result: Growth, resource: str, most: int) -> list[dict[str, Any]]:
    assert isinstance(result.table.index, pd.MultiIndex)
    short = pd.Series(series_names(series_labels(result.table.index)), index=result.table.index)
    table = result.table[result.table["now"].gt(0) & result.table["relative_30d"].notna()]
    table = table.sort_values("relative_30d", ascending=False, kind="stable").iloc[:most]
    assert isinstance(table.index, pd.MultiIndex)
    names, metrics = short[table.index], table.index.get_level_values(0)
    found = []
    for metric, name, row in zip(metrics, names, table.to_dict("records"), strict=True):
        base = _base(result.units.get(str(metric), ""))
        found.append(
            {
                "series": f"{resource} · {name}" if resource else name,
                "share": tools.rounded(row["relative_30d"]),
                "low": tools.rounded(row["low"] * MONTH / row["now"]),
                "high": tools.rounded(row["high"] * MONTH / row["now"]),
                "rate": _rate(row["rate_per_day"], base),
                "now": human(row["now"], base),
            }
        )
    return found


def _base(stated: str) -> str:
    """Return the base of the unit that the provenance names: the values are in it by now."""
    try:
        return unit(stated).base
    except UnitError:
        return stated


def _rate(rate: float, base: str) -> str:
    text = human(rate, base)
    return "steady" if text.split(" ")[0] in ("0", "–") else f"{'+' if rate > 0 else ''}{text} a day"


def _layers(data: Sequence[dict[str, Any]]) -> list[tools.Layer]:
    y, low, high = tools.names_axis("series", [point["series"] for point in data]), *_domain(data)
    scale = alt.Scale(domain=[low, high], nice=False)
    shape = "+.0%" if high - low > 0.1 else "+.1%"
    x = alt.X("share:Q", scale=scale, axis=alt.Axis(format=shape, title="growth in 30 d", tickCount=6))
    ends = {"x": alt.X("low:Q", scale=scale), "x2": "high:Q"}
    tips = [alt.Tooltip(f"{field}:N") for field in ("series", "now", "rate")]
    base, zero = tools.chart(data), tools.chart([{"zero": 0}])
    rate = base.mark_text(align="left", dx=8, fontSize=10.5, color=theme.GREY, opacity=ROOM)
    return [
        zero.mark_rule(color=theme.GREY).encode(x=alt.X("zero:Q", scale=scale)),
        base.mark_bar(color=theme.BLUE, opacity=0.4, height=7, cornerRadius=3).encode(y=y, tooltip=tips, **ends),
        base.mark_point(color=theme.BLUE, filled=True, size=60, opacity=1).encode(x=x, y=y, tooltip=tips),
        rate.encode(x=alt.X("high:Q", scale=scale), y=y, text=alt.Text("rate:N")),
    ]


def _domain(data: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Zero and every interval, with room on the right for the rates."""
    ends = [0.0, *(value for point in data for value in (point["low"], point["high"]) if value is not None)]
    low, high = min(ends), max(ends)
    return low, high + (0.35 * (high - low) or 0.01)
