"""A TOML text that is read strictly: unknown keys and bad values are told all at once, each with its line."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from capacity.errors import CapacityError, did_you_mean
from capacity.tomlvalues import Reader, kind

__all__ = ["Document", "Path"]

Path = tuple[str, ...]
T = TypeVar("T")

_KEY = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]")
_ASSIGNMENT = re.compile(rf"\s*({_DOTTED})\s*=")


class Document:
    """A parsed TOML text that knows its lines and gathers what is wrong with it.

    Parameters
    ----------
    text : str
        The TOML.
    name : str
        What to call it in messages: a file's name.
    error : type of CapacityError
        What to raise.
    """

    def __init__(self, text: str, *, name: str, error: type[CapacityError]) -> None:
        self.name = name
        self.problems: list[tuple[int, str]] = []
        self._error = error
        try:
            self.data: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as problem:
            raise error(f"{name} is not valid TOML: {problem}.") from problem
        self._lines = key_lines(text)

    def problem(self, path: Path, message: str) -> None:
        """Note that the key at ``path`` is wrong."""
        line = next((self._lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self._lines), 0)
        self.problems.append((line, f"{_place(line, path)}: {message}"))

    def read(
        self, path: Path, table: Any, fields: Mapping[str, Reader], *, required: Iterable[str] = ()
    ) -> dict[str, Any] | None:
        """Read the keys of one table; None when anything in it is wrong (and noted)."""
        if not isinstance(table, dict):
            self.problem(path, f"expected a table, got {kind(table)}.")
            return None
        before = len(self.problems)
        values = {key: self._value((*path, key), value, fields) for key, value in table.items()}
        for key in required:
            if key not in table:
                self.problem(path, f"{key!r} is missing.")
        return values if len(self.problems) == before else None

    def tables(self, section: str, build: Callable[[Path, str, Any], T | None]) -> dict[str, T]:
        """Build one thing for each named table of a section, in the order of the file; what is wrong is left out."""
        table = self.data.get(section, {})
        if not isinstance(table, dict):
            self.problem((section,), f"expected tables like [{section}.name], got {kind(table)}.")
            return {}
        built = {name: build((section, name), name, value) for name, value in table.items()}
        return {name: value for name, value in built.items() if value is not None}

    def items(self, section: str, build: Callable[[Path, Any], T | None]) -> tuple[T, ...]:
        """Build one thing for each table of an array of tables; what is wrong is left out."""
        rows = self.data.get(section, [])
        if not isinstance(rows, list):
            self.problem((section,), f"expected an array of tables, [[{section}]], got {kind(rows)}.")
            return ()
        built = [build((section, str(number)), row) for number, row in enumerate(rows)]
        return tuple(value for value in built if value is not None)

    def known(self, path: Path, name: str, names: Iterable[str], *, what: str) -> bool:
        """Note a reference to something that is not there."""
        names = list(names)
        if name in names:
            return True
        listed = f" There are: {', '.join(names)}." if 0 < len(names) <= 12 else ""
        self.problem(path, f"no {what} is called {name!r}.{did_you_mean(name, names) or listed}")
        return False

    def finish(self) -> None:
        """Raise one error that tells every problem, in the order of the file."""
        if not self.problems:
            return
        told = [text for _, text in sorted(self.problems, key=lambda each: each[0])]
        if len(told) == 1:
            raise self._error(f"{self.name}, {told[0]}")
        raise self._error(f"{self.name}: {len(told)} problems\n  " + "\n  ".join(told))

    def _value(self, path: Path, value: Any, fields: Mapping[str, Reader]) -> Any:
        reader = fields.get(path[-1])
        if reader is None:
            hint = did_you_mean(path[-1], fields) or f" Known: {', '.join(fields)}."
            self.problem(path, f"unknown key.{hint}")
            return None
        try:
            return reader(value)
        except (CapacityError, ValueError) as wrong:
            self.problem(path, str(wrong))
            return None


def key_lines(text: str) -> dict[Path, int]:
    """Return the line of every key and table header; the tables of an array are numbered from 0."""
    lines: dict[Path, int] = {}
    table: Path = ()
    counts: dict[Path, int] = {}
    inside = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if inside:
            inside = "" if inside in line else inside
            continue
        if header := _HEADER.match(line):
            table = _parts(header[2])
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, str(counts[table]))
            for depth in range(1, len(table) + 1):
                lines.setdefault(table[:depth], number)
        elif assignment := _ASSIGNMENT.match(line):
            lines.setdefault((*table, *_parts(assignment[1])), number)
        inside = next((quote for quote in ('"""', "'''") if line.count(quote) % 2), "")
    return lines


def _parts(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in re.findall(_KEY, dotted))


def _place(line: int, path: Path) -> str:
    where = ".".join(path)
    return f"line {line}, {where}" if line else where or "top level"
