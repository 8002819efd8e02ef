"""Sparklines: a series' past and its likely future against its limit, in a line's height, as plain SVG."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from reports.charts.points import Drawn, held
from reports.cover.markup import Markup, joined, tag

__all__ = ["sparkline"]

WIDTH, HEIGHT, MARGIN = 200.0, 44.0, 3.0

Array = npt.NDArray[np.float64]


def sparkline(
    shown: Drawn,
    *,
    cutoff: pd.Timestamp,
    end: pd.Timestamp,
    breach: pd.Timestamp,
    label: str,
    ahead: bool = True,
) -> Markup:
    """Draw history, median and 80 % band ahead, the usable line, the cutoff, and a dot where the median date falls.

    It stretches to the width that it is given; the stroke does not. Without ``ahead`` only what was is drawn: what
    cannot be judged has no future to show.
    """
    history, usable = shown.history[shown.side], shown.usable
    bands = shown.bands if ahead else shown.bands.iloc[:0]
    frame = _Frame(shown, bands, end)
    last = history.dropna().iloc[-1:]
    parts = [
        tag("polygon", class_="cw-band", points=frame.points(bands[0.9], bands[0.1])) if ahead else None,
        *(tag("polyline", class_="cw-line", points=run) for run in frame.runs(history)),
        tag("polyline", class_="cw-ahead", points=frame.points(pd.concat([last, bands[0.5]]))) if ahead else None,
        tag("line", class_="cw-cut", x1=frame.x(cutoff), x2=frame.x(cutoff), y1=0, y2=HEIGHT),
        tag("polyline", class_="cw-limit", points=frame.stairs(usable)) if usable is not None else None,
    ]
    if usable is not None and not pd.isna(breach):
        x, y = frame.x(breach), frame.y(held(usable, breach))
        parts.append(tag("line", class_="cw-dot", x1=x, x2=x, y1=y, y2=y))
    shape = {"viewBox": f"0 0 {WIDTH:g} {HEIGHT:g}", "preserveAspectRatio": "none"}
    return tag("svg", joined(*parts), class_="cw-spark", role="img", aria_label=label, **shape)


class _Frame:
    """Where instants and values fall in the picture: from the lowest to the highest that is drawn in it."""

    def __init__(self, shown: Drawn, bands: pd.DataFrame, end: pd.Timestamp) -> None:
        self.start, self.end, self.bucket = pd.Timestamp(shown.history.index[0]), end, shown.bucket
        seen = [shown.history[shown.side], bands[0.1], bands[0.9], *(() if shown.usable is None else (shown.usable,))]
        values = np.concatenate([one.to_numpy(dtype=float) for one in seen])
        values = values[np.isfinite(values)]
        low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
        high = min(high, shown.domain()[1])
        self.low, self.high = low, high if high > low else low + 1.0

    def x(self, when: pd.Timestamp) -> str:
        return f"{WIDTH * float((when - self.start) / (self.end - self.start)):.1f}"

    def y(self, value: float) -> str:
        value = min(max(value, self.low), self.high)  # a projection that leaves the picture runs along its edge
        return f"{HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (value - self.low) / (self.high - self.low):.1f}"

    def points(self, values: pd.Series, back: pd.Series | None = None) -> str:
        there = self._pairs(values)
        return " ".join(there + (self._pairs(back)[::-1] if back is not None else []))

    def runs(self, values: pd.Series) -> Sequence[str]:
        """Return the line in as many pieces as gaps leave of it; one bucket alone is as wide as it is long."""
        present = values.notna()
        groups = (~present).cumsum()[present]
        return [" ".join(self._pairs(self._seen(piece))) for _, piece in values[present].groupby(groups)]

    def _seen(self, piece: pd.Series) -> pd.Series:
        return piece if len(piece) > 1 else pd.concat([piece, piece.set_axis(piece.index + self.bucket)])

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
