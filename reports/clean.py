"""What may stand in a page of what a notebook put out: text, tables and lists, never a script, a style or a request.

Values of labels are written by whoever runs a service, and anyone's help texts end in a report. So HTML and Markdown
outputs are cut down to the elements below; the cover, which the workbench builds itself with every text escaped, passes
a filter of its own that also lets its SVG through.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import nh3

if TYPE_CHECKING:
    from bs4 import Tag

__all__ = ["clean_cover", "clean_html"]

TEXT = (
    "a abbr b blockquote br caption code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p "
    "pre q s samp section small span strong sub summary sup table tbody td tfoot th thead tr u ul var"
)
DRAWING = "circle desc g line path polygon polyline rect svg text title tspan"
SHAPE = (
    "class cx cy d fill fill-opacity height opacity points preserveAspectRatio r role rx ry stroke stroke-dasharray "
    "stroke-width text-anchor transform viewBox width x x1 x2 y y1 y2"
)
CELL = {"colspan", "rowspan", "scope", "role"}
ATTRIBUTES = {
    "*": {"class"},
    "a": {"href", "title"},
    "abbr": {"title"},
    "details": {"open"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "table": {"role"},
    "tbody": {"role"},
    "thead": {"role"},
    "tr": {"role"},
    "td": CELL,
    "th": CELL,
}
STACKED = 5
"""A table of at most so many columns is read more easily as a list than sideways."""

ROLES = {"table": "table", "thead": "rowgroup", "tbody": "rowgroup", "tr": "row", "thead th": "columnheader"}

CLASSES = re.compile(r"cw-[a-z0-9-]+|dataframe")
LINK = re.compile(r"(https?://|mailto:|#)", re.IGNORECASE)
PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+")


def clean_html(text: str) -> str:
    """Return HTML from an output or a Markdown cell with everything left out that could run, load or cover the page."""
    return _tabled(_text_filter().clean(text))


def clean_cover(text: str) -> str:
    """Return the cover's HTML: as `clean_html`, with the inline SVG and the accessible names that it is built of."""
    return _cover_filter().clean(text)


def _kept(_tag: str, attribute: str, value: str) -> str | None:
    """Judge one attribute: classes of our own, links that lead outwards, pictures that the page carries."""
    if attribute == "class":
        return " ".join(name for name in value.split() if CLASSES.fullmatch(name)) or None
    if attribute == "href":
        return value if LINK.match(value) else None
    if attribute == "src":
        return value if PICTURE.fullmatch(value) else None
    return value


def _tabled(html: str) -> str:
    """Let every table scroll inside a box of its own, and one of few columns become a list where there is no room."""
    if "<table" not in html:
        return html
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(html, "html.parser")
    for table in soup.find_all("table"):
        _stackable(table)
        table.wrap(
            soup.new_tag("div", attrs={"class": "scroll", "role": "group", "aria-label": "Table", "tabindex": "0"})
        )
    return str(soup)


def _stackable(table: Tag) -> None:
    """Give the cells of a plain table their column's name, for where each row is shown as a list.

    Roles are written out, because a table that is displayed as something else is none to a screen reader.
    """
    heads = [cell.get_text(" ", strip=True) for cell in table.select("thead > tr > *")]
    rows = [row.find_all(["td", "th"], recursive=False) for row in table.select("tbody > tr")]
    plain = len(table.select("thead > tr")) == 1 and not table.select("table, [colspan], [rowspan]")
    if not plain or not 1 < len(heads) <= STACKED or any(len(row) != len(heads) for row in rows):
        return
    table["class"] = " ".join([*(name for name in table.get_attribute_list("class") if name), "stack"])
    for name, role in ROLES.items():
        for part in table.select(name) if name != "table" else [table]:
            part["role"] = role
    for row in rows:
        for cell, head in zip(row, heads, strict=True):
            cell["role"] = "cell" if cell.name == "td" else "rowheader"
            if head:
                cell["data-head"] = head


@cache
def _text_filter() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(TEXT.split()),
        clean_content_tags={"script", "style", "title", "template", "noscript"},
        attributes=ATTRIBUTES,
        attribute_filter=_kept,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer",
    )


@cache
def _cover_filter() -> nh3.Cleaner:
    shapes = {name: set(SHAPE.split()) for name in DRAWING.split()}
    return nh3.Cleaner(
        tags=set(TEXT.split()) | set(DRAWING.split()),
        clean_content_tags={"script", "style"},
        attributes=ATTRIBUTES | shapes,
        generic_attribute_prefixes={"aria-", "data-head"},
        attribute_filter=_kept,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer",
    )
