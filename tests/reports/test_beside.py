"""The files beside a page: the figures as they are, the same bytes each time, and never a formula."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

from bs4 import BeautifulSoup

from reports import beside, render
from reports.html import to_html
from reports.pages import TABLE
from tests.support.pages import display, ran, saved, shown, sources, summary

EXACT = {"name": "Disk: [a/b]?", "columns": {"time": ["2026-11-01", "2026-11-02"], "=cmd()": [0.1 + 0.2, None]}}
SMALL = {TABLE: {"name": "small", "columns": {"x": [1, 2], "y": [0.5, 1.5]}}, "text/plain": "two rows"}
KEPT = f"from IPython.display import display\ndisplay({SMALL!r}, raw=True)"


def test_figures_are_exact_in_both_files() -> None:
    """The CSV has seventeen digits, the spreadsheet sixteen; a hole is no row; what looks like a formula is text."""
    found = beside.figures(ran(display(TABLE, EXACT), summary()))
    rows = list(csv.reader(io.StringIO(found["csv"].decode())))
    assert rows == [list(beside.HEADS), ["Disk: [a/b]?", "2026-11-01", "'=cmd()", "0.30000000000000004"]]
    with zipfile.ZipFile(io.BytesIO(found["xlsx"])) as book:
        sheet, names = book.read("xl/worksheets/sheet1.xml").decode(), book.read("xl/workbook.xml").decode()
    assert "<v>0.3</v>" in sheet
    assert "<f>" not in sheet
    assert 'name="1 Disk a b"' in names


def test_the_same_figures_are_the_same_bytes() -> None:
    """Neither file has a clock in it."""
    made = ran(display(TABLE, EXACT), summary())
    assert beside.figures(made) == beside.figures(made)


def test_a_notebook_without_figures_has_no_files() -> None:
    """Nothing is written, and the page leads nowhere."""
    assert beside.figures(ran(shown(text_html="x"), summary())) == {}
    assert "exact figures" not in to_html(ran(shown(text_html="x"), summary()))


def test_a_page_leads_to_its_files_and_does_not_carry_them(tmp_path: Path) -> None:
    """They lie beside the page under its name; the page links to them relatively."""
    render(saved(sources(KEPT), tmp_path / "small.ipynb"), out=tmp_path / "my #1.html")
    page = BeautifulSoup((tmp_path / "my #1.html").read_text(), "html.parser")
    links = {link.text: link["href"] for link in page.select(".files a")}
    assert links == {"my #1.csv": "./my%20%231.csv", "my #1.xlsx": "./my%20%231.xlsx"}
    assert (tmp_path / "my #1.csv").read_text().splitlines()[1:] == ["small,1,y,0.5", "small,2,y,1.5"]
    assert (tmp_path / "my #1.xlsx").read_bytes().startswith(b"PK")
    assert "two rows" not in page.text
