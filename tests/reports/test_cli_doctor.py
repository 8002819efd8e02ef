"""`capacity doctor`: what is there, what is not, and whether a report can be made."""

from __future__ import annotations

from pathlib import Path

from tests.support.checkout import told
from tests.support.command import answering, capacity, data
from tests.support.servers import VictoriaMetrics

RESOURCE = '[resources.{name}]\nquery = {query!r}\nunit = "bytes"\nlimit = 1\nlead_time = "1d"\nowner = "me"\n'


def by_name(found: dict) -> dict:
    return {check["name"]: check for check in found["checks"]}


def test_the_demo_has_everything(tmp_path: Path) -> None:
    """All nine queries of the built-in catalogue (six of demand, three of limits) return data."""
    found = data(tmp_path, "doctor")
    assert found["fine"]
    assert all(query["series"] for query in found["queries"])
    assert len(found["queries"]) == 9
    assert {"Python", "Packages", "Source", "Retention", "Queries", "Output folder"} <= by_name(found).keys()
    assert list(tmp_path.iterdir()) == []


def test_the_queries_of_one_owner(tmp_path: Path) -> None:
    """--owner asks for his resources alone."""
    found = data(tmp_path, "doctor", "--owner", "storage")
    assert [query["resource"] for query in found["queries"]] == ["disk", "disk"]


def test_an_owner_that_nobody_is_fails(tmp_path: Path) -> None:
    """A typing error is told with the owner who was probably meant."""
    done = capacity(tmp_path, "doctor", "--owner", "storge")
    assert done.returncode == 1, told(done)
    assert "none of these resources has the owner 'storge'. Did you mean 'storage'?" in done.stdout


def test_a_server_that_cannot_be_reached_fails(tmp_path: Path) -> None:
    """Nothing listens: exit 1, all other checks are still told, and no query is asked."""
    with answering(200) as url:
        pass
    found = data(tmp_path, "doctor", "--source", url, code=1)
    assert not found["fine"]
    assert by_name(found)["Source"]["ok"] is False
    assert by_name(found)["Python"]["ok"] is True
    assert found["queries"] == []


def test_a_catalogue_that_cannot_be_read_fails(tmp_path: Path) -> None:
    """Its problem is told among the checks."""
    (tmp_path / "mine.toml").write_text("name = 3\n")
    done = capacity(tmp_path, "doctor", "--catalog", "mine.toml")
    assert done.returncode == 1, told(done)
    assert "✖ CatalogError: mine.toml, line 1, name: expected text, got a number (3)." in done.stdout


def test_an_output_folder_that_is_a_file_fails(tmp_path: Path) -> None:
    """Where nothing can be written, no report can be made."""
    (tmp_path / "taken").write_text("")
    (tmp_path / "capacity.toml").write_text('out = "taken/reports"\n')
    found = data(tmp_path, "doctor", code=1)
    assert by_name(found)["Output folder"]["ok"] is False


def test_a_real_server_is_told_apart_query_by_query(victoriametrics: VictoriaMetrics, tmp_path: Path) -> None:
    """One query has a series, one has none, one does not parse: each is told as what it is; some data is enough."""
    import time

    victoriametrics.import_text(f'doctor_used_bytes{{node="a"}} 5 {int(time.time() * 1000) - 3_700_000}\n')
    queries = {"good": "doctor_used_bytes", "absent": "doctor_absent_bytes", "broken": "sum(("}
    tables = [RESOURCE.format(name=name, query=query) for name, query in queries.items()]
    (tmp_path / "mine.toml").write_text("\n".join(['name = "mine"', *tables]))
    found = data(tmp_path, "doctor", "--source", victoriametrics.url, "--catalog", "mine.toml")
    series = {query["resource"]: query["series"] for query in found["queries"]}
    reasons = {query["resource"]: query["reason"] for query in found["queries"]}
    assert series == {"good": 1, "absent": 0, "broken": 0}
    assert "no series" in reasons["absent"]
    assert "422" in reasons["broken"]
    assert "VictoriaMetrics" in by_name(found)["Source"]["detail"]


def test_a_catalogue_that_asks_for_nothing_there_is_fails(victoriametrics: VictoriaMetrics, tmp_path: Path) -> None:
    """Not one query returns data: no report can be made."""
    (tmp_path / "mine.toml").write_text('name = "mine"\n' + RESOURCE.format(name="a", query="doctor_absent_bytes"))
    found = data(tmp_path, "doctor", "--source", victoriametrics.url, "--catalog", "mine.toml", code=1)
    assert by_name(found)["Queries"]["detail"] == "0 of 1 return data"
