"""A cover of a kicker, one sentence, and what is put beneath it: for notebooks that answer no breach dates."""

from __future__ import annotations

from reports import telling
from reports.cover.markup import Markup, tag
from reports.pages import COVER

__all__ = ["show"]


def show(kicker: str, finding: str, *body: Markup | None, told: str = "", command: str = "") -> None:
    """Put out the cover; it needs no script to be read, and every text in it is escaped."""
    foot = tag("p", told, " Repeat it: ", tag("code", command), class_="cw-rest") if command else None
    page = tag(
        "section",
        tag("p", kicker, class_="cw-kicker"),
        tag("h1", finding, class_="cw-finding"),
        *body,
        foot,
        class_="cw-cover",
        aria_label="Cover",
    )
    telling.put({COVER: page, "text/html": page, "text/plain": finding})
