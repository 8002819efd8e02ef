"""One look for every chart: colours that colour-blind readers tell apart, on a light and on a dark page.

The colours are those of Okabe and Ito (Color Universal Design, 2008), of which those are used for marks that keep a
contrast of 3:1 or more against both white and the dark page. Colours of axes, grids and titles are left out on purpose:
the page gives them when it draws, once for each of its themes.
"""

from __future__ import annotations

import altair as alt

__all__ = [
    "BANDS",
    "BLUE",
    "GREEN",
    "GREY",
    "NAME",
    "ORANGE",
    "PURPLE",
    "SERIES",
    "SKY",
    "VERMILLION",
    "enable",
    "tint",
]

BLUE = "#1F7FC0"  # a little lighter than theirs: #0072B2 falls below 4:1 on a dark page
SKY = "#56B4E9"
GREEN = "#009E73"
ORANGE = "#E69F00"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
# Not of the palette: a grey with a contrast of 4:1 to white and to #0d1117 alike.
GREY = "#7b8087"

# Lines that stand beside each other; yellow and black, the palette's last two, each vanish on one of the pages.
SERIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)

# Central intervals, widest first, with the opacity that each adds to those below it.
BANDS = ((0.95, 0.2), (0.8, 0.24), (0.5, 0.32))

NAME = "capacity"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def tint(colour: str, opacity: float) -> str:
    """Return ``colour`` (``#rrggbb``) as CSS with an opacity: readable over any background."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:g})"


@alt.theme.register(NAME, enable=True)
def capacity() -> alt.theme.ThemeConfig:
    """Return the theme: sizes, spacing and the palette; no colour that belongs to the page."""
    return {
        "config": {
            "background": "transparent",
            "font": FONT,
            "view": {"stroke": "transparent", "continuousHeight": 240},
            "axis": {
                "domain": False,
                "gridOpacity": 0.5,
                "labelFontSize": 11,
                "labelPadding": 5,
                "tickSize": 0,
                "titleFontSize": 11,
                "titleFontWeight": "normal",
                "titlePadding": 8,
            },
            "axisX": {"grid": False, "tickSize": 4, "ticks": True},
            "legend": {
                "labelFontSize": 11,
                "labelLimit": 220,
                "orient": "top",
                "symbolSize": 90,
                "symbolType": "square",
                "title": None,
            },
            "title": {"anchor": "start", "fontSize": 14, "fontWeight": 600, "offset": 10, "subtitleFontSize": 11.5},
            "range": {"category": list(SERIES)},
        }
    }


def enable() -> None:
    """Make this the look of every chart that altair draws from here on (importing this module does it once)."""
    alt.theme.enable(NAME)
