"""The wheel, not the tree: built, looked into, installed in a clean environment, and run there."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.support.checkout import ROOT, run, told

TOP_LEVEL = {"capacity", "connectors", "reports"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    done = run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(folder), str(ROOT)], folder=folder
    )
    assert done.returncode == 0, told(done)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """Return the names of the files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a clean environment's programs: the wheel installed, its dependencies lent from ours.

    Lent by a path that is searched last and whose own .pth files are not read, so that the checkout is not seen.
    """
    folder = tmp_path_factory.mktemp("clean") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = folder / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    done = run([*install, str(wheel)], folder=folder)
    assert done.returncode == 0, told(done)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def test_the_wheel_holds_the_packages_alone(names: set[str]) -> None:
    """Neither tests nor notebooks land top-level in site-packages."""
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.endswith((".dist-info", ".data"))} == TOP_LEVEL
    shared = {name.split(".data/data/")[1] for name in names if ".data/" in name}
    assert all(name.startswith("share/jupyter/labextensions/capacity-workbench/") for name in shared)
    assert any(name.endswith("/remoteEntry.js") for name in shared)


@pytest.mark.parametrize(
    "pattern",
    [
        "notebooks/*.ipynb",
        "capacity/catalogs/*.toml",
        "*/py.typed",
        "reports/templates/**/*.j2",
        "reports/assets/*",
        "reports/dashboards/*.toml",
    ],
)
def test_the_wheel_holds_the_data(names: set[str], pattern: str) -> None:
    """Each notebook, catalogue, template and asset of the checkout is in the wheel, the notebooks below reports."""
    wanted = {path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern) if path.is_file()}
    moved = {f"reports/{name}" if name.startswith("notebooks/") else name for name in wanted}
    assert moved, f"the checkout has no {pattern}"
    assert moved <= names


def test_the_wheel_carries_its_licences(names: set[str]) -> None:
    """The licence of the product, and those of what is built into its assets, travel with it."""
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_installed_command_runs_from_the_wheel(clean: Path, tmp_path: Path) -> None:
    """The installed command says its version, and its modules are those of the wheel, not those of the checkout."""
    version = run([str(clean / "capacity"), "--version"], folder=tmp_path)
    assert version.returncode == 0, told(version)
    assert version.stdout.split()[-1].count(".") == 2
    code = "import capacity, connectors, reports; print(capacity.__file__, connectors.__file__, reports.__file__)"
    where = run([str(clean / "python"), "-c", code], folder=tmp_path)
    assert where.stdout.count(str(clean.parent)) == 3, told(where)


def test_the_installed_command_does_the_main_job(clean: Path, tmp_path: Path) -> None:
    """The installed command runs the notebook that the wheel carries and writes the report."""
    out = tmp_path / "report.html"
    environment = {"PATH": os.pathsep.join([str(clean), os.environ["PATH"]]), "PYTHONPATH": ""}
    command = [str(clean / "capacity"), "report", "capacity_overview", "--source", "demo:", "-p", "resources=disk"]
    done = run([*command, "-o", str(out)], folder=tmp_path, environment=environment)
    assert done.returncode == 0, told(done)
    assert out.read_text().startswith("<!DOCTYPE html>")
