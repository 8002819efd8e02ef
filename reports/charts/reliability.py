"""What was said against what happened: chances that came true as often as they claimed lie on the diagonal."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from capacity.frames import duration
from reports import theme
from reports.charts import tools

__all__ = ["kept", "reliability", "tenths"]

HEIGHT = 300


def tenths(breaches: pd.DataFrame) -> pd.DataFrame:
    """Return a table for `reliability`, by tenths of what was claimed, of the claims of several forecasts.

    Parameters
    ----------
    breaches : DataFrame
        ``claimed``, ``happened`` and ``count``, as `Forecast.breaches` and the ``reliability`` of a backtest have them.
    """
    sums = breaches[["claimed", "happened"]].mul(breaches["count"], axis=0).assign(claims=breaches["count"])
    added = sums.groupby(np.minimum((breaches["claimed"] * 10).astype(int), 9)).sum()
    means = added[["claimed", "happened"]].div(added["claims"], axis=0)
    return means.rename(columns={"claimed": "said"}).assign(claims=added["claims"])


def reliability(table: pd.DataFrame) -> alt.LayerChart:
    """Draw how often it happened by what had been said, of all claims together.

    Parameters
    ----------
    table : DataFrame
        ``said``, ``happened`` and ``claims``, a row a span of chances (`reports.ledger.quality.reliability`).
    """
    rows = [
        {"said": round(float(said), 4), "happened": round(float(happened), 4), "claims": int(claims)}
        for said, happened, claims in zip(table["said"], table["happened"], table["claims"], strict=True)
    ]
    told = "; ".join(f"said {row['said']:.0%}, happened {row['happened']:.0%} of {row['claims']}" for row in rows)
    scale = alt.Scale(domain=[0, 1], nice=False)
    x = alt.X("said:Q", scale=scale, axis=alt.Axis(title="said: the chance of a breach", format="%", tickCount=5))
    y = alt.Y("happened:Q", scale=scale, axis=alt.Axis(title="happened", format="%", tickCount=5))
    size = alt.Size("claims:Q", scale=alt.Scale(range=[40, 600], zero=True), legend=None)
    tips = [alt.Tooltip("said:Q", format=".0%"), alt.Tooltip("happened:Q", format=".0%"), alt.Tooltip("claims:Q")]
    diagonal = tools.chart([{"said": 0, "happened": 0}, {"said": 1, "happened": 1}])
    points = tools.chart(rows)
    return tools.dressed(
        [
            diagonal.mark_line(color=theme.VERMILLION, strokeDash=[5, 3], strokeWidth=1).encode(x=x, y=y),
            points.mark_line(color=theme.BLUE, strokeWidth=1.5).encode(x=x, y=y),
            points.mark_point(color=theme.BLUE, filled=True, opacity=0.9).encode(x=x, y=y, size=size, tooltip=tips),
        ],
        title="Did it happen as often as was said?",
        subtitle="each dot: the claims of a span of chances, the larger the more; on the dashed line they were right",
        description=f"Reliability of the claimed chances: {told or 'no claim has come due'}.",
        height=HEIGHT,
    )


def kept(table: pd.DataFrame) -> alt.LayerChart:
    """Draw the share of what came that lay below each claimed quantile, by how far ahead it was claimed.

    Parameters
    ----------
    table : DataFrame
        ``within``, ``level``, ``below`` and ``claims`` (`reports.ledger.quality.coverage`).
    """
    columns = zip(table["within"], table["level"], table["below"], table["claims"], strict=True)
    rows: list[dict[str, Any]] = [
        {"within": within, "level": float(level), "below": round(float(below), 4), "claims": int(claims)}
        for within, level, below, claims in columns
    ]
    told = "; ".join(f"{row['within']} ahead, {row['level']:.0%}: {row['below']:.0%}" for row in rows)
    scale = alt.Scale(domain=[0, 1], nice=False)
    x = alt.X("below:Q", scale=scale, axis=alt.Axis(title="share that came below it", format="%", tickCount=5))
    order = sorted({row["within"] for row in rows}, key=duration)
    y = tools.names_axis("within", order)
    colour = alt.Color(
        "quantile:N",
        scale=alt.Scale(domain=["10 %", "50 %", "90 %"], range=[theme.SKY, theme.BLUE, theme.PURPLE]),
        legend=alt.Legend(title=None, columns=3),
    )
    named = [{**row, "quantile": f"{row['level'] * 100:.0f} %"} for row in rows]
    tips = [alt.Tooltip("quantile:N"), alt.Tooltip("below:Q", format=".0%"), alt.Tooltip("claims:Q")]
    promise = tools.chart([{"at": level} for level in sorted({row["level"] for row in rows})])
    return tools.dressed(
        [
            promise.mark_rule(color=theme.GREY, strokeDash=[5, 3]).encode(x=alt.X("at:Q", scale=scale)),
            tools.chart(named).mark_point(filled=True, size=80, opacity=1).encode(x=x, y=y, color=colour, tooltip=tips),
        ],
        title="Did demand come below the quantiles as often as they say?",
        subtitle="by how far ahead it was foretold; each dot belongs on the dashed line of its own level",
        description=f"Share of outcomes below each claimed quantile: {told or 'no claim has come due'}.",
        height=max(2, len(order)) * 34.0,
    )
