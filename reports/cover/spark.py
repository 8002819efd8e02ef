"""Sparklines: a series' past and its likely future against its limit, in a line's height, as plain SVG."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from reports.charts.points import Drawn
from reports.cover.markup import Markup, joined, tag

__all__ = ["sparkline"]

WIDTH, HEIGHT, MARGIN = 200.0, 44.0, 3.0

Array = npt.NDArray[np.float64]


def sparkline(shown: Drawn, *, cutoff: pd.Timestamp, breach: pd.Timestamp, label: str) -> Markup:
    """Draw history, median and P10–P90 ahead, the usable line, the cutoff, and a dot where the median date falls.

    It stretches to the width that it is given; the stroke does not.
    """
    history = shown.history[shown.side]
    low, median, high = (shown.bands[level] for level in (0.1, 0.5, 0.9))
    usable = shown.usable if shown.usable is not None and len(shown.usable) else None
    frame = _Frame.around(history, low, high, usable, end=shown.bands.index[-1])
    parts: list[Markup] = [
        tag("polygon", class_="cw-band", points=frame.points(high, low)),
        *(tag("polyline", class_="cw-line", points=run) for run in frame.runs(history)),
        tag("polyline", class_="cw-ahead", points=frame.points(median)),
        tag("line", class_="cw-cut", x1=frame.x(cutoff), x2=frame.x(cutoff), y1=0, y2=HEIGHT),
    ]
    if usable is not None:
        parts += [tag("polyline", class_="cw-limit", points=frame.stairs(usable))]
        if not pd.isna(breach):
            at = frame.y(float(usable.loc[:breach].iloc[-1] if len(usable.loc[:breach]) else usable.iloc[0]))
            parts += [tag("line", class_="cw-dot", x1=frame.x(breach), x2=frame.x(breach), y1=at, y2=at)]
    view = f"0 0 {WIDTH:g} {HEIGHT:g}"
    return tag(
        "svg", joined(*parts), class_="cw-spark", viewBox=view, preserveAspectRatio="none", role="img", aria_label=label
    )


class _Frame:
    """Where instants and values fall in the picture."""

    def __init__(self, start: pd.Timestamp, end: pd.Timestamp, low: float, high: float) -> None:
        self.start, self.end, self.low, self.high = start, end, low, high

    @classmethod
    def around(
        cls, history: pd.Series, low: pd.Series, high: pd.Series, usable: pd.Series | None, *, end: pd.Timestamp
    ) -> _Frame:
        values = np.concatenate([one.to_numpy(dtype=float) for one in (history, low, high, usable) if one is not None])
        values = values[np.isfinite(values)]
        bottom, top = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
        return cls(history.index[0], end, bottom, top if top > bottom else bottom + 1.0)

    def x(self, when: pd.Timestamp) -> str:
        return f"{WIDTH * float((when - self.start) / (self.end - self.start)):.1f}"

    def y(self, value: float) -> str:
        return f"{HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (value - self.low) / (self.high - self.low):.1f}"

    def points(self, values: pd.Series, back: pd.Series | None = None) -> str:
        there = self._pairs(values)
        return " ".join(there + (self._pairs(back)[::-1] if back is not None else []))

    def runs(self, values: pd.Series) -> Sequence[str]:
        """Return the line in as many pieces as gaps leave of it."""
        present = values.notna()
        groups = (~present).cumsum()[present]
        return [" ".join(self._pairs(piece)) for _, piece in values[present].groupby(groups) if len(piece) > 1]

    def stairs(self, values: pd.Series) -> str:
        """Return a limit's line: it holds until it changes, and from the picture's left edge to its right."""
        seen = values.loc[self.start :]
        first = values.loc[: self.start]
        level = float(first.iloc[-1] if len(first) else values.iloc[0])
        points = [f"0,{self.y(level)}"]
        for when, value in seen.items():
            points += [
                f"{self.x(pd.Timestamp(str(when)))},{self.y(level)}",
                f"{self.x(pd.Timestamp(str(when)))},{self.y(float(value))}",
            ]
            level = float(value)
        return " ".join([*points, f"{WIDTH:g},{self.y(level)}"])

    def _pairs(self, values: pd.Series) -> list[str]:
        kept = values.dropna()
        times = pd.DatetimeIndex(kept.index)
        return [
            f"{self.x(when)},{self.y(value)}" for when, value in zip(times, kept.to_numpy(dtype=float), strict=True)
        ]
