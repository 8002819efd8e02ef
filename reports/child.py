"""The process that a notebook runs in. It is told what to run on stdin, and tells what happens on a pipe.

It ends when whoever started it ends: a report that nobody waits for uses nobody's machine.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import sys
import threading
from contextlib import suppress
from typing import Any

from capacity.errors import CapacityError

__all__ = ["main"]


def main(channel: int) -> None:
    """Run what stdin asks for; events go to the file descriptor ``channel``, one JSON object a line."""
    faulthandler.enable()
    stdin = os.dup(0)
    with os.fdopen(os.dup(0), "rb") as request:
        asked = json.loads(request.readline())
    threading.Thread(target=_end_with_parent, args=(stdin,), daemon=True).start()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # a cell that asks for input gets none
    _limit(asked["memory_bytes"])
    with os.fdopen(channel, "w", encoding="utf-8") as events:

        def tell(event: dict[str, Any]) -> None:
            events.write(json.dumps(event) + "\n")
            events.flush()

        try:
            _run(asked, tell)
            tell({"event": "end"})
        except Exception as error:
            tell({"event": "broken", "said": _said(error)})


def _run(asked: dict[str, Any], tell: Any) -> None:
    import papermill

    from reports import engine, renderer
    from reports.notebooks import parsed

    engine.register()
    renderer.enable(static=False)
    notebook = parsed(json.dumps(asked["notebook"]))
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])  # papermill looks for them in every cell
    notebook.metadata.setdefault("papermill", {})
    with suppress(papermill.PapermillExecutionError):  # told already, in better words, by the engine
        papermill.execute_notebook(
            notebook,
            None,
            parameters=asked["parameters"],
            engine_name=engine.NAME,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            listener=tell,
        )


def _said(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, CapacityError) else f"{type(error).__name__}: {text}"


def _limit(memory_bytes: int) -> None:
    """Bound the address space far above what may be resident: it stops one absurd allocation before it is touched."""
    most = 4 * memory_bytes + 8 * 2**30
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_with_parent(stdin: int) -> None:
    """Wait for the end of stdin, which comes when the parent closes it or is gone."""
    while os.read(stdin, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
