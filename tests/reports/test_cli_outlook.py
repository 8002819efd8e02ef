"""`capacity outlook`: the plan as a table, as JSON, and as an exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.checkout import told
from tests.support.command import capacity, data, refused

DISK = ("outlook", "--source", "demo:", "--resources", "disk", "--horizon", "60d")


def test_the_table_and_the_finding_stand_on_stdout(tmp_path: Path) -> None:
    """A row a series, the most urgent first, and the one sentence as the last line."""
    done = capacity(tmp_path, *DISK)
    assert done.returncode == 0, told(done)
    head, first, *_, finding = done.stdout.splitlines()
    assert head.split()[:3] == ["resource", "series", "verdict"]
    assert "✖ past" in first
    assert "12 series" in finding
    assert list(tmp_path.iterdir()) == []


def test_json_holds_the_same_and_the_same_command_prints_the_same_bytes(tmp_path: Path) -> None:
    """Times are ISO text, what is unknown is null, and nothing depends on the run."""
    first, again = (capacity(tmp_path, *DISK, "--json").stdout for _ in range(2))
    assert first == again
    found = data(tmp_path, *DISK)
    assert found["as_of"] == "2026-11-01T00:00:00Z"
    assert found["catalog"]["name"] == "dwcp"
    assert len(found["rows"]) == 12
    worst = found["rows"][0]
    assert worst["verdict"] == "past"
    assert worst["owner"] == "storage"
    assert worst["lead_time"] == "14d"
    assert set(worst["labels"]) == {"region", "node"}


def test_rows_are_filtered_by_owner_and_label(tmp_path: Path) -> None:
    """--owner keeps the resources of an owner, --where the series with a label; the finding speaks of those alone."""
    found = data(tmp_path, "outlook", "--owner", "storage", "--where", "region=eu-west", "--horizon", "30d")
    assert {row["resource"] for row in found["rows"]} == {"disk"}
    assert {row["labels"]["region"] for row in found["rows"]} == {"eu-west"}
    assert f"{len(found['rows'])} series" in found["finding"]


def test_no_series_that_matches_is_said(tmp_path: Path) -> None:
    """A label that nothing has leaves no row, and no finding about others."""
    done = capacity(tmp_path, *DISK, "--where", "region=moon")
    assert (done.returncode, done.stdout) == (0, "No series matches.\n")


def test_exit_3_where_a_breach_is_too_likely(tmp_path: Path) -> None:
    """A disk that is past its limit fails the pipeline, and is named on stderr; without --fail-within it does not."""
    done = capacity(tmp_path, *DISK, "--fail-within", "30d", "--risk", "0.5")
    assert done.returncode == 3, told(done)
    assert "too likely: Disk space" in done.stderr
    found = data(tmp_path, *DISK, "--fail-within", "30d", "--risk", "0.5", code=3)
    assert all(row["chance"] > 0.5 for row in found["fail_within"]["rows"])


def test_exit_0_where_no_breach_is_too_likely(tmp_path: Path) -> None:
    """One region's disks are far below: nothing fails."""
    rows = data(tmp_path, *DISK, "--where", "region=eu-west", "--fail-within", "30d")
    assert rows["fail_within"]["rows"] == []


def test_an_accepted_risk_does_not_fail(tmp_path: Path) -> None:
    """What somebody answers for is shown and does not stop a pipeline."""
    text = (Path(__file__).parents[2] / "capacity" / "catalogs" / "dwcp.toml").read_text()
    accepted = '\n[[accepted]]\nresource = "disk"\nuntil = 2026-12-31\nby = "Ada"\nreason = "is being replaced"\n'
    (tmp_path / "mine.toml").write_text(text + accepted)
    found = data(tmp_path, *DISK, "--catalog", "mine.toml", "--fail-within", "30d")
    assert found["rows"][0]["verdict"] == "past"
    assert "Ada" in found["rows"][0]["accepted"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--resources", "dsk"), "has no resource 'dsk'. Did you mean 'disk'?"),
        (("--owner", "storge"), "none of these resources has the owner 'storge'. Did you mean 'storage'?"),
        (("--model", "fleeet"), "fleeet"),
    ],
)
def test_what_is_not_there_is_one_line(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    """A name that nothing has is told with the nearest that there is."""
    assert said in refused(tmp_path, "outlook", *arguments)


def test_failing_within_more_than_the_horizon_is_refused(tmp_path: Path) -> None:
    """What was not looked at cannot pass."""
    assert "90d is past the horizon of 60d" in refused(tmp_path, *DISK, "--fail-within", "90d")
