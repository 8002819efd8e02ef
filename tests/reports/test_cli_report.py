"""`capacity report` and `capacity demo`: one HTML file, its finding and its path; failures leave the last good one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.checkout import told
from tests.support.command import answering, capacity, data, refused
from tests.support.servers import VictoriaMetrics

STREAMS = ("report", "capacity_overview", "--resources", "streams", "--window", "60d", "--horizon", "14d")


def test_the_last_line_is_the_reports_path(tmp_path: Path) -> None:
    """Before it stands the finding; the file is one page without anything to load."""
    done = capacity(tmp_path, *STREAMS, "-o", "deep/out.html")
    assert done.returncode == 0, told(done)
    finding, path = done.stdout.splitlines()
    assert "series" in finding
    assert path == "deep/out.html"
    assert finding in (tmp_path / path).read_text()


def test_json_holds_the_summary_and_a_snapshot_draws_the_report_again(tmp_path: Path) -> None:
    """From a snapshot and a catalogue of one's own by relative paths, into the configuration's output folder."""
    text = (Path(__file__).parents[2] / "capacity" / "catalogs" / "dwcp.toml").read_text()
    (tmp_path / "mine.toml").write_text(text.replace('name = "dwcp"', 'name = "mine"', 1))
    (tmp_path / "capacity.toml").write_text('source = "snapshot:pulled"\ncatalog = "mine.toml"\nout = "reports"\n')
    data(tmp_path, "pull", "--source", "demo:", "--into", "pulled", "--resources", "streams", "--window", "60d")
    found = data(tmp_path, *STREAMS, "-p", "title=Streams")
    assert found["path"] == "reports/capacity_overview.html"
    assert found["catalog"]["name"] == "mine"
    assert found["as_of"] == "2026-11-01T00:00:00Z"
    assert len(found["rows"]) == 3
    assert "Streams" in (tmp_path / found["path"]).read_text()


def test_a_report_is_narrowed_to_an_owner_and_to_labels_by_a_model(tmp_path: Path) -> None:
    """--owner, --where and --model are the notebook's parameters, and stand in the command that repeats the report."""
    asked = ("--owner", "network", "--where", "region=eu-west", "--model", "naive", "--horizon", "14d")
    found = data(
        tmp_path, "report", "capacity_overview", *asked, "--resources", "streams,bandwidth", "--horizon", "14d"
    )
    assert {row["owner"] for row in found["rows"]} == {"network"}
    assert {row["series"].split("/")[0] for row in found["rows"]} == {"eu-west"}
    assert "--model naive --owner network --where region=eu-west" in (tmp_path / found["path"]).read_text()


def test_a_filter_that_nothing_matches_fails_the_report(tmp_path: Path) -> None:
    """As in the table: the label is named with the one that was probably meant."""
    asked = ("--resources", "streams", "--window", "30d", "--horizon", "7d", "--where", "regoin=eu-west")
    assert "no series has a label 'regoin'. Did you mean 'region'?" in refused(
        tmp_path, "report", "capacity_overview", *asked
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("capacity_overview", "-p", "hrizon=3d"), "declares no parameter 'hrizon'. Did you mean 'horizon'?"),
        (("capacity_overview", "-p", "seed=x"), "The parameter 'seed' takes a whole number, not 'x'."),
        (("capacity_overview", "--horizon", "3d", "-p", "horizon=4d"), "'horizon' is said twice"),
        (("capacity_overvew",), "Did you mean 'capacity_overview'?"),
        (("capacity_overview", "--source", "demo:", "--source", "demo:?seed=1"), "a report takes one source"),
        (("capacity_overview", "--catalog", "dwpc"), "Did you mean 'dwcp'?"),
        (("capacity_overview", "--model", "auto", "-p", "model=fleet"), "'model' is said twice"),
    ],
)
def test_what_cannot_be_asked_for_is_one_line(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    """Told before anything is run, and nothing is written."""
    assert said in refused(tmp_path, "report", *arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_run_leaves_the_last_good_report(tmp_path: Path) -> None:
    """A server that lets nobody in: one line with its reason, the old report untouched, the secret nowhere."""
    (tmp_path / "out.html").write_text("the last good one")
    with answering(401) as url:
        source = url.replace("//", "//me:s3cret@")
        said = refused(tmp_path, "report", "capacity_overview", "--source", source, "-o", "out.html")
    assert "401" in said
    assert (tmp_path / "out.html").read_text() == "the last good one"
    assert not any("s3cret" in each.read_text() for each in tmp_path.iterdir())
    assert "s3cret" not in said


def test_a_report_about_nothing_leaves_the_last_good_one(tmp_path: Path) -> None:
    """Two days of history judge no series: the reason is told, the run is kept, and the old report stands."""
    (tmp_path / "out.html").write_text("the last good one")
    asked = ("report", "capacity_overview", "--source", "demo:", "--resources", "streams", "--window", "2d")
    said = refused(tmp_path, *asked, "-o", "out.html")
    assert "None of 3 series can be judged" in said
    assert (tmp_path / "out.html").read_text() == "the last good one"
    assert (tmp_path / "out.failed.ipynb").exists()


def test_the_demo_of_another_seed_can_be_written_to_a_server(
    fresh_victoriametrics: VictoriaMetrics, tmp_path: Path
) -> None:
    """Raw telemetry of a node over an hour, shifted to end now: the catalogue's queries find it there."""
    ask = ("demo", "--write", fresh_victoriametrics.url, "--ends", "now", "--window", "3h")
    written = data(tmp_path, *ask, "--regions", "eu-west", "--nodes", "node-1", "--seed", "1")
    assert written["samples"] > 180
    fresh_victoriametrics.flush()
    found = data(tmp_path, "doctor", "--source", fresh_victoriametrics.url)
    assert {query["series"] for query in found["queries"]} == {1}


def test_the_demo_makes_the_overview(tmp_path: Path) -> None:
    """The whole job without a server: the finding, and as the last line the report's path below out/."""
    done = capacity(tmp_path, "demo")
    assert done.returncode == 0, told(done)
    finding, path = done.stdout.splitlines()
    assert "series" in finding
    assert path == "out/demo/capacity_overview.html"
    assert (tmp_path / path).stat().st_size > 100_000


def test_help_lists_the_notebooks_and_their_parameters(tmp_path: Path) -> None:
    """What ``-p`` takes is told where one looks for it, each with its type and default."""
    shown = capacity(tmp_path, "report", "--help").stdout
    assert "capacity_overview: What runs out, when, and how sure that is." in shown
    assert "-p horizon (duration, default 90d): How far ahead to look." in shown
