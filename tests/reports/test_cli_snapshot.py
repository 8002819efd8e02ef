"""``capacity snapshot tidy``: a thin skin over `connectors.tiers`."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.command import capacity


def test_tidy_says_what_it_did(tmp_path: Path) -> None:
    """A pull of hours is coarser than every tier: nothing changes, as a sentence and as JSON; exit 0."""
    capacity(tmp_path, "pull", "--source", "demo:", "--resources", "cpu", "--window", "3d", "--into", "pulled")
    done = capacity(tmp_path, "snapshot", "tidy", "pulled")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("pulled: 0 rolled up, 0 joined, 0 dropped, as of 2026-11-01 00:00;")
    told = json.loads(capacity(tmp_path, "snapshot", "tidy", "pulled", "--json", "--as-of", "2028-01-01").stdout)
    assert (told["folder"], told["dropped"], told["bytes_after"]) == ("pulled", 1, 0)


def test_a_mistake_is_one_line(tmp_path: Path) -> None:
    """No snapshot there: exit 1. Another action: usage, exit 2."""
    done = capacity(tmp_path, "snapshot", "tidy", "nowhere")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert capacity(tmp_path, "snapshot", "polish", "nowhere").returncode == 2


def test_a_pull_can_be_bounded_and_refreshed(tmp_path: Path) -> None:
    """--refresh pulls what is kept anew; a deadline that cannot be read is wrong usage; one that is ample is kept."""
    pull = ("pull", "--source", "demo:", "--resources", "cpu", "--window", "3d", "--into", "pulled")
    for more in ((), ("--refresh",), ("--deadline", "5m")):
        assert capacity(tmp_path, *pull, *more).returncode == 0
    assert capacity(tmp_path, *pull, "--deadline", "soon").returncode == 2
