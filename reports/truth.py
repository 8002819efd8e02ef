"""When a run is good: papermill calls runs complete whose kernel was killed, so the notebook is asked, not its status.

A run is good if every code cell was run, none put out an error, and there is a summary at the end. A notebook that was
cut short by whatever means lacks at least the last. A summary that judges no series at all is no good run either: it
would stand where the last good report stood, and to whoever reads exit codes it would look like "fine".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from capacity.verdicts import CANNOT_JUDGE
from reports.pages import summaries

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["Failure", "judge"]


@dataclass(frozen=True)
class Failure:
    """Why a run is not good, in one line; ``cell`` counts all cells of the notebook that was run, from 1."""

    reason: str
    cell: int | None = None
    source: str = ""

    def __str__(self) -> str:
        if self.cell is None:
            return self.reason
        where = f"cell {self.cell}" + (f" ({self.source})" if self.source else "")
        return f"{self.reason} [{where}]"


def judge(notebook: NotebookNode) -> Failure | None:
    """Return why a run is not good, or None if it is."""
    for at, cell in enumerate(notebook.cells):
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        for output in cell.outputs:
            if output.output_type == "error":
                return failure(notebook, at, f"{output.ename}: {output.evalue}".strip(": "))
        if cell.execution_count is None:
            return failure(notebook, at, "the cell was never run")
    summary = next(reversed(list(summaries(notebook))), None)
    if summary is None:
        return Failure("the notebook put out no summary, so it did not come to its end")
    if set(summary.get("verdicts", ())) == {CANNOT_JUDGE}:
        return Failure(str(summary.get("finding") or "no series can be judged"))
    return None


def failure(notebook: NotebookNode, at: int, reason: str) -> Failure:
    """Return a failure in the cell at position ``at``, with the first line of its code."""
    lines = (line.strip() for line in notebook.cells[at].source.splitlines())
    first = next((line for line in lines if line and not line.startswith("#")), "")
    return Failure(reason, cell=at + 1, source=first if len(first) <= 60 else f"{first[:59]}…")
