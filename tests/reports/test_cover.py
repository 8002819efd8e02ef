"""The cover: what it says, that nothing in it can run, and that it fits a screen, a telephone and a sheet of paper."""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser

from reports import cover
from reports.charts.points import drawn
from reports.cover.spark import sparkline
from reports.rows import rows
from tests.support.browser import chromium
from tests.support.plans import AS_OF, HOSTILE, empty_plan, small_plan

COMMAND = "capacity report capacity_overview --source test: --as-of 2026-11-01T00:00Z"
VOID = {"circle", "line", "path", "polygon", "polyline", "rect", "img", "br"}


@dataclass
class Outline(HTMLParser):
    """The elements of a page and their text, and whether every one of them is closed."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text.append(data)


def page(**options: object) -> str:
    return cover.html(small_plan(), source="test:", command=COMMAND, **options)  # type: ignore[arg-type]


def outline(html: str) -> Outline:
    found = Outline()
    found.feed(html)
    assert found.open == []
    return found


def said(html: str) -> str:
    return " ".join(" ".join(outline(html).text).split())


def test_the_finding_is_the_heading() -> None:
    """One sentence answers what, when and how sure, and it is the plan's."""
    heading = re.findall(r"<h1[^>]*>(.*?)</h1>", page(), re.DOTALL)
    assert heading == [small_plan().finding]


def test_the_first_line_says_which_platform_when_and_how_far() -> None:
    """Title, the date that counts as today, the horizon; where the telemetry is, an address, stands in the foot."""
    assert said(page()).startswith("Test platform · as of 1 Nov 2026 · next 30 d")
    assert said(page(title="Disks")).startswith("Disks · as of")
    assert "Source test: As of 2026-11-01" in said(page())


def test_rows_stand_by_urgency_with_sign_and_word() -> None:
    """Every row says its verdict as a sign and a word, worst first; nothing is left out."""
    verdicts = re.findall(r'<span class="cw-strong cw-\w+ cw-is-[a-z-]+">(.) ([a-z ]+)</span>', page())
    assert verdicts[:3] == [("✖", "past"), ("!", "order now"), ("!", "order now")]
    assert verdicts[3:] == [("✔", "fine")] * 2 + [("?", "cannot judge")] * 3


def test_a_row_says_when_how_sure_and_by_when_to_order() -> None:
    """The dates are the plan's own: median, P10 and P90, and the order date that has passed."""
    row = next(row for row in rows(small_plan()) if row.series == "eu/fills")
    told = said(page())
    ahead = (row.p50 - small_plan().as_of).days
    assert f"{row.p50.day} Nov 2026 in {ahead} d 80 % between {row.p10.day} and {row.p90.day} Nov" in told
    assert f"now adding volumes {row.add} was {row.order_by.day} Oct 2026, lead time 7 d" in told
    assert "Order by: the last day on which an order keeps the risk of running out before it arrives ≤ 10 %." in told
    assert "eu/fills owner: storage" in told
    assert "> 99 % by 1 Dec 2026" in told


def test_how_far_it_may_be_believed_is_told_in_plain_words() -> None:
    """How often past forecasts held, of what they promised, and what repeating last week would have done."""
    told = said(page())
    assert re.search(r"Past forecasts of this kind held \d+ of 100 times \(promised 80\)", told)
    assert "× the error of repeating last week." in told
    assert "seasonal naive forecast" not in told


def test_an_accepted_risk_is_told_with_who_answers_for_it() -> None:
    """The full disk is shown as past, and that Ada has decided to live with it."""
    assert "accepted until 1 Dec 2026 by Ada: it is replaced" in said(page())


def test_what_cannot_be_judged_is_shown_with_its_reason_before_what_is_fine() -> None:
    """With room for six rows the two calm disks are left to the count."""
    told = said(page(most=6))
    assert "limit missing: no limit has its labels" in told
    assert "no data: the query matched no series" in told
    assert "And 2 more series: ✔ 2 fine." in told


def test_the_foot_says_where_the_numbers_come_from() -> None:
    """Query, window, model and rival, backtest, catalogue's hash, and the command that repeats the report."""
    told = said(page())
    for part in (
        'used{job="<b>"}', "2 Sep 2026 – 1 Nov 2026, max of each 6h", "against seasonal naive", "error (MASE)",
        "test , sha256 0123456789ab", COMMAND, "capacity-workbench",
    ):  # fmt: skip
        assert part.replace(" ,", ",") in told.replace(" ,", ",")


def test_nothing_in_it_can_run_or_load() -> None:
    """No script, no handler, no address; a label made of markup is text, whole."""
    found = outline(page())
    names = {name for name, _ in found.elements}
    assert not names & {"script", "img", "iframe", "link", "object", "a", "foreignobject"}
    attributes = {name for _, own in found.elements for name in own}
    assert not [name for name in attributes if name.startswith("on") or name in ("href", "src", "style")]
    assert "url(" not in page()
    assert "http" not in page()
    assert HOSTILE in " ".join(found.text)


def test_its_style_touches_nothing_else() -> None:
    """Every selector of the style sheet ends on the cover or inside it."""
    sheet = re.sub(r"@media[^{]*\{", "", str(cover.style()))
    for selectors in re.findall(r"([^{}]+)\{[^{}]*\}", sheet):
        for selector in selectors.split(","):
            assert ".cw-" in selector, selector


def test_each_sparkline_says_what_it_shows_and_the_unjudged_have_no_future() -> None:
    """A projection that nobody can judge is not drawn."""
    sparks = re.findall(r'<svg class="cw-spark".*?</svg>', page(), re.DOTALL)
    assert len(sparks) == 6  # a series without a forecast of its own has none
    assert all("60 d of history and 30 d ahead" in spark for spark in sparks)
    (unjudged,) = [spark for spark in sparks if "nolimit" in spark]
    assert "cw-line" in unjudged
    assert "cw-ahead" not in unjudged
    assert "cw-limit" not in unjudged


def test_no_sparkline_leaves_its_picture_or_ends_in_a_part_of_a_bucket() -> None:
    """Whatever is drawn lies in the picture; the steady climb of a disk dips nowhere."""
    sparks = re.findall(r'<svg class="cw-spark".*?</svg>', page(), re.DOTALL)
    heights = [float(y) for spark in sparks for y in re.findall(r'(?:points="| )[\d.]+,(-?[\d.]+)', spark)]
    assert heights
    assert 0 <= min(heights) <= max(heights) <= 44
    (fills,) = [spark for spark in sparks if "eu/fills" in spark]
    (ahead,) = re.findall(r'class="cw-ahead" points="([^"]*)"', fills)
    climb = [float(point.partition(",")[2]) for point in ahead.split()]
    assert climb == sorted(climb, reverse=True)


def test_a_history_of_one_bucket_is_drawn() -> None:
    """A disk that is a day old, where others have months, is a short line beside the cutoff, and not nothing."""
    plan = small_plan()
    made = plan.forecasts["disk"]
    history = made.history.copy()
    history.iloc[:-4, 0] = np.nan
    shown = drawn(replace(made, history=history), [0], most=130)[0]
    assert shown.history["high"].notna().sum() == 1
    spark = sparkline(shown, cutoff=AS_OF, end=made.index[-1], breach=pd.NaT, label="", ahead=False)  # type: ignore[arg-type]
    (line,) = re.findall(r'class="cw-line" points="([^"]*)"', spark)
    first, last = (point.split(",") for point in line.split())
    assert float(first[0]) < float(last[0])
    assert first[1] == last[1]


def test_a_gap_is_a_gap_in_the_sparkline() -> None:
    """The calm disk misses two days: its line is in two pieces."""
    (calm,) = [spark for spark in re.findall(r"<svg.*?</svg>", page(), re.DOTALL) if "eu/calm" in spark]
    assert calm.count('class="cw-line"') == 2


def test_the_same_plan_gives_the_same_bytes() -> None:
    """Nothing in it is taken from a clock."""
    assert page() == page()


def test_a_plan_of_nothing_still_has_a_cover() -> None:
    """It says that there is nothing to judge."""
    told = said(cover.html(empty_plan()))
    assert "There is nothing to judge" in told
    assert "too short for a backtest" in told


def test_the_output_carries_the_cover_for_reports_lab_and_text() -> None:
    """The same page under its own kind and as HTML; the finding as text."""
    found = cover.bundle(small_plan())
    assert found[cover.MIME] == found["text/html"]
    assert found["text/plain"] == small_plan().finding


@pytest.fixture(scope="module")
def browser() -> Generator[Browser, None, None]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cover") / "cover.html"
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    path.write_text(f"{head}<title>Cover</title><body>{page()}", encoding="utf-8")
    return path


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 900), (390, 844)])
def test_the_first_screen_answers_on_a_desk_and_on_a_telephone(
    browser: Browser, file: Path, width: int, height: int, theme: str
) -> None:
    """Finding and first row are above the fold, the page is not wider than the screen, and no label has run."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,
        offline=True,  # type: ignore[arg-type]
    )
    view = context.new_page()
    view.goto(file.as_uri())
    assert view.evaluate("document.documentElement.scrollWidth") == width
    for part in (".cw-finding", ".cw-sub", ".cw-table tbody tr:first-child .cw-c1"):
        box = view.locator(part).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < height
    assert view.evaluate("globalThis.pwned === undefined")
    context.close()


TEXTS = """() => {
  const found = [];
  const walk = document.createTreeWalker(document.querySelector(".cw-table tbody"), NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const range = document.createRange();
    range.selectNodeContents(walk.currentNode);
    for (const box of range.getClientRects()) {
      found.push([walk.currentNode.data, box.left, box.top, box.right, box.bottom]);
    }
  }
  return found;
}"""
LATE = 'not likely by <span class="cw-date">28 Dec 2027</span>'


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 760, 1280])
def test_no_text_of_the_table_runs_into_another(browser: Browser, file: Path, width: int, theme: str) -> None:
    """The longest that is said of a date stands beside an order-by date, and each keeps to its cell."""
    view = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)  # type: ignore[arg-type]
    view.goto(file.as_uri())
    late = f"document.querySelectorAll('td.cw-c2 .cw-strong').forEach((one) => one.innerHTML = {LATE!r})"
    view.evaluate(late)
    boxes = view.evaluate(TEXTS)
    for at, (one, left, top, right, bottom) in enumerate(boxes):
        for other, left_, top_, right_, bottom_ in boxes[at + 1 :]:
            apart = right <= left_ + 1 or right_ <= left + 1 or bottom <= top_ + 2 or bottom_ <= top + 2
            assert apart, (one, other)
    view.close()


def test_a_long_finding_fills_three_lines_at_most(browser: Browser, tmp_path: Path) -> None:
    """On a desk's screen, with as much as a finding has to say."""
    finding = (
        "1 of 45 series is past usable capacity already (disk space on us-east/node-4); 5 more run out within 90 days; "
        "first is transfer streams on us-east, around 14 Nov 2026 (80 %: 21 Oct – 22 Nov), and 4 need an order now; "
        "3 cannot be judged."
    )
    path = tmp_path / "long.html"
    path.write_text(f'<meta charset="utf-8"><body>{cover.html(replace(small_plan(), finding=finding))}')
    view = browser.new_page(viewport={"width": 1280, "height": 900})
    view.goto(path.as_uri())
    lines = "(one) => one.getBoundingClientRect().height / parseFloat(getComputedStyle(one).lineHeight)"
    assert view.locator(".cw-finding").evaluate(lines) < 3.5
    view.close()


def test_it_prints_on_one_page(browser: Browser, file: Path) -> None:
    """A4 with 14 mm around it."""
    view = browser.new_page()
    view.goto(file.as_uri())
    margins = dict.fromkeys(("top", "right", "bottom", "left"), "14mm")
    printed = view.pdf(format="A4", margin=margins)  # type: ignore[arg-type]
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    view.close()
