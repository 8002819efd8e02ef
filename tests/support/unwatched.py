"""Schedules of small notebooks, and a clock that a test sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from reports.config import Config
from reports.pages import SUMMARY
from reports.settings import Schedule
from tests.support.pages import saved, sources

DECLARED = [
    {"name": "n", "type": "integer", "default": 3},
    {"name": "as_of", "type": "date", "default": ""},
]


@dataclass
class Clock:
    """Tells the time that it is set to."""

    now: pd.Timestamp

    def __call__(self) -> pd.Timestamp:
        return self.now

    def later(self, text: str) -> None:
        self.now += pd.Timedelta(text)


def at(text: str) -> pd.Timestamp:
    """Return an instant in UTC."""
    return pd.Timestamp(text, tz="UTC").as_unit("us")


def row(series: str = "a", **more: Any) -> dict[str, Any]:
    """Return a row of a summary: a disk that runs out in December."""
    return {
        "resource": "disk", "title": "Disk space", "series": series, "labels": {"node": series}, "owner": "storage",
        "verdict": "breach", "reason": "likelier than not", "probability": 0.8, "breach_p10": "2026-12-09T00:00:00Z",
        "breach_p50": "2026-12-16T00:00:00Z", "breach_p90": "2026-12-25T00:00:00Z", "order_by": "2026-11-25T00:00:00Z",
        "now": 70.0, "limit": 100.0, "usable": 85.0, "unit": "bytes", "lead_time": "14d", "model": "fleet",
        "accepted": "", "until": "2027-01-30T00:00:00Z", **more,
    }  # fmt: skip


def told(*rows: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return a summary with these rows."""
    verdicts = {each["verdict"]: 1 for each in rows}
    head = {"schema": "capacity.summary/1", "title": "Disks", "finding": "Disk a runs out on 16 Dec 2026."}
    return {
        **head,
        "verdicts": verdicts,
        "rows": list(rows),
        "queries": {"disk": {"demand": "used", "limit": ""}},
        **more,
    }


def notebook(path: Path, *code: str, summary: Mapping[str, Any] | None = None) -> Path:
    """Save a notebook that runs ``code`` and then tells a summary."""
    tell = f"from IPython.display import display\ndisplay({{{SUMMARY!r}: {dict(summary or told(row()))!r}}}, raw=True)"
    parameters = 'n = 3\nas_of = ""'
    return saved(sources(*code, tell, parameters=parameters, schema=DECLARED, summary=False), path)


@dataclass(frozen=True)
class Set:
    """A configuration in a folder, with the notebook that its schedules run."""

    folder: Path
    schedules: Mapping[str, Schedule] = field(default_factory=dict)

    @property
    def config(self) -> Config:
        """The configuration, as capacity.toml would state it."""
        return Config(path=self.folder / "capacity.toml", out=self.folder / "out", schedules=self.schedules)

    @property
    def out(self) -> Path:
        """Where reports go."""
        return self.folder / "out"


def daily(folder: Path, *code: str, name: str = "daily", summary: Mapping[str, Any] | None = None, **more: Any) -> Set:
    """Return one schedule, due at six every day."""
    path = notebook(folder / f"{name}.ipynb", *code, summary=summary)
    return Set(folder, {name: Schedule(name, str(path), "0 6 * * *", **more)})
