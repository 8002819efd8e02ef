"""How far forecasts may be believed: what their bands covered in backtests, and their error beside a naive one's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import pandas as pd

from reports import theme, words
from reports.charts import tools

if TYPE_CHECKING:
    from capacity.forecast import Forecast

__all__ = ["coverage", "skill"]

RUNG = 28
NOMINAL = 0.8


def coverage(forecasts: Mapping[str, Forecast], *, titles: Mapping[str, str] | None = None) -> alt.LayerChart:
    """Draw, a resource a row, the share of samples that its series' 80 % bands covered in their backtests."""
    data = _spread(forecasts, titles or {}, lambda scores: scores["coverage80"])
    told = "; ".join(f"{point['name']} {words.percent(point['mean'])}" for point in data) or "no backtest"
    scale = alt.Scale(domain=[0, 1], nice=False)
    x = alt.X(
        "mean:Q",
        scale=scale,
        axis=alt.Axis(title="covered by the 80 % band", format="%", tickCount=5, labelOverlap=True),
    )
    return tools.dressed(
        _layers(data, x, scale, mark=NOMINAL, named="promised: 80 %"),
        title="Do the bands hold?",
        subtitle="share of what came that lay within the 80 % band; dot: mean, bar: 8 in 10 of the series",
        description=f"Coverage of the 80 % bands in backtests, mean over each resource's series: {told}.",
        height=max(2, len(data)) * RUNG,
    )


def skill(forecasts: Mapping[str, Forecast], *, titles: Mapping[str, str] | None = None) -> alt.LayerChart:
    """Draw, a resource a row, the forecasts' error over the seasonal naive forecast's: left of 1 is better."""
    data = _spread(forecasts, titles or {}, lambda scores: scores["mase"] / scores["naive_mase"])
    told = "; ".join(f"{point['name']} {point['mean']:.2f}" for point in data) or "no backtest"
    scale = alt.Scale(domain=[0, max([1.2, *(1.1 * point["high"] for point in data)])], nice=False)
    x = alt.X(
        "mean:Q",
        scale=scale,
        axis=alt.Axis(title="error ÷ seasonal naive's", format=".1f", tickCount=5, labelOverlap=True),
    )
    return tools.dressed(
        _layers(data, x, scale, mark=1.0, named="as good as naive"),
        title="Is it better than naive?",
        subtitle="error in backtests over a seasonal naive forecast's; dot: mean, bar: 8 in 10 of the series",
        description=f"Error over a seasonal naive forecast's, mean over each resource's series: {told}.",
        height=max(2, len(data)) * RUNG,
    )


def _spread(
    forecasts: Mapping[str, Forecast], titles: Mapping[str, str], of: Callable[[pd.DataFrame], pd.Series]
) -> list[dict[str, Any]]:
    """Return P10, mean and P90 over the series of each resource that had folds of their own."""
    found = []
    for name, forecast in forecasts.items():
        values = of(forecast.scores[forecast.scores["folds"] > 0]).to_numpy(dtype=float)
        values = values[np.isfinite(values)]
        if len(values):
            low, high = np.quantile(values, (0.1, 0.9))
            cuts = {"low": low, "mean": values.mean(), "high": high}
            found.append(
                {
                    "name": titles.get(name, name),
                    "series": len(values),
                    **{key: round(float(value), 3) for key, value in cuts.items()},
                }
            )
    return found


def _layers(
    data: Sequence[dict[str, Any]], x: alt.X, scale: alt.Scale, *, mark: float, named: str
) -> list[tools.Layer]:
    y = tools.names_axis("name", [point["name"] for point in data])
    tips = [alt.Tooltip("name:N"), alt.Tooltip("mean:Q", format=".2f"), alt.Tooltip("series:Q")]
    base, promise = tools.chart(data), tools.chart([{"at": mark, "text": named}])
    at = alt.X("at:Q", scale=scale)
    words_ = promise.mark_text(color=theme.VERMILLION, align="right", dx=-5, baseline="bottom", fontSize=10.5)
    return [
        base.mark_bar(color=theme.BLUE, opacity=0.4, height=8, cornerRadius=3).encode(
            x=alt.X("low:Q", scale=scale), x2=alt.X2("high:Q"), y=y, tooltip=tips
        ),
        base.mark_point(color=theme.BLUE, filled=True, size=70, opacity=1).encode(x=x, y=y, tooltip=tips),
        promise.mark_rule(color=theme.VERMILLION, strokeDash=[5, 3]).encode(x=at),
        words_.encode(x=at, y=alt.value(0), text=alt.Text("text:N")),
    ]
