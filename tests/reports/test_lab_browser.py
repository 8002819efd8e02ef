"""JupyterLab, seen by a real browser without a network: its start page, its charts, and the panel of what if."""

from __future__ import annotations

from pathlib import Path

from tests.support.lab import browsed, started, write_notebook

SIMULATED = """
import numpy as np
import pandas as pd
import capacity
from capacity.frames import wide
from reports import charts, renderer, whatif

renderer.enable()
hours = np.arange(42 * 24)
values = 50 + 25 * hours / hours[-1] + 6 * np.sin(2 * np.pi * hours / 24)
values += np.random.default_rng(3).normal(0, 2, len(hours))
times = pd.date_range("2026-09-20", periods=len(hours), freq="1h", tz="UTC")
history = wide(values[:, None], times=times, series=[{"node": "<img src=x onerror=pwned=1>"}], metric="load")
outlook = capacity.outlook(capacity.forecast(history, horizon="60d"), limit=100.0, lead_time="14d")
"""
BREACH = "[...document.querySelectorAll('.capacity-whatif .widget-label')].at(-1).textContent"
DRAWN = "document.querySelectorAll('.capacity-chart[data-drawn=yes] svg').length"


def test_from_the_start_page_to_a_date_that_moves(tmp_path: Path) -> None:
    """A card opens a notebook, running it draws every chart, a slider moves the date, nothing is asked elsewhere."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    charts = ["charts.forecast(outlook.forecast, outlook)", "charts.runway(outlook)", "charts.probability(outlook)"]
    write_notebook(
        folder / "mine.ipynb", SIMULATED, *charts, "whatif.panel(outlook)", title="Mine <b>now</b>", described={}
    )
    write_notebook(folder / "other.ipynb", "1", title="Something else")
    with started(folder, state=tmp_path) as address, browsed(address) as (page, wrong):
        cards = page.locator(".capacity-start button")
        cards.first.wait_for(timeout=60_000)
        said = "".join(cards.all_inner_texts())
        assert "Capacity overview" in said
        assert "Something else" not in said
        cards.filter(has_text="Mine <b>now</b>").click()
        page.locator(".jp-NotebookPanel-toolbar").wait_for(timeout=30_000)
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
        page.get_by_text("Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        page.wait_for_function(f"{DRAWN} === 4", timeout=120_000)
        handles = page.locator(".capacity-whatif [role=slider]")
        assert [handles.nth(place).get_attribute("aria-label") for place in range(4)] == [
            "More growth a year", "Added", "Lead time (days)", "Risk put up with",
        ]  # fmt: skip
        before = page.evaluate(BREACH)
        handles.first.focus()
        for _ in range(10):
            page.keyboard.press("ArrowRight")
        page.wait_for_function(f"{BREACH} !== {before!r}", timeout=20_000)
        page.wait_for_function(f"{DRAWN} === 4", timeout=20_000)
        assert "breach" in page.evaluate(BREACH)
        assert page.evaluate("globalThis.pwned === undefined")
        assert page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
        assert wrong == []
