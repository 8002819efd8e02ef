"""A catalogue with something wrong in it is refused, and the message says what, where, and what was probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from capacity.catalog_load import load_catalog, parse_catalog
from capacity.errors import CatalogError
from capacity.tomldoc import key_lines

RESOURCE = """name = "mine"
[resources.heap]
query = "heap_bytes"
unit = "bytes"
limit = 5
lead_time = "7d"
owner = "me"
"""


def refused(text: str) -> str:
    with pytest.raises(CatalogError) as caught:
        parse_catalog(text, name="mine.toml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("limit = 5", "lmit = 5", "line 5, resources.heap.lmit: unknown key. Did you mean 'limit'?"),
        ("limit = 5", 'limit = "5"', "line 5, resources.heap.limit: expected a number, got text ('5')."),
        ("limit = 5", "limit = true", "line 5, resources.heap.limit: expected a number, got true or false (True)."),
        ("limit = 5", "limit = nan", "line 5, resources.heap.limit: expected a finite number, got nan."),
        ('"7d"', "7", 'resources.heap.lead_time: expected a duration such as "21d", or quantiles'),
        ('"7d"', '{ p50 = "7d" }', "duration has 1 quantile(s), and a distribution needs two."),
        ('"7d"', '{ p50 = "7d", late = "9d" }', "'late' is no quantile."),
        ("limit = 5", 'across = "max"', "put together per what?"),
        ("limit = 5", 'per = ["node"]\nacross = "avg"', "expected one of sum, max, min, got 'avg'."),
        ("limit = 5", "reserve = { k = 1 }", "how many failure domains are there?"),
        ("limit = 5", "unit_size = 0", "expected a number above 0, got 0."),
        ("limit = 5", 'unit_size = "512 GB/s"', "'GB/s' measures bytes_per_second, 'bytes' measures bytes."),
        (
            "limit = 5",
            "cost = { short = 10, idle = 1, idel = 1 }",
            "cost.idel: unknown key. Did you mean 'idle'?",
        ),
        ("limit = 5", "cost = { short = 10 }", "'idle' is missing."),
        ('"7d"', '"7 moons"', "line 6, resources.heap.lead_time: duration '7 moons' is not a duration."),
        ('"7d"', '"-7d"', "line 6, resources.heap.lead_time: duration '-7d' is not"),
        ('unit = "bytes"', 'unit = "byts"', "line 4, resources.heap.unit: unknown unit 'byts'. Did you mean 'bytes'?"),
        ('owner = "me"\n', "", "line 2, resources.heap: 'owner' is missing."),
        ('owner = "me"', 'owner = " "', "line 7, resources.heap.owner: is empty."),
        ("limit = 5", 'limit = 5\nlimit_unit = "ms"', "'ms' measures seconds, 'bytes' measures bytes."),
        ("limit = 5", 'limit = 5\nlimit_query = "x"', "one limit at most, and there is 'limit' already."),
        ("limit = 5", "buffer = 1.0", "expected a number in [0, 1), got 1.0."),
        ("limit = 5", "risk = 0", "expected a number in (0, 1), got 0."),
        ("limit = 5", 'aggregate = "maxx"', "Did you mean 'max'?"),
        ("limit = 5", 'direction = "up"', "expected one of above, below, got 'up'."),
        ("limit = 5", "bounds = { lower = 3, upper = 2 }", "the lower bound 3 is not below the upper bound 2."),
        ("limit = 5", "bounds = { low = 3 }", "resources.heap.bounds.low: unknown key. Did you mean 'lower'?"),
        ("limit = 5", "reserve = { n = 2, k = 2 }", "of n = 2 failure domains, k = 2 cannot be lost."),
        ("limit = 5", 'assumed = ["limits"]', "no field is called 'limits'. Did you mean 'limit'?"),
        ("[resources.heap]", "[resorces.heap]", "line 2, resorces: unknown key. Did you mean 'resources'?"),
        ('name = "mine"', "", "top level: 'name' is missing."),
        ('name = "mine"', 'name = "mine"\ntimezone = "Europe/Berln"', "Did you mean 'Europe/Berlin'?"),
        ("limit = 5", "limit_schedule = [{ from = 2026-01-01T00:00:00, limit = 1 }]", "which zone?"),
    ],
)
def test_each_mistake_is_told_in_one_line(old: str, new: str, said: str) -> None:
    """One thing wrong: one line, with the file, the line, the key, and what was expected or meant."""
    message = refused(RESOURCE.replace(old, new, 1))
    assert said in message
    assert message.startswith("mine.toml, ")
    assert "\n" not in message


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    """Three mistakes are one error with three lines, so that nobody has to run three times."""
    text = RESOURCE.replace("limit = 5", "lmit = 5").replace('"7d"', "7").replace('"mine"', '"mine"\ntitel = "x"')
    first, *rest = refused(text).splitlines()
    assert first == "mine.toml: 3 problems"
    assert [line.split(":")[0].strip() for line in rest] == [
        "line 2, titel",
        "line 6, resources.heap.lmit",
        "line 7, resources.heap.lead_time",
    ]


@pytest.mark.parametrize(
    ("added", "said"),
    [
        (
            '[[accepted]]\nresource = "heep"\nuntil = 2026-01-01\nby = "a"\nreason = "b"',
            "line 9, accepted.0.resource: no resource is called 'heep'. Did you mean 'heap'?",
        ),
        (
            '[event_kinds.launch]\nhelp = "x"\n[[events]]\nkind = "lunch"\nname = "n"\nstart = 2026-01-01',
            "line 11, events.0.kind: no kind of event is called 'lunch'. Did you mean 'launch'?",
        ),
        (
            '[event_kinds.launch]\nhelp = "x"\n[[events]]\nkind = "launch"\nname = "n"\nstart = 2026-01-01\n'
            'resources = ["hep"]',
            "line 14, events.0.resources: no resource is called 'hep'. Did you mean 'heap'?",
        ),
        (
            '[event_kinds.launch]\nhelp = "x"\n[[events]]\nkind = "launch"\nname = "n"\nstart = 2026-01-01\n'
            'resources = ["heap"]\neffect = 3\nunit = "ms"',
            "'ms' measures seconds, 'bytes' measures bytes. Resource 'heap' is planned in it.",
        ),
        (
            '[channels]\npager = { severity = "critical" }\n[alerts.A]\n'
            'expr = "x > 1"\nfor = "1m"\nseverity = "critical"\n'
            'channel = "pagre"\nsummary = "s"',
            "line 14, alerts.A.channel: no channel is called 'pagre'. Did you mean 'pager'?",
        ),
        (
            '[metrics]\na_total = { type = "counter", unit = "count", help = "a" }\n[objectives.o]\n'
            'indicator = "ratio"\n'
            'query = "q"\nunit = "ratio"\ncomparison = ">"\ntarget = 0.9\nobjective = 0.9\nwindow = "30d"\n'
            'good = "a_totl{code=\\"200\\"}"\ntotal = "a_total"',
            "no metric is called 'a_totl'. Did you mean 'a_total'?",
        ),
        (
            '[objectives.o]\nindicator = "quantile"\nquery = "q"\nunit = "ms"\ncomparison = "<"\ntarget = 9\n'
            'objective = 0.9\nwindow = "30d"\nquantile = 0.9',
            "line 8, objectives.o: a quantile needs its histogram.",
        ),
        (
            '[metrics]\na = { type = "gauge", unit = "count", help = "a", labels = ["rgion"] }\n'
            '[labels]\nregion = { help = "x" }',
            "no label is called 'rgion'. Did you mean 'region'?",
        ),
    ],
)
def test_a_reference_to_nothing_is_told(added: str, said: str) -> None:
    """What one table says of another has to be there, and to measure the same thing."""
    assert said in refused(RESOURCE + added + "\n")


def test_a_resource_with_a_mistake_can_still_be_referred_to() -> None:
    """One mistake is told once: what refers to the table that has it is not told as well."""
    text = RESOURCE.replace("limit = 5", "lmit = 5")
    text += '[[accepted]]\nresource = "heap"\nuntil = 2026-01-01\nby = "a"\nreason = "b"\n'
    assert refused(text).count("line") == 1


def test_what_is_not_toml_is_told_with_its_place() -> None:
    """A missing quote names its line and column."""
    assert "mine.toml is not valid TOML" in (message := refused('name = "mine\n'))
    assert "line 1" in message


def test_a_catalogue_that_is_not_there_suggests_the_nearest() -> None:
    """A typing error in a built-in name is told with the name."""
    with pytest.raises(CatalogError, match=r"There is no catalogue 'dwpc'\. Did you mean 'dwcp'"):
        load_catalog("dwpc")


def test_a_folder_or_a_binary_file_is_not_a_catalogue(tmp_path: Path) -> None:
    """What cannot be read as text is told with the reason."""
    with pytest.raises(CatalogError, match="cannot be read: Is a directory"):
        load_catalog(tmp_path)
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CatalogError, match="it is not UTF-8 text"):
        load_catalog(tmp_path / "x.toml")


def test_lines_are_found_through_arrays_quotes_and_long_strings() -> None:
    """Keys in quotes, numbered array tables, and text that only looks like keys."""
    text = 'a = """\nb = 1\n"""\n[[c]]\nd = 1\n[[c]]\n"e.f" = 2\n[g."h.i".j]\nk.l = 1\n'
    lines = key_lines(text)
    assert ("b",) not in lines
    assert lines["c", "0", "d"] == 5
    assert lines["c", "1", "e.f"] == 7
    assert lines["g", "h.i", "j", "k", "l"] == 9
