"""Small notebooks for the tests of reports: written as sources to be run, or with the outputs of a run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from reports.pack import unpacked
from reports.pages import SUMMARY
from reports.vega import MIME

FINDING = "disk runs out on 17 Dec 2026"

TELL_SUMMARY = f"""from IPython.display import display
display({{"{SUMMARY}": {{"finding": "{FINDING}", "title": "A small report"}}}}, raw=True)"""

DRAW = """import altair as alt
alt.Chart(alt.Data(values=[{"x": 1, "y": 2}, {"x": 2, "y": 3}])).mark_line().encode(x="x:Q", y="y:Q").properties(
    description="two points")"""


def sources(
    *code: str, parameters: str = "n = 3", schema: list[dict[str, Any]] | None = None, summary: bool = True
) -> Any:
    """Return a notebook that has not run: a heading, the parameters, ``code``, and by default a summary."""
    cells = [new_markdown_cell("# A small notebook", id="head")]
    cells.append(new_code_cell(parameters, id="parameters", metadata={"tags": ["parameters"]}))
    cells += [new_code_cell(source, id=f"cell-{at}") for at, source in enumerate(code)]
    if summary:
        cells.append(new_code_cell(TELL_SUMMARY, id="summary"))
    declared = [{"name": "n", "type": "integer", "default": 3}] if schema is None else schema
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "capacity": {"parameters": declared}})


def saved(notebook: Any, path: Path) -> Path:
    """Write a notebook to a file and return its path."""
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
    return path


def ran(*outputs: Any, text: str = "# A small report") -> Any:
    """Return a notebook that has run: a Markdown cell, and a code cell for each output or list of outputs."""
    cells = [new_markdown_cell(text, id="head")] if text else []
    for at, made in enumerate(outputs):
        listed = made if isinstance(made, list) else [made]
        cells.append(new_code_cell("secret_code()", id=f"cell-{at}", execution_count=at + 1, outputs=listed))
    return new_notebook(cells=cells)


def shown(**data: Any) -> Any:
    """Return a display; ``text_html="…"`` is the kind ``text/html``."""
    return new_output("display_data", data={kind.replace("_", "/", 1): value for kind, value in data.items()})


def display(kind: str, value: Any, words: str = "") -> Any:
    """Return a display of one kind, with words for those who cannot see it."""
    return new_output("display_data", data={kind: value} | ({"text/plain": words} if words else {}))


def summary(**more: Any) -> Any:
    """Return the output that ends a notebook."""
    return display(SUMMARY, {"finding": FINDING} | more)


def line(rows: list[dict[str, Any]], *, description: str = "a line", **more: Any) -> dict[str, Any]:
    """Return a line chart of ``x`` and ``y``, as altair would give it."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": rows},
        "mark": "line",
        "encoding": {"x": {"field": "x", "type": "quantitative"}, "y": {"field": "y", "type": "quantitative"}},
        "description": description,
        **more,
    }


def chart(rows: list[dict[str, Any]] | None = None, *, description: str = "a line", **more: Any) -> Any:
    """Return the output of a line chart."""
    rows = [{"x": 1, "y": 1}, {"x": 2, "y": 4}, {"x": 3, "y": 9}] if rows is None else rows
    return display(MIME, line(rows, description=description, **more), description)


def carried(page: str) -> Any:
    """Return what a page's charts are drawn from: ``{"charts": …, "store": …}``, every data set with its own values."""
    found = re.search(r'id="capacity-data">([^<]*)</script>', page)
    assert found, "the page carries no data"
    data = json.loads(unpacked(found.group(1)))
    columns = [unstepped(column) for column in data.pop("columns")]
    for one in data["store"]:
        if "columns" in one:
            one["columns"] = {name: columns[at] for name, at in one["columns"].items()}
    return data


def unstepped(column: Any) -> list[Any]:
    """Return a column's values, as the page's script does."""
    if isinstance(column, list):
        return column
    values, sum_ = [], 0
    for step in column["steps"]:
        sum_ += step or 0
        values.append(None if step is None else sum_ / column["by"])
    return values
