"""Sparklines as PNG, for mail, which knows no SVG: what was, what is foretold, and the line not to be passed."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image, ImageDraw

__all__ = ["SIZE", "spark"]

SIZE = (120, 32)
SCALE = 2
"""Drawn for screens of twice the resolution; what mail shows is `SIZE`."""

PAPER, BEHIND, BAND, AHEAD, LIMIT = "#ffffff", "#3a4a5a", "#cfe0f2", "#2b6cb0", "#c0392b"


def spark(points: Mapping[str, Any], usable: float | None) -> bytes:
    """Return a sparkline of a summary's points as PNG; an empty one where there are none."""
    width, height = (SCALE * each for each in SIZE)
    behind: list[float | None] = list(points.get("behind", ()))
    ahead = {level: list(values) for level, values in points.get("ahead", {}).items()}
    every = [each for each in (*behind, *(v for values in ahead.values() for v in values), usable) if each is not None]
    image = Image.new("RGB", (width, height), PAPER)
    if every:
        low, high = min(every), max(every)
        room = (high - low) or 1.0
        count = max(1, len(behind) + len(ahead.get("0.5", ())) - 1)

        def at(place: int, value: float) -> tuple[float, float]:
            return place / count * (width - 1), (height - 3) * (1 - (value - low) / room) + 1

        draw = ImageDraw.Draw(image)
        _band(draw, ahead, len(behind), at)
        _line(draw, behind, 0, BEHIND, at)
        _line(draw, ahead.get("0.5", []), len(behind), AHEAD, at)
        if usable is not None:
            draw.line([at(0, usable), at(count, usable)], fill=LIMIT, width=SCALE)
    held = io.BytesIO()
    image.quantize(16).save(held, format="PNG", optimize=True)
    return held.getvalue()


def _band(draw: Any, ahead: Mapping[str, Sequence[float | None]], start: int, at: Any) -> None:
    lower, upper = ahead.get("0.1", []), ahead.get("0.9", [])
    top = [at(start + n, value) for n, value in enumerate(upper) if value is not None]
    bottom = [at(start + n, value) for n, value in enumerate(lower) if value is not None]
    if len(top) > 1 and len(bottom) > 1:
        draw.polygon([*top, *reversed(bottom)], fill=BAND)


def _line(draw: Any, values: Sequence[float | None], start: int, colour: str, at: Any) -> None:
    points = [at(start + n, value) for n, value in enumerate(values) if value is not None]
    if len(points) > 1:
        draw.line(points, fill=colour, width=SCALE)
