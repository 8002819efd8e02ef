"""What the repository's text must not hold: outputs of notebooks, addresses of registries, paths of one machine."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkout import ROOT, files

REGISTRIES = (
    "pypi" + ".org",
    "files.python" + "hosted.org",
    "registry.npm" + "js.org",
    "deb.debian" + ".org",
    "proxy.golang" + ".org",
)
MACHINE_PATHS = re.compile(r"(?<![\w.~])/(?:home|root|work|Users|mnt)/\w")
LOGIC = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.While, ast.Try, ast.Lambda)

NOTEBOOKS = files("notebooks/*.ipynb")


def cells_of(path: Path) -> list[dict[str, Any]]:
    """Return the notebook's cells, each with its source as one text."""
    cells: list[dict[str, Any]] = json.loads(path.read_text())["cells"]
    return [cell | {"source": "".join(cell["source"])} for cell in cells]


def text_of(path: Path) -> str:
    """Return the file's text; a binary file has none."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the machine's business: no file holds the address of a registry."""
    found = [
        (path.relative_to(ROOT).as_posix(), host) for path in files() for host in REGISTRIES if host in text_of(path)
    ]
    assert found == []


def test_no_file_holds_a_path_of_one_machine() -> None:
    """A path that exists on one machine alone is in no file."""
    found = [
        (path.relative_to(ROOT).as_posix(), match.group())
        for path in files()
        for match in MACHINE_PATHS.finditer(text_of(path))
    ]
    assert found == []


def test_pins_are_plain() -> None:
    """Each line of the constraints is name==version: no addresses, no files, no options."""
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!]+", line)] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_outputs(path: Path) -> None:
    """No code cell holds an output or the number of a run, and one cell alone is tagged parameters."""
    cells = cells_of(path)
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["source"] for cell in code if cell["outputs"] or cell["execution_count"] is not None] == []
    assert sum("parameters" in cell["metadata"].get("tags", []) for cell in cells) == 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_calls_and_defines_nothing(path: Path) -> None:
    """No cell holds a function, a class, a loop or a try: that belongs in a package, with a test."""
    trees = [ast.parse(cell["source"]) for cell in cells_of(path) if cell["cell_type"] == "code"]
    assert [ast.unparse(node) for tree in trees for node in ast.walk(tree) if isinstance(node, LOGIC)] == []


def test_there_are_notebooks() -> None:
    """The checks of notebooks above have something to look at."""
    assert [path.stem for path in NOTEBOOKS if path.stem == "capacity_overview"]
