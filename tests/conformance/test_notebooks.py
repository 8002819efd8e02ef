"""What every notebook of the workbench keeps to: it is found by itself, and run on the demo from a fresh kernel."""

from __future__ import annotations

import ast
import re
import resource
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest

from reports import html, notebooks, params, truth

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
NAMES = [path.stem for path in NOTEBOOKS]
FORBIDDEN = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.For,
    ast.While,
    ast.Try,
    ast.With,
    ast.If,
)
ABSOLUTE = re.compile(r"""["'](/[a-z]+/|[A-Z]:\\|~/)""")


def read(name: str) -> Any:
    return nbformat.read(NOTEBOOKS[NAMES.index(name)], as_version=4)  # type: ignore[no-untyped-call]


def code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tagged(notebook: Any, tag: str) -> list[Any]:
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


@cache
def ran(name: str) -> tuple[Any, float]:
    """Run a notebook with plain papermill, in a kernel of its own, with its own defaults; once a process.

    Returns it with the CPU seconds that its kernel took: those do not depend on what else the machine is doing.
    """
    before = _children()
    done = papermill.execute_notebook(
        str(NOTEBOOKS[NAMES.index(name)]), None, progress_bar=False, cwd=str(NOTEBOOKS[0].parents[1])
    )
    return done, _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_there_is_an_overview() -> None:
    """The main job's notebook is there, and found by its name."""
    assert "capacity_overview" in NAMES
    assert Path(notebooks.find("capacity_overview")).name == "capacity_overview.ipynb"


@pytest.mark.parametrize("name", NAMES)
def test_it_is_committed_clean(name: str) -> None:
    """No output, no count, a valid format, the plain Python kernel, and no path of anybody's machine."""
    notebook = read(name)
    nbformat.validate(notebook)  # type: ignore[no-untyped-call]
    assert [cell for cell in code(notebook) if cell.outputs or cell.execution_count is not None] == []
    assert notebook.metadata.kernelspec.name == "python3"
    assert [cell.source for cell in code(notebook) if ABSOLUTE.search(cell.source)] == []


@pytest.mark.parametrize("name", NAMES)
def test_its_parameters_are_those_that_it_declares(name: str) -> None:
    """One cell is tagged so; its names and values are those of the schema, each of which has a help text."""
    notebook = read(name)
    (cell,) = tagged(notebook, "parameters")
    stated: dict[str, Any] = {}
    exec(compile(cell.source, name, "exec"), {}, stated)  # our own file
    schema = params.declared(notebook, name=name)
    assert stated == {key: one.default for key, one in schema.items()}
    assert params.checked(schema, stated, name=name) == stated
    assert [key for key, one in schema.items() if not one.help] == []


@pytest.mark.parametrize("name", NAMES)
def test_its_cells_call_and_do_not_define(name: str) -> None:
    """No definition, branch, loop or try in a cell; but for the parameters, a cell is one call."""
    notebook = read(name)
    for cell in code(notebook):
        tree = ast.parse(cell.source)
        assert not [node for node in ast.walk(tree) if isinstance(node, FORBIDDEN)], cell.source
        calls = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
        assert cell in tagged(notebook, "parameters") or len(calls) == 1, cell.source


@pytest.mark.parametrize("name", NAMES)
def test_it_asks_before_it_shows(name: str) -> None:
    """It begins with a heading, and Markdown stands before what is shown."""
    notebook = read(name)
    assert notebook.cells[0].source.startswith("# ")
    kinds = "".join(cell.cell_type[0] for cell in notebook.cells)
    assert "mc" in kinds


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_on_the_demo_within_a_minute_under_plain_papermill(name: str) -> None:
    """Every cell has run, none has failed, and the summary is there: the truth rule, not papermill's own word."""
    done, seconds = ran(name)
    assert truth.judge(done) is None
    assert 1 < seconds < 60


@pytest.mark.parametrize("name", NAMES)
def test_every_chart_and_picture_of_it_has_words(name: str) -> None:
    """Nothing is shown that has no text beside it, and nothing is told on the error stream."""
    done, _ = ran(name)
    outputs = [output for cell in code(done) for output in cell.outputs]
    shown = [output for output in outputs if output.output_type in ("display_data", "execute_result")]
    assert len(shown) > 3
    assert [output for output in shown if len(output.data.get("text/plain", "")) < 10] == []
    assert [output.text for output in outputs if output.output_type == "stream"] == []


@pytest.mark.parametrize("name", NAMES)
def test_it_makes_a_page(name: str) -> None:
    """The exporter takes what papermill ran."""
    done, _ = ran(name)
    page = html.to_html(done, name=name)
    assert "<figure" in page
    assert len(page) < 1_000_000
