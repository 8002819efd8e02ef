"""`capacity pull`: a snapshot that answers again, offline."""

from __future__ import annotations

from pathlib import Path

from tests.support.checkout import told
from tests.support.command import answering, capacity, data, refused

PULL = ("pull", "--source", "demo:", "--into", "pulled", "--resources", "disk,streams", "--window", "30d")


def test_a_snapshot_answers_as_its_source_did(tmp_path: Path) -> None:
    """The plan from the snapshot is the plan from the source, figure for figure."""
    pulled = data(tmp_path, *PULL)
    assert [(row["resource"], row["series"], row["steps"]) for row in pulled["resources"]] == [
        ("disk", 12, 720),
        ("streams", 3, 720),
    ]
    plan = ("--resources", "streams", "--window", "30d", "--horizon", "7d")
    direct, again = (data(tmp_path, "outlook", "--source", source, *plan) for source in ("demo:", "snapshot:pulled"))
    assert direct["rows"] == again["rows"]


def test_the_table_ends_with_the_folder(tmp_path: Path) -> None:
    """A row a resource, and the folder as the last line."""
    done = capacity(tmp_path, *PULL)
    assert done.returncode == 0, told(done)
    assert done.stdout.splitlines()[-1] == "pulled"


def test_a_file_is_no_folder_to_pull_into(tmp_path: Path) -> None:
    """It is told before anything is pulled, and the file stays as it is."""
    (tmp_path / "taken").write_text("mine")
    assert "taken is a file; --into takes a folder." in refused(tmp_path, *PULL[:4], "taken")
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_torn_snapshot_is_one_line(tmp_path: Path) -> None:
    """A file that was cut short is told, and not answered from."""
    data(tmp_path, *PULL)
    torn = sorted((tmp_path / "pulled").rglob("*.parquet"))[0]
    torn.write_bytes(torn.read_bytes()[:-100])
    plan = ("--resources", "disk,streams", "--window", "30d", "--horizon", "7d")
    assert torn.name in refused(tmp_path, "outlook", "--source", "snapshot:pulled", *plan)


def test_a_snapshot_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """The folder is named."""
    assert "nowhere" in refused(tmp_path, "outlook", "--source", "snapshot:nowhere")


def test_a_pull_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    """A server that is gone changes nothing in a snapshot that there is."""
    data(tmp_path, *PULL)
    before = {each: each.read_bytes() for each in sorted((tmp_path / "pulled").rglob("*")) if each.is_file()}
    with answering(200) as url:
        pass
    refused(tmp_path, "pull", "--source", url, "--into", "pulled")
    after = {each: each.read_bytes() for each in sorted((tmp_path / "pulled").rglob("*")) if each.is_file()}
    assert before == after
