"""The layers are contracts: the tree keeps them, and a module that breaks one, or has no place, is told."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import grimp
import pytest

from tests.support.checkout import ROOT, run

PACKAGES = ("capacity", "connectors", "reports")
CONTRACT = {"errors", "units", "frames", "provenance", "catalog", "catalog_load", "measured", "simulate"}
"""What connectors may see of capacity: what describes samples and platforms, and the questions that these ask."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with a copy of the three packages and of the contracts."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path) -> tuple[int, str]:
    """Return import-linter's exit code and words about the packages in ``folder``."""
    done = run(["lint-imports", "--no-logo", "--no-cache"], folder=folder, environment={"PYTHONPATH": str(folder)})
    return done.returncode, done.stdout + done.stderr


def test_the_tree_keeps_its_contracts() -> None:
    """No module of the three packages imports what its layer may not."""
    code, said = lint(ROOT)
    assert code == 0, said


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("capacity/errors.py", "import connectors"),
        ("capacity/units.py", "import urllib3"),
        ("capacity/units.py", "import altair"),
        ("capacity/frames.py", "from reports import theme"),
        ("connectors/base.py", "import reports"),
        ("connectors/base.py", "from capacity import forecast"),
    ],
)
def test_an_import_against_the_layers_is_told(copy: Path, module: str, source: str) -> None:
    """One import in the wrong direction breaks a contract."""
    path = copy / module
    path.write_text(path.read_text() + f"\n{source}\n")
    code, said = lint(copy)
    assert code == 1, said
    assert "BROKEN" in said


@pytest.mark.parametrize("package", PACKAGES)
def test_a_module_without_a_place_is_told(copy: Path, package: str) -> None:
    """The contract inside each package is exhaustive: a new module must be given its layer."""
    (copy / package / "unplaced.py").write_text('"""A module that no contract names."""\n')
    code, said = lint(copy)
    assert code == 1, said
    assert "unplaced" in said


def test_connectors_see_the_contract_alone() -> None:
    """Of the core, connectors import what describes samples and platforms, and nothing that forecasts."""
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True)
    ours = graph.find_descendants("connectors") | {"connectors"}
    imported = {name for module in ours for name in graph.find_modules_directly_imported_by(module)}
    seen = {name.split(".")[1] for name in imported if name.startswith("capacity.")}
    assert seen <= CONTRACT


def test_the_core_opens_no_network_and_no_process() -> None:
    """No module of the core imports what reaches outside: sockets, the environment, other processes."""
    graph = grimp.build_graph(*PACKAGES, include_external_packages=True, exclude_type_checking_imports=True)
    ours = graph.find_descendants("capacity") | {"capacity"}
    imported = {name.split(".")[0] for module in ours for name in graph.find_modules_directly_imported_by(module)}
    assert imported & {"os", "socket", "ssl", "http", "urllib", "urllib3", "subprocess", "time"} == set()


def test_the_core_asks_no_clock() -> None:
    """No line of the core asks what time it is: it is told, as of when."""
    asked = re.compile(r"\.(now|today|utcnow)\(|\bnow\(\)")
    assert [path.name for path in sorted((ROOT / "capacity").rglob("*.py")) if asked.search(path.read_text())] == []
