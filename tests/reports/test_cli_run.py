"""``capacity run`` and ``capacity schedule``, as cron and people call them."""

from __future__ import annotations

import configparser
import os
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.checkout import told
from tests.support.command import capacity, data, refused
from tests.support.unwatched import notebook

TOML = """
out = "out"
[schedules.small]
notebook = "small.ipynb"
cron = "* * * * *"
timezone = "Europe/Berlin"
[schedules.yearly]
notebook = "small.ipynb"
cron = "0 0 1 1 *"
memory = "1GiB"
timeout = "1h"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with two schedules of a small notebook."""
    (tmp_path / "capacity.toml").write_text(TOML)
    notebook(tmp_path / "small.ipynb")
    return tmp_path


def test_what_is_due_is_run_and_listed(folder: Path) -> None:
    """Each due report's finding and path; then the list has its last good instant."""
    done = capacity(folder, "run", "--due", "yearly")
    assert done.returncode == 0, told(done)
    assert done.stdout.splitlines()[-1].startswith("out/yearly/")
    assert "Disk a runs out" in done.stdout
    assert capacity(folder, "run", "--due", "yearly").stdout == ""
    listed = {each["schedule"]: each for each in data(folder, "schedule", "list")}
    assert listed["small"]["due"]
    assert not listed["yearly"]["due"]
    assert listed["yearly"]["good"].endswith("-01-01T00:00:00Z")
    assert "yearly" in capacity(folder, "schedule", "list").stdout


def test_a_failed_report_is_exit_1(folder: Path) -> None:
    """Cron mails what stands on stdout, and a timer's unit has failed."""
    notebook(folder / "small.ipynb", "1 / 0")
    done = capacity(folder, "run", "--due", "yearly")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stdout


def test_nothing_scheduled_is_told(tmp_path: Path) -> None:
    """A tick without a configuration would do nothing for ever."""
    assert "Nothing is scheduled" in refused(tmp_path, "run", "--due")
    assert capacity(tmp_path, "schedule", "list").stdout == "Nothing is scheduled.\n"


def test_the_units_are_hardened_and_point_here(folder: Path) -> None:
    """A service that may write to the output folder alone, bounded in memory, and a timer that catches up."""
    done = capacity(folder, "schedule", "install", "--into", "units")
    assert done.returncode == 0, told(done)
    service, timer = (_unit(folder / "units" / name) for name in ("capacity.service", "capacity.timer"))
    assert shlex.split(service["Service"]["ExecStart"])[1:3] == ["run", "--due"]
    assert service["Service"]["WorkingDirectory"] == str(folder)
    assert service["Service"]["ReadWritePaths"] == str(folder / "out")
    assert (folder / "out").is_dir()
    assert int(service["Service"]["MemoryMax"]) == 4 * 2**30 + 2**29
    for guard in ("NoNewPrivileges", "PrivateTmp", "ProtectKernelModules", "LockPersonality"):
        assert service["Service"][guard] == "yes"
    assert service["Service"]["ProtectSystem"] == "strict"
    assert (timer["Timer"]["Persistent"], timer["Timer"]["OnCalendar"]) == ("true", "*:0/5")


def _unit(path: Path) -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment, method-assign]
    parsed.read(path)
    return parsed


def test_the_line_for_crontab_runs(folder: Path) -> None:
    """Its command, in the shell that cron uses and with cron's environment, makes the report that is due."""
    (folder / "capacity.env").write_text("CAPACITY_NOTE='a value'\n")
    notebook(folder / "small.ipynb", "import os\nassert os.environ['CAPACITY_NOTE'] == 'a value'")
    line = capacity(folder, "schedule", "install", "--cron").stdout
    *when, command = line.split(maxsplit=5)
    assert when == ["*/5", "*", "*", "*", "*"]
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "out" / "yearly" / "latest" / "report.html").is_file()


def test_the_cronjob_is_one_that_kubernetes_takes(folder: Path) -> None:
    """Never two at once, no retry of its own, no rights, and the time of both schedules."""
    job = yaml.safe_load(capacity(folder, "schedule", "k8s", "--image", "registry/capacity:1").stdout)
    spec = job["spec"]["jobTemplate"]["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    assert (job["apiVersion"], job["kind"], job["spec"]["concurrencyPolicy"]) == ("batch/v1", "CronJob", "Forbid")
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"]) == (0, 900 + 3600)
    assert container["image"] == "registry/capacity:1"
    assert container["command"][:3] == ["capacity", "run", "--due"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    mounts = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
    assert mounts["/srv/capacity"] == "reports"
    assert mounts["/srv/capacity/capacity.toml"] == "config"
    assert set(mounts.values()) == {each["name"] for each in spec["template"]["spec"]["volumes"]}
