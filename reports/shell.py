"""An IPython shell without a kernel: it runs a cell in this process and keeps what the cell put out.

Only ever used inside a child process (`reports.child`): a cell may crash it, fill its memory or end it.
"""

from __future__ import annotations

import base64
import io
import json
import math
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.history import HistoryManager
from IPython.core.interactiveshell import InteractiveShell

__all__ = ["BadOutput", "Recorder", "Shell"]

JSON_KIND = re.compile(r"application/(.*\+)?json")
KIND = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+", re.IGNORECASE)
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

Output = dict[str, Any]


class BadOutput(TypeError):
    """A cell put out what a notebook cannot hold."""


@dataclass
class Recorder:
    """What the running cell has put out so far, in the form of a notebook's outputs."""

    outputs: list[Output] = field(default_factory=list)
    named: dict[str, Output] = field(default_factory=dict)
    cleared: bool = False

    def begin(self) -> None:
        """Forget the last cell; displays with a name can still be updated, in the list that they stand in."""
        self.outputs, self.cleared = [], False

    def stream(self, name: str, text: str) -> None:
        """Add text to stdout or stderr; neighbours become one output."""
        self._clear_if_due()
        if self.outputs and self.outputs[-1].get("name") == name:
            self.outputs[-1]["text"] += text
        else:
            self.outputs.append({"output_type": "stream", "name": name, "text": text})

    def display(
        self, data: Output, metadata: Output | None, transient: Output | None, *, update: bool, count: int | None = None
    ) -> None:
        """Add a display, or update the one of the same name."""
        name = (transient or {}).get("display_id")
        content = {"data": {kind: _plain(kind, value) for kind, value in data.items()}, "metadata": metadata or {}}
        if update and name in self.named:
            self.named[name].update(content)
            return
        self._clear_if_due()
        kind = {"output_type": "display_data"} if count is None else {"output_type": "execute_result"}
        output = kind | content | ({} if count is None else {"execution_count": count})
        self.outputs.append(output)
        if name:
            self.named[name] = output

    def error(self, kind: str, said: str, traceback: list[str]) -> None:
        """Add an exception."""
        lines = [ANSI.sub("", line) for line in traceback]
        self.outputs.append({"output_type": "error", "ename": kind, "evalue": said, "traceback": lines})

    def clear(self, *, wait: bool) -> None:
        """Forget what the cell has put out, at once or with its next output."""
        self.cleared = True
        if not wait:
            self._clear_if_due()

    def _clear_if_due(self) -> None:
        if self.cleared:
            self.outputs.clear()
            self.cleared = False


def _plain(kind: str, value: Any) -> Any:
    """Return an output's value as a notebook holds it: text, or JSON where the kind says JSON.

    Raises
    ------
    BadOutput
        Neither: Jupyter would find out only when it writes the file.
    """
    if not KIND.fullmatch(kind):
        raise BadOutput(f"put out {kind!r}, which is not a MIME type")
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if JSON_KIND.fullmatch(kind):
        try:
            return json.loads(json.dumps(value, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise BadOutput(f"put out {kind} that is not JSON: {error}") from error
    if not isinstance(value, str):
        hint = (
            ""
            if isinstance(value, int | float) and not math.isnan(value)
            else "; objects need a type that ends in +json"
        )
        raise BadOutput(f"put out {kind} that is {type(value).__name__}, not text{hint}")
    return value


class _Publisher(DisplayPublisher):
    def publish(
        self,
        data: Output,
        metadata: Output | None = None,
        source: Any = None,  # noqa: ARG002
        *,
        transient: Output | None = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        """Keep a display instead of printing it."""
        cast(Shell, self.shell).recorder.display(data, metadata, transient, update=update)

    def clear_output(self, wait: bool = False) -> None:
        """Clear what the cell has put out."""
        cast(Shell, self.shell).recorder.clear(wait=wait)


class _Hook(DisplayHook):
    def write_output_prompt(self) -> None:
        """Write nothing: the number stands in the output."""

    def write_format_data(self, format_dict: Output, md_dict: Output | None = None) -> None:
        """Keep a cell's result instead of printing it."""
        cast(Shell, self.shell).recorder.display(format_dict, md_dict, None, update=False, count=self.prompt_count)

    def finish_displayhook(self) -> None:
        """Write no newline after it."""
        self._is_active = False


class _Stream(io.TextIOBase):
    """stdout or stderr of the cells."""

    encoding = "utf-8"

    def __init__(self, recorder: Recorder, name: str) -> None:
        self.recorder, self.name = recorder, name

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        """Keep it with the cell's outputs."""
        if text:
            self.recorder.stream(self.name, str(text))
        return len(text)


class Shell(InteractiveShell):
    """The shell. `run` is the way in."""

    def __init__(self, **settings: Any) -> None:
        self.recorder = Recorder()
        settings |= {"display_pub_class": _Publisher, "displayhook_class": _Hook}
        HistoryManager.enabled = False  # type: ignore[assignment] # no file of its own, no thread that writes it
        super().__init__(**settings)  # type: ignore[no-untyped-call]
        self.colors = "nocolor"

    def run(self, source: str) -> tuple[int, list[Output], BaseException | None]:
        """Run one cell; returns its number, what it put out, and the exception that ended it."""
        self.recorder.begin()
        result = self.run_cell(source, store_history=True)  # type: ignore[no-untyped-call]
        error = result.error_before_exec or result.error_in_exec
        if error is not None and not any(output["output_type"] == "error" for output in self.recorder.outputs):
            self.recorder.error(type(error).__name__, str(error), [f"{type(error).__name__}: {error}"])
        return int(result.execution_count or 0), self.recorder.outputs, error

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        self.recorder.error(str(getattr(etype, "__name__", etype)), str(evalue), list(stb))

    def ask_exit(self) -> None:
        """End the cell that says ``exit``: half a report must not pass for a whole one."""
        raise SystemExit

    @contextmanager
    def streams(self) -> Iterator[None]:
        """Send stdout and stderr to the cells' outputs."""
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Stream(self.recorder, "stdout"), _Stream(self.recorder, "stderr")
        try:
            yield
        finally:
            sys.stdout, sys.stderr = before
