"""What may stand in a page of what a notebook put out: text, tables and lists, never a script, a style or a request.

Values of labels are written by whoever runs a service, and anyone's help texts end in a report. So HTML and Markdown
outputs are cut down to the elements below; the cover, which the workbench builds itself with every text escaped, passes
a filter of its own that also lets its SVG through.
"""

from __future__ import annotations

import re
from functools import cache

import nh3

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
    """Let every table scroll inside a box of its own; the filter has made sure that tables are whole."""
    box = '<div class="scroll" role="group" aria-label="Table" tabindex="0">'
    return html.replace("<table", f"{box}<table").replace("</table>", "</table></div>")


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
