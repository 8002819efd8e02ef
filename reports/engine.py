"""A papermill engine that runs cells in this process: no kernel, no server, no file written between cells.

It is registered in code, as ``"capacity"``, and meant for a child process alone (`reports.child`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from papermill.engines import Engine, NotebookExecutionManager, papermill_engines

from capacity.errors import CapacityError
from reports.notebooks import node
from reports.shell import Shell

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["NAME", "CapacityEngine", "one_line", "register"]

NAME = "capacity"

Listener = Callable[[dict[str, Any]], None]


def register() -> None:
    """Make the engine known to papermill."""
    papermill_engines.register(NAME, CapacityEngine)


class CapacityEngine(Engine):  # type: ignore[misc]
    """Runs the cells one after the other, and tells ``listener`` what happens as it happens."""

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, _kernel_name: str, *, listener: Listener, **_: Any
    ) -> None:
        """Run until the end or the first error. Events: ``begin`` (the notebook), ``start``, ``cell``, ``failed``."""
        listener({"event": "begin", "notebook": nb_man.nb})
        shell = Shell.instance()
        with shell.streams():
            for at, cell in enumerate(nb_man.nb.cells):
                if cell.cell_type == "code" and cell.source.strip() and not _run(shell, nb_man, cell, at, listener):
                    return

    @classmethod
    def nb_kernel_name(cls, *_: Any, **__: Any) -> str:
        """Return the one kernel there is, whatever the notebook was saved with."""
        return "python3"

    @classmethod
    def nb_language(cls, *_: Any, **__: Any) -> str:
        """Return the one language there is."""
        return "python"


def _run(shell: Shell, nb_man: NotebookExecutionManager, cell: NotebookNode, at: int, listener: Listener) -> bool:
    """Run one cell; returns whether it ended well."""
    nb_man.cell_start(cell, at)
    listener({"event": "start", "at": at})
    count, outputs, error = shell.run(cell.source)
    cell.execution_count = count
    cell.outputs = [node(output) for output in outputs]
    listener({"event": "cell", "at": at, "count": count, "outputs": outputs})
    if error is not None:
        nb_man.cell_exception(cell, at)
        listener({"event": "failed", "at": at, "said": one_line(error)})
    nb_man.cell_complete(cell, at)
    return error is None


def one_line(error: BaseException) -> str:
    """Return an exception as one line: one of ours by its message, any other by its kind and first line."""
    if isinstance(error, CapacityError):
        return " ".join(str(error).split())
    if isinstance(error, SystemExit):
        return f"the cell ended the run with sys.exit({'' if error.code is None else error.code!r})"
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
