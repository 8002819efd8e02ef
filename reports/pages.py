"""What a notebook that has run says about itself: its title, its finding, its cover."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["COVER", "SUMMARY", "TABLE", "Page", "page_of", "summaries", "tables"]

COVER = "application/vnd.capacity.cover+html"
SUMMARY = "application/vnd.capacity.summary+json"
TABLE = "application/vnd.capacity.table+json"

HEADING = re.compile(r"^#\s+(.+?)\s*#*\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """A page's own words; ``covers`` is HTML as the notebook put it out, not filtered yet."""

    name: str
    title: str
    finding: str
    covers: tuple[str, ...]


def page_of(notebook: NotebookNode, *, name: str) -> Page:
    """Return what the page says of itself: from the summary, else from the first heading, else from the name."""
    summary: dict[str, Any] = next(reversed(list(summaries(notebook))), {})
    covers = tuple(str(data[COVER]) for data in _data(notebook) if COVER in data)
    title = str(summary.get("title") or "") or _heading(notebook) or name
    return Page(name=name, title=title, finding=str(summary.get("finding") or ""), covers=covers)


def summaries(notebook: NotebookNode) -> Iterator[dict[str, Any]]:
    """Every summary that the notebook put out, in order."""
    return (data[SUMMARY] for data in _data(notebook) if isinstance(data.get(SUMMARY), dict))


def tables(notebook: NotebookNode) -> list[dict[str, Any]]:
    """Return the exact figures that the notebook kept for the files beside its page: ``name``, ``columns``."""
    return [data[TABLE] for data in _data(notebook) if isinstance(data.get(TABLE), dict)]


def _data(notebook: NotebookNode) -> Iterator[dict[str, Any]]:
    cells = (cell for cell in notebook.cells if cell.cell_type == "code")
    return (output.data for cell in cells for output in cell.outputs if "data" in output)


def _heading(notebook: NotebookNode) -> str:
    sources = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    found = (HEADING.search(source) for source in sources)
    return next((match.group(1) for match in found if match), "")
