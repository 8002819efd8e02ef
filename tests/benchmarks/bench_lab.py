"""The panel of what if in a real JupyterLab: from a key on a slider to the chart that has been drawn anew.

    make bench-lab

A real Chromium without a network, a real kernel, one series of the demo. A table, and as the last line one JSON object.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.sync_api import Page

from tests.support.lab import browsed, started, write_notebook

KEYS = 60
PAUSE_S = 0.6
PANEL = """
import capacity
from connectors import connect
from reports import whatif

catalog = capacity.load_catalog("dwcp")
plan = capacity.plan(connect("demo:").pull(catalog, window="120d"), catalog, horizon="90d")
whatif.panel(plan.outlooks["bandwidth"], "eu-west")
"""
ANSWER = """
import time
from capacity.scenario import one_series
from reports.whatif import Assumptions, answer

alone = one_series(plan.outlooks["bandwidth"], "eu-west")
spent = []
for step in range(20):
    start = time.perf_counter()
    answer(alone, Assumptions(growth=step / 10, lead_days=60), name="x")
    spent.append(1000 * (time.perf_counter() - start))
print("kernel", round(sorted(spent)[10], 1))
"""
WATCH = """() => {
  const panel = document.querySelector(".capacity-whatif");
  globalThis.seen = null;
  globalThis.watcher?.disconnect();
  globalThis.watcher = new MutationObserver(() => {
    if (panel.querySelector(".capacity-chart[data-drawn=yes] svg")) globalThis.seen = performance.now();
  });
  const what = { subtree: true, childList: true, attributes: true, attributeFilter: ["data-drawn"] };
  globalThis.watcher.observe(panel, what);
  globalThis.began = performance.now();
}"""


def spent(page: Page) -> list[float]:
    """Press a key so many times, and return how long each took until the chart was there again, in ms."""
    found = []
    page.locator(".capacity-whatif [role=slider]").first.focus()
    for place in range(KEYS):
        page.evaluate(WATCH)
        page.keyboard.press("ArrowRight" if place < KEYS // 2 else "ArrowLeft")
        time.sleep(PAUSE_S)
        found.append(page.evaluate("globalThis.seen - globalThis.began"))
    return sorted(found)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "notebooks"
        folder.mkdir()
        write_notebook(folder / "panel.ipynb", PANEL, ANSWER, title="Panel", described={})
        with started(folder, state=Path(scratch)) as address, browsed(address) as (page, wrong):
            page.locator(".capacity-start button").filter(has_text="Panel").click(timeout=60_000)
            page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
            page.get_by_text("Run", exact=True).click()
            page.get_by_text("Run All Cells", exact=True).click()
            told = page.locator(".jp-RenderedText").filter(has_text="kernel")
            told.wait_for(timeout=120_000)
            kernel = float(told.inner_text().split()[1])
            page.locator(".capacity-whatif .capacity-chart[data-drawn=yes]").wait_for(timeout=60_000)
            times = spent(page)
    figures = {
        "slider_p50_ms": round(statistics.median(times), 1),
        "slider_p95_ms": round(times[int(0.95 * len(times))], 1),
        "kernel_p50_ms": kernel,
        "console_errors": len(wrong),
    }
    for name, value in figures.items():
        print(f"{name:>16}  {value:g}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
