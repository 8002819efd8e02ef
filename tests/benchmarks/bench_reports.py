"""Reports: bytes and requests of a page, how soon a browser draws it, and what making it costs beside the stock tools.

    python tests/benchmarks/bench_reports.py             # or: make bench-reports

A plan of ten resources is made once and stored; a notebook of ours loads it, shows the whole cover and eight charts (or
64), and puts out its summary. The same notebook goes through `papermill` and `jupyter nbconvert` as two commands. Pages
are opened from a file in a real Chromium without a network. A table, and as the last line one JSON object.

    warm      one more report in a process that has made one before: CPU seconds of it and of all that it starts
    stock     `papermill` and then `jupyter nbconvert --to html`, both commands' CPU seconds with their kernel's
    batch     50 reports, two at a time, from a process that starts cold: seconds on the clock
    child     the most memory that the process of a notebook held
"""

from __future__ import annotations

import json
import os
import pickle
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.support.browser import Seen, chromium, opened  # noqa: E402

FULL = os.environ.get("FULL") == "1"
ROUNDS = 5 if FULL else 3
WARM = 6
BATCH = 50
MORE = ("cpu", "memory", "disk", "bandwidth")
"""Resources that are drawn a second time, by another seed: six and four are ten."""

WATCH = """
globalThis.drawnAt = [];
new MutationObserver((changes) => { for (const { target } of changes)
    if (target.dataset.drawn === "yes") globalThis.drawnAt.push(performance.now()); })
  .observe(document, { subtree: true, attributes: true, attributeFilter: ["data-drawn"] });"""
"""Notes when each chart is drawn, in ms since the page was asked for."""

LOAD = """import pickle
from pathlib import Path
from reports import charts, overview
from reports.rows import rows
story = pickle.loads(Path(stored).read_bytes())
series = [row for row in rows(story.plan) if row.outlook is not None]"""
DRAW = """from IPython.display import display
for row in series[:count - 2]:
    display(charts.forecast(row.source.forecast, row.source, row.position, title=row.name))"""
HELD = """from pathlib import Path
print(*(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))"""


# What is shown ------------------------------------------------------------------------------------------------------


def store(folder: Path) -> Path:
    """Plan ten resources of the simulated platform and store the plan; returns where."""
    import capacity
    from capacity.catalog_load import load_catalog
    from connectors import connect
    from reports.overview import Story
    from reports.rows import rows

    catalog = load_catalog("dwcp")
    first, second = (connect(url).pull(catalog, window="120d") for url in ("demo:", "demo:?seed=1"))
    again = {f"{name}_b": name for name in MORE}
    resources = dict(catalog.resources)
    for name, own in again.items():
        resources[name] = replace(resources[own], name=name, title=f"{resources[own].title}, second platform")
    demand, limits = dict(first.demand), dict(first.limits)
    for name, own in again.items():
        demand[name] = second.demand[own].rename(columns={own: name}, level=0)
        if own in second.limits:
            limits[name] = second.limits[own]
    plan = capacity.plan(replace(first, demand=demand, limits=limits), replace(catalog, resources=resources))
    rows(plan)  # with all that is worked out when it is first asked for, such as how much to order
    story = Story(plan=plan, title="Ten resources", source="demo:", command="capacity report capacity_overview")
    path = folder / "stored.pickle"
    path.write_bytes(pickle.dumps(story))
    return path


def notebook(folder: Path, stored: Path, *, count: int, more: tuple[str, ...] = ()) -> Path:
    """Write the notebook that shows ``count`` charts of the stored plan; returns where."""
    parameters = f'stored = "{stored}"\ncount = {count}'
    codes = [LOAD, "overview.cover(story)", "charts.runway(story.plan)", "charts.probability(story.plan)", DRAW, *more]
    cells = [new_markdown_cell("# Ten resources"), new_code_cell(parameters, metadata={"tags": ["parameters"]})]
    cells += [new_code_cell(code) for code in (*codes, "overview.summary(story)")]
    schema = [
        {"name": "stored", "type": "string", "default": str(stored)},
        {"name": "count", "type": "integer", "default": count},
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    made = new_notebook(cells=cells, metadata={"kernelspec": kernel, "capacity": {"parameters": schema}})
    path = folder / f"charts_{count}{'_held' if more else ''}.ipynb"
    path.write_text(nbformat.writes(made), encoding="utf-8")
    return path


# What it costs ------------------------------------------------------------------------------------------------------


def children_cpu_s() -> float:
    """Return the CPU seconds of every process that this one has started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cost(*command: str | Path) -> tuple[float, float]:
    """Run a command; return its CPU seconds, those of its own children included, and its seconds."""
    before, started = children_cpu_s(), time.perf_counter()
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise SystemExit(f"$ {' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return children_cpu_s() - before, time.perf_counter() - started


def ours(shown: Path, folder: Path, times: int, *, threads: int = 1) -> tuple[float, float]:
    """Make ``times`` reports in one fresh process; return CPU seconds and seconds."""
    return cost(sys.executable, __file__, "--render", shown, folder, str(times), str(threads))


def render_many(shown: str, folder: str, times: str, threads: str) -> None:
    """Make reports, as a runner of schedules does."""
    from reports import render

    with ThreadPoolExecutor(int(threads)) as pool:
        list(pool.map(lambda at: render(shown, out=Path(folder) / f"page-{at}.html"), range(int(times))))


def stock(shown: Path, folder: Path) -> float:
    """Run the two commands that people use today; return their CPU seconds."""
    ran = folder / "stock.ipynb"
    first, _ = cost(sys.executable, "-m", "papermill", shown, ran, "--no-progress-bar")
    second, _ = cost(sys.executable, "-m", "nbconvert", "--to", "html", ran)
    return first + second


def held_mb(folder: Path, stored: Path) -> float:
    """Return the most memory that the process of a notebook held, in 10⁶ bytes."""
    from reports import notebooks, runs

    ran = runs.run(notebooks.read(notebook(folder, stored, count=8, more=(HELD,))), {})
    assert ran.failure is None, ran.failure
    told = [out.text for cell in ran.notebook.cells for out in cell.get("outputs", ()) if out.output_type == "stream"]
    return int(told[-1]) * 1024 / 1e6


# What a reader gets -------------------------------------------------------------------------------------------------


def look(seen: Seen, path: Path) -> dict[str, Any]:
    """Open a page anew and return what was drawn, when, and what went wrong."""
    seen.page.add_init_script(WATCH)
    seen.page.goto(path.as_uri())
    marks = seen.drawn()
    at = seen.page.evaluate("() => globalThis.drawnAt")
    return {
        "drawn": sum(mark > 0 for mark in marks),
        "first_ms": at[0],
        "last_ms": at[-1],
        "requests": len(seen.requests),
        "errors": len(seen.errors),
    }


def reader(path: Path) -> dict[str, Any]:
    """Return the medians and worst of several looks at a page, each in a window of its own."""
    looks = []
    with chromium() as browser:
        for _ in range(ROUNDS):
            with opened(browser, path) as seen:
                looks.append(look(seen, path))
    medians = {key: statistics.median(one[key] for one in looks) for key in ("first_ms", "last_ms")}
    worst = {key: max(one[key] for one in looks) for key in ("requests", "errors")}
    return {"bytes": path.stat().st_size, "drawn": min(one["drawn"] for one in looks), **medians, **worst}


def main() -> None:
    """Measure, print the table, and the figures."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        stored = store(folder)
        eight, many = (notebook(folder, stored, count=count) for count in (8, 64))
        warm, cold, theirs = [], [], []
        for _ in range(ROUNDS):
            one, _ = ours(eight, folder, 1)
            several, _ = ours(eight, folder, WARM)
            cold.append(one)
            warm.append((several - one) / (WARM - 1))
            theirs.append(stock(eight, folder))
        _, batch = ours(eight, folder, BATCH, threads=2)
        pages = {8: reader(folder / "page-0.html")}
        ours(many, folder, 1)
        pages[64] = reader(folder / "page-0.html")
        report(pages, statistics.median(warm), statistics.median(cold), statistics.median(theirs), batch,
               held_mb(folder, stored))  # fmt: skip


def report(
    pages: dict[int, dict[str, Any]], warm: float, cold: float, theirs: float, batch: float, held: float
) -> None:
    """Print the table, and the figures as the last line."""
    print(f"{'page':22}{'bytes':>9}{'drawn':>7}{'requests':>10}{'errors':>8}{'first ms':>10}{'last ms':>9}")
    for count, page in pages.items():
        row = f"{page['bytes']:9,}{page['drawn']:7}{page['requests']:10}{page['errors']:8}"
        print(f"{f'cover and {count} charts':22}{row}{page['first_ms']:10.0f}{page['last_ms']:9.0f}")
    print("\none report             CPU s")
    for name, value in {"warm": warm, "cold": cold, "stock, two commands": theirs}.items():
        print(f"{name:22}{value:6.2f}{value / theirs:8.2f} × stock")
    print(f"\n{BATCH} reports, two at a time: {batch:.1f} s; a notebook's process held {held:.0f} MB")
    figures = {
        "bytes_8": pages[8]["bytes"],
        "bytes_64": pages[64]["bytes"],
        "requests": max(page["requests"] for page in pages.values()),
        "console_errors": max(page["errors"] for page in pages.values()),
        "drawn_8": pages[8]["drawn"],
        "drawn_64": pages[64]["drawn"],
        "first_chart_ms": round(pages[8]["first_ms"], 1),
        "warm_cpu_s": round(warm, 3),
        "stock_cpu_s": round(theirs, 3),
        "batch50_s": round(batch, 1),
        "child_mb": round(held, 1),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--render"]:
        render_many(*sys.argv[2:])
    else:
        main()
