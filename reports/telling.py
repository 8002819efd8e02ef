"""How a notebook's sections show what they found: charts, sentences, tables; nothing in them is ever markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd
from IPython.display import display

from capacity.tables import html_table, text_table
from reports.pages import TABLE

__all__ = ["exact", "put", "say", "show", "table"]


def show(chart: Any, said: str = "", *, data: pd.DataFrame | None = None, name: str = "") -> None:
    """Show a chart, what it says in a sentence, and keep the exact figures behind it for the files beside the page."""
    display(chart)  # type: ignore[no-untyped-call]
    if said:
        say(said)
    if data is not None:
        exact(name or str(chart.title.text), data)


def say(text: str) -> None:
    """Put out a sentence or two."""
    put({"text/html": f'<p class="cw-words">{escape(text)}</p>', "text/plain": text})


def table(found: Sequence[Mapping[str, Any]]) -> None:
    """Put out a table, a mapping a row."""
    rows = [{key: str(value) for key, value in row.items()} for row in found]
    put({"text/html": html_table(rows), "text/plain": text_table(rows)})


def exact(name: str, data: pd.DataFrame) -> None:
    """Keep figures as they are, in base units, for the files beside the page; the page itself does not carry them.

    A wide frame's columns are named by their labels, its index stands first.
    """
    flat = data.reset_index() if data.index.name or isinstance(data.index, pd.MultiIndex) else data
    flat = flat.copy(deep=False)
    flat.columns = pd.Index([_flat(column) for column in flat.columns])
    columns = {str(key): [_plain(value) for value in flat[key]] for key in flat.columns}
    put({TABLE: {"name": name, "columns": columns}, "text/plain": f"The figures of “{name}”: {len(flat):,} rows"})


def _flat(column: Any) -> str:
    parts = column if isinstance(column, tuple) else (column,)
    return ", ".join(str(part) for part in parts if str(part)) or "value"


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: text, a finite number, or None."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    if isinstance(value, pd.Timestamp):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, bool | int | float | str):
        return value if not isinstance(value, float) or abs(value) != float("inf") else str(value)
    return value.item() if hasattr(value, "item") else str(value)


def put(bundle: Mapping[str, Any]) -> None:
    """Put out what is there in several forms."""
    display(dict(bundle), raw=True)  # type: ignore[no-untyped-call]
