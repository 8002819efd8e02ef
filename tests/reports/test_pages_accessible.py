"""Every notebook's report in a real Chromium: wide, narrow, in between, light, dark and on paper; nothing is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from reports import notebooks
from tests.support.browser import Seen, chromium, opened
from tests.support.rendered import report

WIDTHS = (1280, 768, 390)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Chromium once for this module."""
    with chromium() as started:
        yield started


@pytest.fixture(params=notebooks.names())
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return a notebook's report, made once."""
    return report(request.param, tmp_path_factory, worker_id)


def violations(page: Page) -> list[str]:
    """Return what axe finds wrong: its rule, and where."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['target']}" for each in found for node in each["nodes"]]


def wrong(seen: Seen, at: str) -> list[str]:
    """Return all that is wrong with a page as it stands, for a message."""
    found = [f"{at}: {each}" for each in violations(seen.page)]
    return found + ([f"{at}: {seen.overflow()} px too wide"] if seen.overflow() else [])


def test_every_report_can_be_read_by_everyone(browser: Browser, page: Path) -> None:
    """Three widths, two themes, and paper: every chart drawn, no request, no error, no overflow, nothing axe minds."""
    found = []
    for dark in (False, True):
        with opened(browser, page, width=WIDTHS[0], dark=dark) as seen:
            assert min(seen.drawn()) > 0
            for width in WIDTHS:
                seen.page.set_viewport_size({"width": width, "height": 900})
                found += wrong(seen, f"{width} px, {'dark' if dark else 'light'}")
            seen.page.emulate_media(media="print")
            found += [f"print: {each}" for each in violations(seen.page)]
            assert (seen.requests, seen.errors) == ([], [])
    assert found == []


def test_every_report_has_one_title_and_every_chart_words(browser: Browser, page: Path) -> None:
    """One first heading; each chart is described, says what it found, and has its data as a table."""
    with opened(browser, page) as seen:
        charts = len(seen.drawn())
        assert seen.page.locator("h1").count() == 1
        assert seen.page.locator("details.data:visible").count() == charts
        labels = seen.page.eval_on_selector_all("figure[data-chart]", "all => all.map((one) => one.ariaLabel)")
        assert [label for label in labels if len(label) < 20] == []
        for summary in seen.page.locator("details.data > summary").all():
            summary.click()
        filled = "many => document.querySelectorAll('details.data:has(tbody td)').length === many"
        seen.page.wait_for_function(filled, arg=charts)
        assert violations(seen.page) == []


def test_a_report_answers_without_scripts(browser: Browser, page: Path) -> None:
    """With scripts switched off its first heading, its words and its tables are there."""
    with opened(browser, page, scripts=False) as seen:
        assert len(seen.page.inner_text("h1")) > 5
        assert len(seen.page.inner_text("article")) > 400
        assert seen.page.locator("details.data:visible").count() == 0


def test_its_first_page_on_paper_is_its_first_screen(browser: Browser, page: Path) -> None:
    """It prints, the first heading stands at the top, and every chart gets paper."""
    with opened(browser, page) as seen:
        seen.drawn()
        seen.page.emulate_media(media="print")
        assert seen.page.locator("h1").bounding_box()["y"] < 200  # type: ignore[index]
        assert seen.page.pdf().startswith(b"%PDF")
