"""The page in a real Chromium, from a file and offline: all is drawn, nothing is asked for, nothing else runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import altair as alt
import pytest
from playwright.sync_api import Browser

from reports.html import to_html
from reports.pages import COVER
from reports.vega import MIME
from tests.support.browser import chromium, opened
from tests.support.hostile import LABELS, MARKUP
from tests.support.pages import chart, display, ran, shown, summary

ROWS = [{"x": at, "y": at % 7} for at in range(60)]
COVERED = display(COVER, '<section class="cw-cover"><h1>Disk runs out on 17 Dec</h1><p>in 24 d</p></section>')


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium once for this module."""
    with chromium() as started:
        yield started


def written(folder: Path, *outputs: Any, text: str = "# A small report") -> Path:
    """Write the page of a notebook with these outputs; return its path."""
    path = folder / "report.html"
    path.write_text(to_html(ran(*outputs, summary(), text=text)), encoding="utf-8")
    return path


def marks_of_many_kinds() -> list[Any]:
    """Return charts that use what reports are made of: bands, stacks, rules, text, time, steps, windows, facets."""
    data = alt.Data(
        values=[{"t": f"2026-11-{day:02d}", "v": day, "w": day * 2, "k": "ab"[day % 2]} for day in range(1, 29)]
    )
    base = alt.Chart(data).encode(x=alt.X("t:T", scale=alt.Scale(type="utc")))
    charts = [
        alt.layer(base.mark_area(opacity=0.3).encode(y="v:Q", y2="w:Q"), base.mark_line().encode(y="v:Q")),
        base.mark_bar().encode(y="sum(v):Q", color="k:N"),
        base.mark_line(interpolate="step-after").encode(y="v:Q", strokeDash="k:N", color="k:N"),
        alt.layer(base.mark_rule().encode(), base.mark_text().encode(y="v:Q", text="k:N")),
        base.mark_rect().encode(x="week(t):O", y="day(t):O", color="mean(v):Q"),
        base.mark_point(filled=True).encode(y="v:Q", shape="k:N", size="w:Q", tooltip=["t:T", "v:Q"]),
        alt.Chart(data).mark_bar().encode(x=alt.X("v:Q", bin=True), y="count()"),
        base.transform_window(total="sum(v)", sort=[{"field": "t"}]).mark_line().encode(y="total:Q"),
        alt.Chart(data).transform_density("v", as_=["v", "d"]).mark_area().encode(x="v:Q", y="d:Q"),
    ]
    return [display(MIME, one.to_dict(), f"chart {at}") for at, one in enumerate(charts)]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_chart_is_drawn(browser: Browser, tmp_path: Path, width: int, dark: bool) -> None:
    """Each kind of chart has marks, at both widths, in both themes: no request, no error, no overflow."""
    charts = marks_of_many_kinds()
    with opened(browser, written(tmp_path, *charts), width=width, dark=dark) as seen:
        marks = seen.drawn()
        assert len(marks) == len(charts)
        assert min(marks) > 0, marks
        assert seen.requests == []
        assert seen.errors == []
        assert seen.overflow() == 0


def test_charts_are_as_wide_as_the_page(browser: Browser, tmp_path: Path) -> None:
    """A chart fills its column, and fills it again when the window changes."""
    with opened(browser, written(tmp_path, chart(ROWS))) as seen:
        seen.drawn()
        size = "() => document.querySelector('figure svg').getBoundingClientRect().width"
        wide = seen.page.evaluate(size)
        seen.page.set_viewport_size({"width": 390, "height": 800})
        seen.page.wait_for_function(f"() => ({size})() < 391")
        assert wide == pytest.approx(1020, abs=1)
        assert seen.page.evaluate(size) == pytest.approx(358, abs=1)


@pytest.mark.parametrize(
    ("dark", "ink"), [(False, "rgb(31, 35, 40)"), (True, "rgb(230, 237, 243)")], ids=["light", "dark"]
)
def test_charts_take_the_pages_colours(browser: Browser, tmp_path: Path, dark: bool, ink: str) -> None:
    """Titles are in the page's ink, also when the theme changes while the page is open."""
    colour = "() => getComputedStyle(document.querySelector('figure .role-title-text text')).fill"
    with opened(browser, written(tmp_path, chart(ROWS, title="A title")), dark=dark) as seen:
        seen.drawn()
        assert seen.page.evaluate(colour) == ink
        seen.page.emulate_media(color_scheme="light" if dark else "dark")
        assert seen.page.evaluate(colour) != ink


def test_what_is_looked_at_is_drawn_first(browser: Browser, tmp_path: Path) -> None:
    """A reader who has scrolled down at once does not wait for what is above."""
    watch = """
        globalThis.order = [];
        new MutationObserver((changes) => { for (const { target } of changes)
            if (target.dataset.chart && !globalThis.order.includes(target.dataset.chart))
              globalThis.order.push(target.dataset.chart); })
          .observe(document, { subtree: true, attributes: true, attributeFilter: ["data-drawn"] });
        addEventListener("DOMContentLoaded", () => scrollTo(0, document.documentElement.scrollHeight));"""
    path = written(tmp_path, *[chart(ROWS) for _ in range(20)])
    with opened(browser, path) as seen:
        seen.page.add_init_script(watch)
        seen.page.goto(path.as_uri())
        seen.drawn()
        order = [int(at) for at in seen.page.evaluate("() => globalThis.order")]
        assert len(order) == 20
        assert min(order[:3]) >= 15
        assert order[-1] == 0


DRAWING = """() => new Promise((go) => {
  const look = () => (globalThis.capacityRuntime ? go() : setTimeout(look)); look(); })"""
"""Wait until charts are being drawn."""


def test_paper_gets_every_chart(browser: Browser, tmp_path: Path) -> None:
    """A page that is printed as soon as it is open is printed whole."""
    path = written(tmp_path, *[chart(ROWS) for _ in range(12)])
    with opened(browser, path, height=300) as seen:
        seen.page.evaluate(DRAWING)
        seen.page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
        assert seen.page.evaluate("() => document.querySelectorAll('figure[data-drawn=yes] svg').length") == 12
        assert seen.page.pdf().startswith(b"%PDF")
        assert seen.errors == []


def test_the_cover_answers_without_scripts(browser: Browser, tmp_path: Path) -> None:
    """Where scripts are switched off the cover and the words are there, and a note says what is missing."""
    with opened(browser, written(tmp_path, COVERED, chart(ROWS)), scripts=False) as seen:
        said = seen.page.inner_text("body")
        assert said.startswith("Disk runs out on 17 Dec")
        assert "A small report" in said
        assert "scripts are switched off here" in said


def test_a_table_becomes_a_list_where_it_has_no_room(browser: Browser, tmp_path: Path) -> None:
    """On a telephone every cell of a table of three columns can be read without scrolling sideways."""
    row = "<tr><th>consensus_latency</th><td>quantile(0.95, sum by (region, le))</td><td>max of each 1h</td></tr>"
    heads = "<tr><th>metric</th><th>query</th><th>what came</th></tr>"
    table = shown(text_html=f"<table><thead>{heads}</thead><tbody>{row * 3}</tbody></table>")
    edges = "() => [...document.querySelectorAll('tbody tr > *')].map((cell) => cell.getBoundingClientRect().right)"
    with opened(browser, written(tmp_path, table), width=390) as seen:
        assert max(seen.page.evaluate(edges)) <= 390 - 16
        assert seen.overflow() == 0


def test_charts_are_reached_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    """Tab goes to a chart, which says what it shows, and the focus can be seen."""
    with opened(browser, written(tmp_path, chart(ROWS, description="rising until December"))) as seen:
        seen.drawn()
        seen.page.keyboard.press("Tab")
        focused = "() => [document.activeElement.ariaLabel, getComputedStyle(document.activeElement).outlineStyle]"
        assert seen.page.evaluate(focused) == ["rising until December", "solid"]


def test_a_chart_has_its_data_as_a_table(browser: Browser, tmp_path: Path) -> None:
    """Beneath a chart its data can be opened: a row a point, columns by name, built only when they are asked for."""
    named = chart(ROWS, usermeta={"fields": {"y": "count <b>"}})
    with opened(browser, written(tmp_path, named)) as seen:
        seen.drawn()
        assert seen.page.locator(".data table").count() == 0
        seen.page.click(".data > summary")
        seen.page.wait_for_selector(".data table")
        assert seen.page.locator(".data thead th").all_inner_texts() == ["x", "count <b>"]
        rows = seen.page.locator(".data tbody tr").all_inner_texts()
        assert [[int(cell) for cell in row.split("\t")] for row in rows] == [[one["x"], one["y"]] for one in ROWS]
        assert seen.errors == []


def test_a_tooltip_is_text(browser: Browser, tmp_path: Path) -> None:
    """What is under the pointer is told as text, never as markup."""
    rows = [{"x": 1, "y": 1, "name": "<img src=x onerror=globalThis.pwned=1>"}]
    spec = {"encoding": {"x": {"field": "x", "type": "quantitative"}, "tooltip": {"field": "name"}}, "mark": "bar"}
    spec["mark"] = {"type": "rect", "width": 600, "height": 200}  # type: ignore[assignment]
    with opened(browser, written(tmp_path, display(MIME, spec | {"data": {"values": rows}}, "one bar"))) as seen:
        seen.drawn()
        seen.page.hover("figure svg .role-mark path", force=True)
        seen.page.wait_for_selector(".tip.shown")
        assert rows[0]["name"] in seen.page.inner_text(".tip")
        assert not seen.ran()


def test_hostile_labels_run_nothing(browser: Browser, tmp_path: Path) -> None:
    """As axis labels, legends, titles, tooltips and links, and in the table of a chart's data, all are but text."""
    assert len({*LABELS, *MARKUP}) >= 40
    rows = [{"x": label, "y": at, "k": label} for at, label in enumerate(LABELS)]
    names = {"x": {"field": "x", "type": "nominal"}, "y": {"field": "y", "type": "quantitative"}}
    coloured = names | {"color": {"field": "k", "type": "nominal"}, "tooltip": {"field": "k"}, "href": {"field": "k"}}
    spec = {
        "mark": "point",
        "encoding": coloured,
        "data": {"values": rows},
        "title": LABELS[0],
        "description": LABELS[1],
    }
    with opened(browser, written(tmp_path, display(MIME, spec, LABELS[0]))) as seen:
        assert seen.drawn()[0] >= len(LABELS)
        seen.page.click(".data > summary")
        seen.page.wait_for_selector(".data table")
        assert LABELS[0] in seen.page.inner_text(".data tbody")
        assert not seen.ran()
        assert seen.requests == []
        assert seen.errors == []


def test_hostile_markup_runs_nothing(browser: Browser, tmp_path: Path) -> None:
    """In Markdown, HTML, plain text, descriptions and (were its escaping ever to fail) the cover, nothing runs."""
    outputs = [
        made
        for text in MARKUP
        for made in (shown(text_html=text), shown(text_markdown=text), shown(text_plain=text), display(COVER, text))
    ]
    path = written(
        tmp_path, *outputs, *[chart(ROWS, description=text) for text in MARKUP[:4]], text="\n\n".join(MARKUP)
    )
    with opened(browser, path) as seen:
        assert len(seen.drawn()) == 4
        seen.page.wait_for_timeout(300)
        assert not seen.ran()
        assert seen.requests == []
        assert seen.errors == []


def test_the_policy_holds_if_the_filter_does_not(browser: Browser, tmp_path: Path) -> None:
    """A script or a handler that somebody gets into the page all the same is stopped by the policy."""
    path = written(tmp_path, chart(ROWS))
    page = path.read_text().replace(
        "<article>", "<article><script>globalThis.pwned=1</script><img src=x onerror=globalThis.pwned=1>"
    )
    path.write_text(page)
    with opened(browser, path) as seen:
        assert seen.drawn()[0] > 0
        assert not seen.ran()
        assert any("Content Security Policy" in error for error in seen.errors)
