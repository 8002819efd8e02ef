"""`capacity doctor`: what is there, what is not, and whether a report can be made."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from capacity.catalog_load import built_in, load_catalog, parse_catalog
from reports.counters import counter_in, counters
from reports.doctor import Asked, check_queries
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
    """One query has a series, one has none, one does not parse: each is told as what it is, and the last fails."""
    victoriametrics.import_text(f'doctor_used_bytes{{node="a"}} 5 {int(time.time() * 1000) - 3_700_000}\n')
    queries = {"good": "doctor_used_bytes", "absent": "doctor_absent_bytes", "broken": "sum(("}
    tables = [RESOURCE.format(name=name, query=query) for name, query in queries.items()]
    (tmp_path / "mine.toml").write_text("\n".join(['name = "mine"', *tables]))
    found = data(tmp_path, "doctor", "--source", victoriametrics.url, "--catalog", "mine.toml", code=1)
    series = {query["resource"]: query["series"] for query in found["queries"]}
    reasons = {query["resource"]: query["reason"] for query in found["queries"]}
    assert series == {"good": 1, "absent": 0, "broken": 0}
    assert "no series" in reasons["absent"]
    assert "422" in reasons["broken"]
    assert "VictoriaMetrics" in by_name(found)["Source"]["detail"]
    assert by_name(found)["Queries"]["detail"] == "1 of 3 return data, 1 cannot be asked"


def asked(resource: str, asks: str, series: int, *, refused: bool = False) -> Asked:
    return Asked(resource, "me", asks, "q", series, "" if series else "why", refused)


@pytest.mark.parametrize(
    ("found", "ok"),
    [
        ([asked("a", "demand", 2), asked("a", "limit", 1)], True),
        ([asked("a", "demand", 2), asked("b", "demand", 0)], None),
        ([asked("a", "demand", 2), asked("b", "demand", 0, refused=True)], False),
        ([asked("a", "demand", 0), asked("a", "limit", 1)], False),
        ([], False),
    ],
)
def test_what_a_plan_cannot_do_without_fails(found: list[Asked], ok: bool | None) -> None:
    """A resource without data is a warning; a query that is refused, and no demand at all, stop a plan."""
    assert check_queries(found).ok is ok


COUNTED = """name = "c"
[metrics]
jobs_done = { type = "counter", unit = "count", help = "x", group = "g" }
slots_total = { type = "gauge", unit = "count", help = "x", group = "g" }
took_seconds = { type = "histogram", unit = "seconds", help = "x", group = "g" }
"""


@pytest.mark.parametrize(
    ("query", "counter"),
    [
        ("http_requests_total", "http_requests_total"),
        ('sum by (job_total) (http_requests_total{path="/a"}) / 2', "http_requests_total"),
        ("jobs_done", "jobs_done"),
        ("took_seconds_bucket", "took_seconds_bucket"),
        ("sum(rate(http_requests_total[5m]))", None),
        ("increase(jobs_done[1h])", None),
        ("max_over_time(rate(http_requests_total[5m])[1h:])", None),
        ("rate(a_total[5m]) + b_total", "b_total"),
        ("slots_total", None),
        ('x{name="y_total"} * on (z_total) group_left (w_total) v', None),
        ("histogram_quantile(0.95, sum by (le) (rate(took_seconds_bucket[5m])))", None),
    ],
)
def test_a_counter_that_is_taken_raw_is_found(query: str, counter: str | None) -> None:
    """By its name, or by what the catalogue says of it; inside a rate, or as a label, it is none."""
    assert counter_in(query, parse_catalog(COUNTED)) == counter


def test_the_built_in_catalogues_plan_on_no_raw_counter() -> None:
    """Each takes rates of what counts."""
    assert [counters(load_catalog(name)) for name in built_in()] == [{}] * len(built_in())


@pytest.mark.parametrize("verb", [("outlook", "--horizon", "7d"), ("doctor",)])
def test_a_plan_on_a_raw_counter_is_warned_of(
    verb: tuple[str, ...], victoriametrics: VictoriaMetrics, tmp_path: Path
) -> None:
    """Requests counted since the start only ever rise: a rate is what somebody meant."""
    then = int(time.time() * 1000) - 3_700_000
    victoriametrics.import_text(f"doctor_requests_total 5 {then}\n")
    (tmp_path / "mine.toml").write_text('name = "mine"\n' + RESOURCE.format(name="r", query="doctor_requests_total"))
    done = capacity(tmp_path, *verb, "--source", victoriametrics.url, "--catalog", "mine.toml")
    said = "doctor_requests_total looks like a counter: rate(doctor_requests_total[5m])?"
    assert said in done.stdout + done.stderr


def test_a_catalogue_that_asks_for_nothing_there_is_fails(victoriametrics: VictoriaMetrics, tmp_path: Path) -> None:
    """Not one query returns data: no report can be made."""
    (tmp_path / "mine.toml").write_text('name = "mine"\n' + RESOURCE.format(name="a", query="doctor_absent_bytes"))
    found = data(tmp_path, "doctor", "--source", victoriametrics.url, "--catalog", "mine.toml", code=1)
    assert by_name(found)["Queries"]["detail"] == "0 of 1 return data: there is no demand to plan for"
