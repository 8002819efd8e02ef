"""From a notebook's name to a report: find it, check its parameters, run it, judge the run, write the page."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capacity.errors import RunFailed
from reports import beside, changed, notebooks, params, publish, runs
from reports.pages import summaries
from reports.runs import MEMORY_BYTES, TIMEOUT_S, Progress

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from reports.truth import Failure

__all__ = ["Made", "Rendered", "make", "render"]


@dataclass(frozen=True)
class Rendered:
    """A report that was made. It is a path where a path is wanted: ``open(rendered)``."""

    name: str
    path: Path
    seconds: float
    summary: Mapping[str, Any] = field(default_factory=dict)

    @property
    def finding(self) -> str:
        """The report's one sentence."""
        return str(self.summary.get("finding", ""))

    def __fspath__(self) -> str:
        return os.fspath(self.path)

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class Made:
    """A notebook that has run, with its page and its summary; or why it failed, with how far it came."""

    name: str
    notebook: NotebookNode
    failure: Failure | None
    page: bytes = b""
    summary: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, bytes] = field(default_factory=dict)


def render(
    name: str | Path,
    parameters: Mapping[str, object] | None = None,
    *,
    out: str | Path,
    progress: Progress | None = None,
    timeout_s: float = TIMEOUT_S,
    memory_bytes: int = MEMORY_BYTES,
) -> Rendered:
    """Run a notebook and write its report as one HTML file; a run that fails leaves the file as it was.

    Parameters
    ----------
    name : str or Path
        A notebook of the workbench by its name, or the path of an ``.ipynb`` file.
    parameters : mapping, optional
        Those that the notebook declares; the rest keep their defaults.
    out : str or Path
        The HTML file. Its folder is made if there is none.
    progress : callable, optional
        Called as ``progress(cells done, cells in all, what is being done)``.
    timeout_s : float
        The most that the run may take, in seconds.
    memory_bytes : int
        The most that it may hold in memory.

    Raises
    ------
    ParameterError
        There is no such notebook, or it does not declare a parameter, or refuses its value.
    RunFailed
        The notebook did not come to a good end; it stands beside ``out`` as ``NAME.failed.ipynb``.
    ReportError
        The file cannot be written, or the page cannot be made.
    """
    started = time.monotonic()
    ready, out = _ready(name, parameters), Path(out)
    publish.check_target(out)
    made = _made(ready, out.stem, {}, timeout_s=timeout_s, memory_bytes=memory_bytes, environment={}, progress=progress)
    if made.failure is not None:
        raise _failed(made, out)
    for kind in beside.KINDS:
        if kind in made.figures:
            publish.write_whole(out.with_suffix(f".{kind}"), made.figures[kind])
    publish.publish(out, made.page)
    return Rendered(name=made.name, path=out, seconds=time.monotonic() - started, summary=made.summary)


def make(
    name: str | Path,
    parameters: Mapping[str, object] | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
    memory_bytes: int = MEMORY_BYTES,
    environment: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    before: Mapping[str, Any] | None = None,
) -> Made:
    """Run a notebook and make its page, and write nothing; see `render`, and `runs.run` for ``environment``.

    ``before`` is the last report's summary: what changed since then stands beneath the cover.

    What the notebook does wrong is told by `Made.failure`.

    Raises
    ------
    ParameterError
        There is no such notebook, or it does not declare a parameter, or refuses its value.
    ReportError
        The page cannot be made.
    """
    return _made(
        _ready(name, parameters),
        "report",
        before or {},
        timeout_s=timeout_s,
        memory_bytes=memory_bytes,
        environment=environment or {},
        progress=progress,
    )


@dataclass(frozen=True)
class _Ready:
    """A notebook with parameters that it takes."""

    name: str
    notebook: NotebookNode
    values: Mapping[str, Any]


def _ready(name: str | Path, parameters: Mapping[str, object] | None) -> _Ready:
    path = notebooks.find(name)
    notebook = notebooks.read(path)
    values = params.checked(params.declared(notebook, name=path.stem), parameters or {}, name=path.stem)
    return _Ready(path.stem, notebook, values)


def _made(ready: _Ready, stem: str, before: Mapping[str, Any], **bounds: Any) -> Made:
    ran = runs.run(ready.notebook, ready.values, **bounds)
    if ran.failure is not None:
        return Made(ready.name, ran.notebook, ran.failure)
    figures = beside.figures(ran.notebook)
    summary = list(summaries(ran.notebook))[-1]
    page = _page(ran.notebook, ready.name, tuple(f"{stem}.{kind}" for kind in figures), changed.since(before, summary))
    return Made(ready.name, ran.notebook, None, page, summary, figures)


def _page(notebook: NotebookNode, name: str, files: tuple[str, ...], since: tuple[str, tuple[str, ...]]) -> bytes:
    from reports.html import to_html

    return to_html(notebook, name=name, beside=files, changed=since).encode("utf-8")


def _failed(made: Made, out: Path) -> RunFailed:
    assert made.failure is not None
    kept = publish.keep_failed(out, made.notebook, made.failure)
    stands = f" The last good report is still {out}." if out.exists() else ""
    return RunFailed(f"{made.name} failed: {made.failure}", hint=f"How far it came: {kept}.{stands}")
