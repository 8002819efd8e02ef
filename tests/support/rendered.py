"""Every notebook's report on the demo, made once for all tests and all their processes."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from reports import render

__all__ = ["report"]


def report(name: str, factory: pytest.TempPathFactory, worker: str) -> Path:
    """Return the report of a notebook with its own defaults; whoever asks first makes it, the others wait."""
    base = factory.getbasetemp()
    folder = (base if worker == "master" else base.parent) / "rendered"
    folder.mkdir(exist_ok=True)
    page = folder / f"{name}.html"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not page.exists():
            render(name, out=page)
    return page
