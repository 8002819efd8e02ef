"""`capacity outlook`: the plan as a table, as JSON, and as an exit code."""

from __future__ import annotations

import json
import time
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.support.checkout import told
from tests.support.command import capacity, data, errors, refused
from tests.support.servers import VictoriaMetrics

DISK = ("outlook", "--source", "demo:", "--resources", "disk", "--horizon", "60d")
FAIL = ("--fail-within", "30d", "--risk", "0.5")


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> CompletedProcess[str]:
    """Return the outlook on the demo's disks, one of which is past its limit, as JSON, with exit 3 asked for."""
    return capacity(tmp_path_factory.mktemp("outlook"), *DISK, *FAIL, "--json")


@pytest.fixture(scope="module")
def found(failed: CompletedProcess[str]) -> dict[str, Any]:
    """Return what it printed."""
    return dict(json.loads(failed.stdout))


def test_the_table_and_the_finding_stand_on_stdout(found: dict[str, Any], tmp_path: Path) -> None:
    """A row a series, the most urgent first, and as the last line the one sentence that JSON has too."""
    done = capacity(tmp_path, *DISK)
    assert done.returncode == 0, told(done)
    head, first, *_, finding = done.stdout.splitlines()
    assert head.split()[:3] == ["resource", "series", "verdict"]
    assert "✖ past" in first
    assert finding == found["finding"]
    assert "of 12" in finding
    assert list(tmp_path.iterdir()) == []


def test_json_holds_the_plan(found: dict[str, Any]) -> None:
    """Times are ISO text, durations as Prometheus writes them, a row a series."""
    assert found["as_of"] == "2026-11-01T00:00:00Z"
    assert found["horizon"] == "60d"
    assert found["catalog"]["name"] == "dwcp"
    assert len(found["rows"]) == 12
    worst = found["rows"][0]
    assert (worst["verdict"], worst["owner"], worst["lead_time"]) == ("past", "storage", "14d")
    assert set(worst["labels"]) == {"region", "node"}


def test_the_same_command_prints_the_same_bytes(failed: CompletedProcess[str], tmp_path: Path) -> None:
    """Nothing that is printed depends on the run."""
    assert capacity(tmp_path, *DISK, *FAIL, "--json").stdout == failed.stdout


def test_exit_3_where_a_breach_is_too_likely(failed: CompletedProcess[str], found: dict[str, Any]) -> None:
    """A disk that is past its limit fails the pipeline, and is named on stderr."""
    assert failed.returncode == 3, told(failed)
    assert "too likely: Disk space" in failed.stderr
    rows = found["fail_within"]["rows"]
    assert rows[0]["verdict"] == "past"
    assert all(row["chance"] > 0.5 for row in rows)


def test_exit_0_where_no_breach_is_too_likely(tmp_path: Path) -> None:
    """One region's disks are far below; what other regions do does not fail it. The finding speaks of those alone."""
    shown = data(tmp_path, *DISK, "--where", "region=eu-west", *FAIL)
    assert shown["fail_within"]["rows"] == []
    assert {row["labels"]["region"] for row in shown["rows"]} == {"eu-west"}
    assert f"{len(shown['rows'])} series" in shown["finding"]


def test_rows_are_filtered_by_owner(tmp_path: Path) -> None:
    """--owner keeps the resources of an owner."""
    shown = data(tmp_path, "outlook", "--owner", "consensus", "--horizon", "30d")
    assert {row["resource"] for row in shown["rows"]} == {"consensus_latency"}


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("regoin=eu-west", "no series has a label 'regoin'. Did you mean 'region'?"),
        ("region=eu-wset", "no series has region='eu-wset'. Did you mean 'eu-west'?"),
        ("region=moon", "no series has region='moon'. There are: ap-south, eu-west, us-east."),
    ],
)
def test_a_label_that_no_series_has_fails(where: str, said: str, tmp_path: Path) -> None:
    """A typing error in a pipeline's filter must not pass for a platform where nothing runs out."""
    asked = (*DISK, "--resources", "streams", "--where", where, "--fail-within", "30d")
    assert said in refused(tmp_path, *asked)


def test_an_accepted_risk_does_not_fail(tmp_path: Path) -> None:
    """What somebody answers for is shown and does not stop a pipeline."""
    text = (Path(__file__).parents[2] / "capacity" / "catalogs" / "dwcp.toml").read_text()
    accepted = '\n[[accepted]]\nresource = "disk"\nuntil = 2026-12-31\nby = "Ada"\nreason = "is being replaced"\n'
    (tmp_path / "mine.toml").write_text(text + accepted)
    shown = data(tmp_path, *DISK, "--catalog", "mine.toml", *FAIL)
    assert shown["rows"][0]["verdict"] == "past"
    assert "Ada" in shown["rows"][0]["accepted"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--resources", "dsk"), "has no resource 'dsk'. Did you mean 'disk'?"),
        (("--owner", "storge"), "none of these resources has the owner 'storge'. Did you mean 'storage'?"),
        (("--model", "fleeet"), "fleeet"),
        (("--horizon", "60d", "--fail-within", "90d"), "90d is past the horizon of 60d"),
    ],
)
def test_what_cannot_be_asked_for_is_one_line(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    """A name that nothing has is told with the nearest that there is; what was not looked at cannot pass."""
    assert said in refused(tmp_path, "outlook", *arguments)


@pytest.mark.parametrize(
    ("query", "said"),
    [("sum((", "rejects"), ("outlook_nothing", "no series"), ("outlook_five * NaN", "no series")],
)
def test_a_query_without_an_answer_is_one_line(
    query: str, said: str, victoriametrics: VictoriaMetrics, tmp_path: Path
) -> None:
    """One that does not parse, one that matches nothing, one whose samples are all NaN."""
    five_points(victoriametrics)
    (tmp_path / "mine.toml").write_text(catalog(query))
    assert said in refused(tmp_path, "outlook", "--source", victoriametrics.url, "--catalog", "mine.toml")


def test_a_series_of_five_points_is_no_answer(victoriametrics: VictoriaMetrics, tmp_path: Path) -> None:
    """The table says why it cannot be judged; an answer about nothing does not exit as if all were fine."""
    five_points(victoriametrics)
    (tmp_path / "mine.toml").write_text(catalog("outlook_five"))
    done = capacity(tmp_path, "outlook", "--source", victoriametrics.url, "--catalog", "mine.toml")
    assert done.returncode == 1, told(done)
    assert "? cannot judge" in done.stdout
    (line,) = errors(done)
    assert line.startswith("capacity outlook: None of 1 series can be judged")


def five_points(server: VictoriaMetrics) -> None:
    hour = 3_600_000
    now = int(time.time() * 1000) // hour * hour
    server.import_text("".join(f"outlook_five {each} {now - each * hour - 60_000}\n" for each in range(5)))


def catalog(query: str) -> str:
    return (
        f'name = "mine"\n[resources.x]\nquery = "{query}"\nunit = "bytes"\nlimit = 9\nlead_time = "1d"\nowner = "me"\n'
    )
