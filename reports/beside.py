"""The exact figures behind a page's charts, as files beside it: one XLSX with a sheet a table, and one CSV of all.

The CSV is long: ``table``, ``row`` (what its first column says: an instant, a name), ``column``, ``value``. It has each
figure to the last bit; a spreadsheet keeps 16 digits. Both are made from what the notebook kept
(`reports.telling.exact`), are the same bytes for the same figures, and no value in them is ever a formula or a link.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reports.pages import tables

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["KINDS", "figures"]

KINDS = ("csv", "xlsx")
HEADS = ("table", "row", "column", "value")
FORMULA = re.compile(r"[=+\-@\t\r]")
UNFIT = re.compile(r"[\[\]:*?/\\\x00-\x1f']+")
LONGEST_NAME, MOST_ROWS = 31, 1_048_575
"""What a sheet's name and a sheet can hold."""

Table = Mapping[str, Any]


def figures(notebook: NotebookNode) -> dict[str, bytes]:
    """Return the files by their kind; a notebook that kept no figures has none."""
    found = tables(notebook)
    return {"csv": _csv(found), "xlsx": _xlsx(found)} if found else {}


def _csv(found: Sequence[Table]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADS)
    for table in found:
        (_, keys), *rest = table["columns"].items()
        for name, values in rest:
            for key, value in zip(keys, values, strict=True):
                if value is not None:
                    writer.writerow([_harmless(each) for each in (table["name"], key, name, value)])
    return out.getvalue().encode("utf-8")


def _harmless(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula: text that begins like one gets a quote before it."""
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value


def _xlsx(found: Sequence[Table]) -> bytes:
    import xlsxwriter

    out = io.BytesIO()
    plain = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, plain) as book:
        book.set_properties({"created": datetime(2000, 1, 1), "comments": "capacity-workbench"})  # noqa: DTZ001
        for number, table in enumerate(found, start=1):
            sheet = book.add_worksheet(_sheet_name(number, str(table["name"])))
            sheet.freeze_panes(1, 1)
            for at, (name, values) in enumerate(table["columns"].items()):
                sheet.write_string(0, at, name)
                for row, value in enumerate(values[:MOST_ROWS], start=1):
                    _write(sheet, row, at, value)
    return out.getvalue()


def _write(sheet: Any, row: int, at: int, value: Any) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(row, at, value)
    elif isinstance(value, int | float):
        sheet.write_number(row, at, value)
    elif value is not None:
        sheet.write_string(row, at, str(value))


def _sheet_name(number: int, name: str) -> str:
    """Return a name that a sheet may have, and no other sheet has."""
    return " ".join(f"{number} {UNFIT.sub(' ', name)}".split())[:LONGEST_NAME].strip()
