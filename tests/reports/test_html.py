"""The page: one file, nothing loaded, nothing run that it does not name, the same bytes each time."""

from __future__ import annotations

import hashlib
import re
import sys
from html import unescape
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from capacity.errors import ReportError
from reports import pack
from reports.html import to_html
from reports.pack import source_hash
from reports.pages import COVER
from reports.vega import MIME, stepped
from tests.support.checkout import run, told
from tests.support.pages import carried, chart, display, line, ran, shown, summary, unstepped

POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">')
ROWS = [{"x": at, "y": at * at} for at in range(50)]


def rules(page: str) -> dict[str, list[str]]:
    """Return the page's policy: directive → its sources."""
    found = POLICY.search(page)
    assert found
    parts = (part.split() for part in unescape(found.group(1)).split(";"))
    return {part[0]: part[1:] for part in parts}


def test_the_same_notebook_gives_the_same_bytes(tmp_path: Path) -> None:
    """Neither the clock, nor the order of a set, nor chance is in a page: two processes write the same one."""
    code = (
        "import sys; from tests.support.pages import *; from reports.html import to_html;"
        "sys.stdout.write(to_html(ran(chart(), shown(text_html='<b>x</b>'), summary())))"
    )
    root = str(Path(__file__).parents[2])
    pages = [
        run([sys.executable, "-c", code], folder=tmp_path, environment={"PYTHONHASHSEED": seed, "PYTHONPATH": root})
        for seed in ("1", "2")
    ]
    assert [done.returncode for done in pages] == [0, 0], told(pages[0])
    digests = {hashlib.sha256(done.stdout.encode()).hexdigest() for done in pages}
    assert len(digests) == 1
    assert "<figure" in pages[0].stdout


def test_a_page_loads_nothing() -> None:
    """There is no element with an address that a browser would fetch, and none of nbconvert's own libraries."""
    soup = BeautifulSoup(to_html(ran(chart(), summary())), "html.parser")
    assert soup.select("script[src], link, iframe, object, embed, img[src^=http], base") == []
    assert [name for name in ("requirejs", "jquery", "mathjax", "mermaid") if name in str(soup.head).lower()] == []


def test_the_policy_allows_only_what_the_page_carries() -> None:
    """Every script and style that runs is named by its hash; nothing is unsafe, and all else is refused."""
    page = to_html(ran(chart(), summary()))
    policy = rules(page)
    soup = BeautifulSoup(page, "html.parser")
    inline = [tag.string for tag in soup.select("script:not([type])")]
    runtime = Path(__file__).parents[2].joinpath("reports/assets/runtime.js").read_text()
    assert policy["default-src"] == ["'none'"]
    assert sorted(policy["script-src"]) == sorted(source_hash(code) for code in [*inline, runtime])
    assert policy["style-src"] == [source_hash(soup.style.string)]
    assert "unsafe" not in str(policy)


def test_a_page_without_charts_has_no_script() -> None:
    """What is not needed is not carried, and not allowed."""
    page = to_html(ran(shown(text_html="<p>words</p>"), summary()))
    assert "<script" not in page
    assert rules(page)["script-src"] == ["'none'"]


def test_code_and_stderr_stay_in_the_notebook() -> None:
    """Readers see what was put out, not the code, and not what libraries warned of."""
    from nbformat.v4 import new_output

    said = [new_output("stream", name="stdout", text="42 < 43\n"), new_output("stream", name="stderr", text="Warning!")]
    page = to_html(ran(said, summary()))
    assert "<pre>42 &lt; 43" in page
    assert "Warning!" not in page
    assert "secret_code" not in page


def test_equal_data_are_carried_once() -> None:
    """Three charts of two data sets put two into the store, by columns."""
    page = to_html(ran(chart(ROWS), chart(ROWS), chart(ROWS[:10]), summary()))
    data = carried(page)
    assert len(data["charts"]) == 3
    assert [len(kept["columns"]["y"]) for kept in data["store"]] == [50, 10]
    assert data["store"][1] == {"columns": {"x": list(range(10)), "y": [at * at for at in range(10)]}, "length": 10}


def test_rows_of_unlike_keys_stay_rows() -> None:
    """A missing value and a null are not the same to a chart, so such rows are not turned into columns."""
    rows = [{"x": 1, "y": 2}, {"x": 2}]
    assert carried(to_html(ran(chart(rows), summary())))["store"] == [{"rows": rows}]


def test_the_cover_comes_first_and_once() -> None:
    """Wherever the notebook puts the cover out, the page begins with it."""
    cover = display(COVER, '<section class="cw-cover"><h1>Disk runs out</h1></section>')
    page = to_html(ran(shown(text_html="<p>before</p>"), cover, summary()))
    assert page.count("Disk runs out") == 1
    assert page.index("Disk runs out") < page.index("<article>") < page.index("<p>before</p>")


def test_the_summary_names_the_page() -> None:
    """Title and description come from the summary, escaped; without one the first heading is the title."""
    page = to_html(ran(summary(title="Capacity </title><b>")))
    assert "<title>Capacity &lt;/title&gt;&lt;b&gt;</title>" in page
    assert 'content="disk runs out on 17 Dec 2026" name="description"' in page
    assert "<title>A small report</title>" in to_html(ran(shown(text_plain="x")))


def test_a_chart_is_a_figure_with_words() -> None:
    """Each chart can be reached by keyboard and is named by its description."""
    soup = BeautifulSoup(to_html(ran(chart(description='rising "fast" <now>'), summary())), "html.parser")
    figure = soup.select_one("figure[data-chart]")
    assert figure is not None
    named = {name: figure[name] for name in ("role", "tabindex", "aria-label", "data-chart")}
    assert named == {"role": "img", "tabindex": "0", "aria-label": 'rising "fast" <now>', "data-chart": "0"}


def test_a_chart_takes_the_width_of_the_page() -> None:
    """A chart that states no width is as wide as its container, on every screen."""
    spec = carried(to_html(ran(chart(), summary())))["charts"][0]
    assert spec["autosize"] == {"type": "fit-x", "contains": "padding"}
    assert spec["background"] == "transparent"


def test_tables_scroll_inside_the_page() -> None:
    """A wide table has a box of its own, which the keyboard can scroll."""
    soup = BeautifulSoup(to_html(ran(shown(text_html="<table><tr><td>1</td></tr></table>"), summary())), "html.parser")
    assert [box["tabindex"] for box in soup.select("div.scroll:has(> table)")] == ["0"]


TABLE = "<table><thead><tr><th>{}</th></tr></thead><tbody><tr><td>{}</td></tr></tbody></table>"


@pytest.mark.parametrize(("columns", "stacks"), [(2, True), (5, True), (6, False), (1, False)])
def test_a_table_of_few_columns_can_be_a_list(columns: int, stacks: bool) -> None:
    """Its cells know their column's name, and roles keep it a table for those who hear it; a wide one scrolls."""
    heads, cells = ([f"{word}{at}" for at in range(columns)] for word in ("head", "cell"))
    html = TABLE.format("</th><th>".join(heads), "</td><td>".join(cells))
    soup = BeautifulSoup(to_html(ran(shown(text_html=html), summary())), "html.parser")
    named = [cell.get("data-head") for cell in soup.select("tbody td")]
    assert named == (heads if stacks else [None] * columns)
    assert bool(soup.select("table.stack[role=table] tr[role=row] [role=cell]")) is stacks


def test_pictures_are_carried() -> None:
    """PNG and SVG outputs become pictures inside the page; an SVG cannot run what it holds."""
    svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>globalThis.pwned = 1</script></svg>'
    page = to_html(ran(display("image/png", "iVBORw0KGgo="), display("image/svg+xml", svg), summary()))
    soup = BeautifulSoup(page, "html.parser")
    assert [img["src"].split(",")[0] for img in soup.select("img")] == [
        "data:image/png;base64",
        "data:image/svg+xml;base64",
    ]
    assert "pwned" not in page


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (line(ROWS) | {"data": {"url": "https://example.org/x.csv"}}, "loads 'https://example.org/x.csv'"),
        (line(ROWS, transform=[{"regression": "y", "on": "x"}]), "needs the transform 'regression'"),
        (line(ROWS) | {"mark": {"type": "image", "url": "x.png"}}, "loads 'x.png'|image marks|cannot be compiled"),
        (line(ROWS) | {"mark": "no such mark"}, "cannot be compiled"),
    ],
    ids=["data from a server", "transform outside the runtime", "pictures", "no mark"],
)
def test_a_chart_that_a_reader_could_not_see_is_refused(spec: dict[str, object], says: str) -> None:
    """What would fail in a browser, without anybody noticing, fails when the report is made, and names the chart."""
    with pytest.raises(ReportError, match=says):
        to_html(ran(display(MIME, spec, "my chart"), summary()))


def test_what_is_not_finite_is_a_hole() -> None:
    """NaN and infinity, which JSON does not know, are missing values in a chart, as they are in a frame."""
    rows = [{"x": 1, "y": float("nan")}, {"x": 2, "y": float("inf")}]
    assert carried(to_html(ran(chart(rows), summary())))["store"][0]["columns"]["y"] == [None, None]


def test_black_marks_follow_the_theme() -> None:
    """Vega-Lite draws text and rules in black where nothing is said; on a dark page they take the page's ink."""
    rule = line(ROWS) | {"mark": "rule"}
    spec = carried(to_html(ran(display(MIME, rule, "rules"), summary())))["charts"][0]
    assert spec["marks"][0]["encode"]["update"]["stroke"] == {"value": "var(--ink)"}


@given(
    st.lists(
        st.one_of(
            st.none(), st.integers(-(10**9), 10**9), st.decimals(-999, 999, places=3).map(float), st.floats(-1, 1)
        ),
        min_size=12,
        max_size=40,
    )
)
def test_a_column_comes_back_to_the_last_bit(column: list[float | None]) -> None:
    """Written as steps or as it is, a column's values are those that went in, holes among them."""
    assert unstepped(stepped(column)) == column


@given(st.text(max_size=400))
def test_what_is_packed_comes_back_and_cannot_break_out(text: str) -> None:
    """Any text survives, in characters that mean nothing in HTML."""
    packed = pack.packed(text)
    assert pack.unpacked(packed) == text
    assert set(packed).isdisjoint("<>&\"'\\")
