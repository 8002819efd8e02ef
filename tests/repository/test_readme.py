"""The README is true: what it shows runs, and what there is stands in it."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.support.checkout import ROOT, files, run, told
from tests.support.servers import VictoriaMetrics

README = (ROOT / "README.md").read_text()
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = FENCE.findall(README)
CONSOLE = [body for kind, body in BLOCKS if kind == "console"]
PYTHON = [body for kind, body in BLOCKS if kind == "python"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a working folder of a user's: empty but for the notebooks."""
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    return tmp_path


@pytest.mark.timeout(600)
@pytest.mark.parametrize("block", CONSOLE, ids=lambda block: block.split("\n")[0].removeprefix("$ ")[:40])
def test_each_command_of_a_console_block_runs(folder: Path, block: str) -> None:
    """The commands of one block, run in order in one folder, each end with exit code 0."""
    commands = [line.removeprefix("$ ") for line in block.replace("\\\n", " ").splitlines() if line.startswith("$ ")]
    assert commands
    for command in commands:
        done = run(command, folder=folder)
        assert done.returncode == 0, told(done)


@pytest.mark.timeout(600)
def test_the_python_blocks_run(folder: Path) -> None:
    """The Python blocks, one after another in one session, run without an error and without a warning."""
    done = run([sys.executable, "-W", "error::UserWarning:__main__", "-c", "\n".join(PYTHON)], folder=folder)
    assert done.returncode == 0, told(done)


def test_the_block_for_a_server_runs(fresh_victoriametrics: VictoriaMetrics, folder: Path) -> None:
    """What is shown of a source runs against a real server that holds what it asks for."""
    written = f"""
import numpy as np, pandas as pd
import capacity
from capacity.frames import wide
from connectors import connect
times = pd.date_range("2026-10-20T00:00Z", pd.Timestamp.now("UTC").floor("h"), freq="1h")
values = 50 + 5 * np.sin(np.arange(len(times)) / 4)[:, None]
named = {{"node": "node-1", "region": "eu-west"}}
history = wide(values, times=times, series=[named], metric="dwcp_cpu_usage_percent")
forecast = capacity.forecast(history, horizon="2d")
with connect("{fresh_victoriametrics.url}") as source:
    for name in ("dwcp_cpu_usage_percent", "dwcp_disk_used_bytes", "dwcp_amst_active_streams"):
        source.write(wide(values, times=times, series=[named], metric=name), verify=True)
"""
    shown = "\n".join(body for kind, body in BLOCKS if kind == "py").replace(
        "http://vm:8428", fresh_victoriametrics.url
    )
    assert fresh_victoriametrics.url in shown
    done = run([sys.executable, "-c", written + shown], folder=folder)
    assert done.returncode == 0, told(done)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)", README, re.MULTILINE))))
def test_each_make_target_exists(target: str) -> None:
    """Each `make NAME` that the README speaks of is a task of the Makefile, and a benchmark's file is there."""
    assert run(["make", "-n", target], folder=ROOT).returncode == 0
    if target.startswith("bench-"):
        assert (ROOT / "tests" / "benchmarks" / f"bench_{target.removeprefix('bench-')}.py").is_file()


def test_every_connector_is_named() -> None:
    """Each scheme that `connect` knows stands in the README."""
    from connectors import SCHEMES

    assert [scheme for scheme in SCHEMES if f"`{scheme}`" not in README] == []


def test_every_model_is_named() -> None:
    """Each model that `forecast` knows stands in the README."""
    from capacity.models import MODELS

    assert [name for name in MODELS if f"`{name}`" not in README] == []


def test_every_command_is_named() -> None:
    """Each verb that the command's help lists stands in the README."""
    help_text = run(["capacity", "--help"], folder=ROOT).stdout
    verbs = re.findall(r"^    ?([a-z][a-z-]+)(?: |$)", help_text, re.MULTILINE)
    assert len(verbs) >= 7, help_text
    assert [verb for verb in verbs if not re.search(rf"`(capacity )?{verb}`", README)] == []


def test_every_notebook_and_benchmark_is_named() -> None:
    """Each notebook and each benchmark stands in the README."""
    notebooks = [path.stem for path in files("notebooks/*.ipynb")]
    benchmarks = [f"make {path.stem.replace('_', '-')}" for path in files("tests/benchmarks/bench_*.py")]
    assert [name for name in (*notebooks, *benchmarks) if f"`{name}`" not in README] == []
