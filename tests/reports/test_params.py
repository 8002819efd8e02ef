"""Parameters: what a notebook declares is what it may be given, by type and within bounds."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from capacity.errors import ParameterError
from reports.notebooks import names, parsed, read
from reports.params import TYPES, checked, declared
from tests.support.checkout import files
from tests.support.pages import sources

PROMQL = 'sum by (region) (rate(m{job="a", le!="+Inf"}[5m])) == 1 and x == 2'

SCHEMA = [
    {"name": "query", "type": "string", "default": PROMQL},
    {"name": "model", "type": "string", "default": "auto", "choices": ["auto", "prophet", "naive"]},
    {"name": "seed", "type": "integer", "default": 0, "min": 0, "max": 9},
    {"name": "risk", "type": "number", "default": 0.1, "min": 0, "max": 1, "unit": "ratio", "help": "A share."},
    {"name": "events", "type": "boolean", "default": True},
    {"name": "horizon", "type": "duration", "default": "90d", "min": "1d", "max": "365d"},
    {"name": "as_of", "type": "date", "default": ""},
]


def check(given: dict[str, object], schema: list[dict[str, Any]] | None = None) -> dict[str, object]:
    """Return what a notebook with ``schema`` would be given."""
    notebook = sources(schema=SCHEMA if schema is None else schema)
    return dict(checked(declared(notebook, name="small"), given, name="small"))


@pytest.mark.parametrize(
    ("name", "given", "read_as"),
    [
        ("query", "up == 1", "up == 1"),
        ("model", "naive", "naive"),
        ("seed", "7", 7),
        ("seed", 7.0, 7),
        ("risk", "0.25", 0.25),
        ("risk", 1, 1.0),
        ("events", "no", False),
        ("events", False, False),
        ("horizon", "48h", "2d"),
        ("horizon", "12w", "84d"),
        ("as_of", "2026-11-01", "2026-11-01T00:00:00+00:00"),
        ("as_of", "2026-11-01T02:00+02:00", "2026-11-01T00:00:00+00:00"),
        ("as_of", "", ""),
    ],
)
def test_a_value_is_read_as_its_type(name: str, given: object, read_as: object) -> None:
    """Text from a command line and values from Python come to the same plain value."""
    found = check({name: given})[name]
    assert found == read_as
    assert type(found) is type(read_as)


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("query", 3, "text, not 3"),
        ("model", "prophett", "one of auto, prophet, naive, not 'prophett'. Did you mean 'prophet'?"),
        ("seed", "many", "a whole number, not 'many'"),
        ("seed", 1.5, "a whole number, not 1.5"),
        ("seed", True, "a whole number, not True"),
        ("seed", -1, "at least 0, not -1"),
        ("seed", 10, "at most 9, not 10"),
        ("risk", "nan", "a finite number (in ratio), not 'nan'. A share."),
        ("risk", 2, "at most 1 (in ratio), not 2.0"),
        ("events", "perhaps", "true or false, not 'perhaps'"),
        ("horizon", "90", "a duration"),
        ("horizon", "0d", "a duration"),
        ("horizon", "53w", "at most 365d"),
        ("as_of", "tomorrow", "a date"),
        ("as_of", None, "a date"),
    ],
)
def test_a_value_that_is_not_of_its_type_is_refused(name: str, given: object, says: str) -> None:
    """The message names the parameter, what it takes, and what came."""
    with pytest.raises(ParameterError) as told:
        check({name: given})
    assert says in str(told.value)
    assert repr(name) in str(told.value)


def test_what_is_not_declared_is_refused() -> None:
    """A typo is no parameter; the nearest is named."""
    with pytest.raises(ParameterError, match=r"declares no parameter 'horizn'\. Did you mean 'horizon'\?"):
        check({"horizn": "90d"})
    with pytest.raises(ParameterError, match="It declares none"):
        check({"n": 1}, schema=[])


@pytest.mark.parametrize("name", ["a b", "x; import os", "Seed", "1st", "", "n=1\nimport os", "é"])
def test_a_name_is_never_code(name: str) -> None:
    """Neither given nor declared can a name be anything but a name."""
    with pytest.raises(ParameterError):
        check({name: 1})
    with pytest.raises(ParameterError):
        check({}, schema=[{"name": name, "type": "integer", "default": 1}])


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"name": "n", "type": "integer"}, "without default"),
        ({"name": "n", "type": "int", "default": 1}, "of the type 'int', which there is not. Did you mean"),
        (
            {"name": "n", "type": "integer", "default": 1, "minn": 0},
            "the key 'minn', which there is not. Did you mean 'min'?",
        ),
    ],
)
def test_a_wrong_declaration_is_told(entry: dict[str, Any], says: str) -> None:
    """The notebook's own mistake is told as one, with its name."""
    with pytest.raises(ParameterError) as told:
        check({}, schema=[entry])
    assert says in str(told.value)
    assert "small" in str(told.value)


def test_the_same_parameter_twice_is_told() -> None:
    """Which of the two would count is nobody's guess."""
    with pytest.raises(ParameterError, match="twice"):
        check({}, schema=[SCHEMA[2], SCHEMA[2]])


def test_a_declaration_survives_the_file() -> None:
    """A default with several ``=``, quotes and braces is the same after saving and reading."""
    import nbformat

    again = parsed(nbformat.writes(sources(schema=SCHEMA)))
    assert declared(again, name="small")["query"].default == PROMQL


NOTEBOOKS = files("notebooks/*.ipynb")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_declares_what_its_first_cell_sets(path: Path) -> None:
    """Schema and parameters cell name the same parameters with the same defaults, and each says what it is for."""
    schema = declared(read(path), name=path.stem)
    cells = json.loads(path.read_text())["cells"]
    source = next("".join(cell["source"]) for cell in cells if "parameters" in cell["metadata"].get("tags", []))
    assigned = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    assert {name: parameter.default for name, parameter in schema.items()} == assigned
    assert [name for name, parameter in schema.items() if not parameter.help] == []


def test_notebooks_are_found_by_name() -> None:
    """A name, or a path; anything else is refused with the nearest name."""
    from reports.notebooks import find

    assert "capacity_overview" in names()
    assert find("capacity_overview") == find(find("capacity_overview"))
    with pytest.raises(ParameterError, match="Did you mean 'capacity_overview'"):
        find("capacity_overviw")
    with pytest.raises(ParameterError, match=r"There is no notebook missing\.ipynb"):
        find("missing.ipynb")


@pytest.mark.parametrize("text", ["", "{}", "not json", '{"cells": 3}', "\x00"], ids=repr)
def test_a_file_that_is_no_notebook_is_told(text: str, tmp_path: Path) -> None:
    """One line says which file, and that it is none."""
    path = tmp_path / "x.ipynb"
    path.write_text(text)
    with pytest.raises(ParameterError, match="is not a notebook that can be read"):
        read(path)


def test_every_type_has_a_reader() -> None:
    """Each type that may be declared is tried above."""
    assert {entry["type"] for entry in SCHEMA} == set(TYPES)
