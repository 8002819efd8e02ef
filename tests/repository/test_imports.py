"""What is loaded when: nothing heavy before it is used, and no Jupyter server in the process that makes a report."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.checkout import run, told

HEAVY = {
    "pandas",
    "scipy",
    "prophet",
    "statsmodels",
    "altair",
    "papermill",
    "nbconvert",
    "urllib3",
    "IPython",
    "pyarrow",
}


def loaded(code: str, folder: Path) -> set[str]:
    """Return the top-level modules that a fresh Python has loaded after ``code``."""
    done = run(
        [sys.executable, "-c", f"{code}\nimport sys; print('LOADED', *(n for n, m in sys.modules.items() if m))"],
        folder=folder,
    )
    assert done.returncode == 0, told(done)
    names = done.stdout.rsplit("LOADED", 1)[1].split()
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("package", ["capacity", "connectors"])
def test_importing_a_package_costs_nothing(package: str, tmp_path: Path) -> None:
    """Neither the core nor the connectors load a model's library, a chart's or a transport before they are asked."""
    unused = HEAVY - {"pandas", "scipy", "pyarrow"} if package == "connectors" else HEAVY
    assert loaded(f"import {package}", tmp_path) & unused == set()


def test_forecasting_loads_only_the_model_that_is_used(tmp_path: Path) -> None:
    """The core without prophet and statsmodels: they load when a model of theirs is asked for."""
    code = "import capacity; capacity.forecast; capacity.outlook; capacity.plan; capacity.load_catalog('dwcp')"
    assert loaded(code, tmp_path) & {"prophet", "statsmodels", "altair", "urllib3", "papermill"} == set()


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    """The command's help is there at once."""
    code = "import sys; from reports.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    assert loaded(code, tmp_path) & HEAVY == set()


def test_making_a_report_needs_no_jupyter_server(tmp_path: Path) -> None:
    """The modules that run a notebook and write its page do without a server, and without what makes one slow."""
    found = loaded("from reports import charts, render", tmp_path)
    assert found & {"jupyter_server", "jupyterlab", "notebook", "jupyter_events", "rfc3987_syntax"} == set()
