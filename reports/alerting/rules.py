"""What a rule is: an alert with its example and its runbook, or a recorded series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

__all__ = ["Example", "Group", "Record", "Rule", "number", "quoted"]

MINUTE = pd.Timedelta(minutes=1)


@dataclass(frozen=True)
class Example:
    """Series by which a rule is tested, in promtool's notation; it fires in ``fires`` and keeps still in ``quiet``.

    ``after`` is when that is looked at, and ``step`` how far apart the samples are.
    """

    fires: Mapping[str, str]
    quiet: Mapping[str, str]
    after: pd.Timedelta
    step: pd.Timedelta = MINUTE


@dataclass(frozen=True)
class Rule:
    """An alert.

    Attributes
    ----------
    expr
        PromQL: it fires for each series of the answer, once that has been there for ``for_`` without a break.
    summary, description
        What a person reads: in the second, ``{{ $labels.x }}`` and ``{{ $value }}`` are filled in.
    means, actions
        The runbook: what it means when this fires, and what to do, step by step.
    notebook
        Which report to open.
    """

    name: str
    expr: str
    for_: pd.Timedelta
    severity: str
    summary: str
    description: str = ""
    channel: str = ""
    means: str = ""
    actions: tuple[str, ...] = ()
    notebook: str = "capacity_overview"
    labels: Mapping[str, str] = field(default_factory=dict)
    example: Example | None = None


@dataclass(frozen=True)
class Record:
    """A series that is kept, because others are made from it."""

    name: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Group:
    """Rules that are evaluated together, one after the other, every ``interval``."""

    name: str
    interval: pd.Timedelta
    rules: tuple[Rule | Record, ...]

    @property
    def alerts(self) -> tuple[Rule, ...]:
        """The alerts of the group."""
        return tuple(each for each in self.rules if isinstance(each, Rule))


def number(value: float) -> str:
    """Write a number as PromQL reads it, as short as keeps its value."""
    return f"{value:.12g}"


def quoted(text: str) -> str:
    """Write a label's value as PromQL does."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
