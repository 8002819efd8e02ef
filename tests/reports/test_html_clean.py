"""What is hostile stays text: in tables, in Markdown, in the cover. In a browser, see test_browser."""

from __future__ import annotations

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from reports.clean import clean_cover, clean_html
from reports.html import to_html
from tests.support.hostile import LABELS, MARKUP
from tests.support.pages import chart, display, ran, shown, summary

RUNS = (
    "script",
    "iframe",
    "object",
    "embed",
    "form",
    "input",
    "button",
    "base",
    "meta",
    "link",
    "style",
    "template",
    "math",
)


def dangers(html: str) -> list[str]:
    """Return whatever in ``html`` could run, load, submit or cover the page."""
    soup = BeautifulSoup(html, "html.parser")
    found = [tag.name for tag in soup.find_all(RUNS)]
    for tag in soup.find_all(True):
        found += [
            f"{tag.name} {name}"
            for name in tag.attrs
            if name.startswith("on") or name in ("style", "id", "srcdoc", "action")
        ]
        addresses = [str(tag[name]) for name in ("href", "src", "xlink:href", "data") if tag.has_attr(name)]
        found += [
            one for one in addresses if not one.startswith(("https://", "http://", "mailto:", "#", "data:image/png"))
        ]
    return found


def body(page: str) -> str:
    """Return the part of a page that notebooks fill."""
    return page.split("<main>", 1)[1].split("</main>", 1)[0]


@pytest.mark.parametrize("text", MARKUP)
def test_markup_is_cut_down(text: str) -> None:
    """Nothing that could run, load or lay itself over the page is left of any vector."""
    assert dangers(clean_html(text)) == []
    assert dangers(clean_cover(text)) == []


@pytest.mark.parametrize("text", MARKUP)
def test_markup_is_cut_down_wherever_it_stands(text: str) -> None:
    """As a Markdown cell, as Markdown and HTML output, as a chart's description, as plain text."""
    page = to_html(
        ran(
            shown(text_html=text),
            shown(text_markdown=text),
            shown(text_plain=text),
            chart(description=text),
            summary(),
            text=text,
        )
    )
    assert dangers(body(page)) == []


def test_labels_in_a_table_are_read_not_run() -> None:
    """A frame whose labels are hostile comes out as a table with these very labels as text."""
    frame = pd.DataFrame({"value": range(len(LABELS))}, index=list(LABELS))
    page = body(to_html(ran(shown(text_html=frame.to_html(max_rows=None)), summary())))
    soup = BeautifulSoup(page, "html.parser")
    assert dangers(page) == []
    assert [" ".join(cell.text.split()) for cell in soup.select("tbody th")] == [
        " ".join(label.split()) for label in LABELS
    ]


def test_what_a_report_needs_is_kept() -> None:
    """Headings, lists, tables, links outwards and pictures that the page carries go through."""
    kept = (
        '<h2>a</h2><ul><li>b</li></ul><a href="https://example.org/">c</a>'
        '<img src="data:image/png;base64,AAAA" alt="d">'
    )
    soup = BeautifulSoup(clean_html(kept), "html.parser")
    assert [tag.name for tag in soup.find_all(True)] == ["h2", "ul", "li", "a", "img"]
    assert soup.a is not None
    assert soup.a["rel"] == ["noopener", "noreferrer"]


def test_no_address_is_loaded() -> None:
    """Pictures and links to elsewhere on the machine or the net are not followed: their addresses go."""
    soup = BeautifulSoup(
        clean_html('<img src="https://example.org/x.png"><a href="file:///etc/passwd">x</a>'), "html.parser"
    )
    assert [tag.attrs.get("src") or tag.attrs.get("href") for tag in soup.find_all(True)] == [None, None]


def test_only_classes_of_our_own_are_kept() -> None:
    """An output cannot dress itself as a part of the page."""
    assert clean_html('<div class="tip shown cw-small">x</div>') == '<div class="cw-small">x</div>'


def test_the_covers_drawing_goes_through() -> None:
    """The inline SVG of the cover is kept with what it needs to be drawn and to be named."""
    named = 'class="cw-spark" viewBox="0 0 9 9" preserveAspectRatio="none" role="img" aria-label="up"'
    drawn = f'<svg {named}><polyline points="0,1 2,3"></polyline></svg>'
    assert clean_cover(drawn) == drawn


def test_a_cover_outside_its_place_is_not_shown() -> None:
    """Only the cover's own kind of output passes the cover's filter: other HTML loses its drawings."""
    page = body(to_html(ran(display("text/html", '<svg><rect width="9" height="9"/></svg><p>x</p>'), summary())))
    assert "<svg" not in page
