"""A forecast in one sentence: what it is made of, what was done to its history, and how good it was."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from capacity.components import Parts
from capacity.units import human

__all__ = ["Facts", "sentence"]

# A slope below this share of the level in 30 days, or a season below it, is not worth a word.
WORTH = 0.005


@dataclass(frozen=True)
class Facts:
    """What there is to say of one series.

    Attributes
    ----------
    name, model, note : str
    parts : Parts
    unit : str
        The base unit; empty where it is not known.
    bounds : tuple of float, or None
        Between which the series is forecast on a logit scale; None: on its own.
    missing, left_out : int
        Samples that were filled; of these, those declared unfit.
    events : str
    score : Series
        ``mase``, ``naive_mase``, ``coverage80``, ``folds``.
    """

    name: str
    model: str
    note: str
    parts: Parts
    unit: str
    bounds: tuple[float, float] | None
    missing: int
    left_out: int
    events: str
    score: pd.Series


def sentence(facts: Facts) -> str:
    """Return the sentence."""
    said = [
        f"{facts.name}: {facts.model}, {facts.note}",
        _made_of(facts),
        _treated(facts),
        facts.events,
        _scored(facts),
    ]
    return "; ".join(part for part in said if part) + "."


def _made_of(facts: Facts) -> str:
    parts, base = facts.parts, facts.unit
    least = WORTH * abs(parts.level)
    said = [f"level {human(parts.level, base)}"]
    if abs(parts.per_30d) > least:
        sign = "+" if parts.per_30d > 0 else "−"
        said.append(f"trend {sign}{human(abs(parts.per_30d), base)} in 30 d")
    else:
        said.append("no trend")
    for season, size in (("day", parts.day), ("week", parts.week)):
        if size > least:
            said.append(f"{season} ±{human(size, base)}")
    return ", ".join(said)


def _treated(facts: Facts) -> str:
    said = []
    if facts.bounds is not None:
        low, high = (human(bound, facts.unit) for bound in facts.bounds)
        said.append(f"on a logit scale between {low} and {high}")
    filled = facts.missing - facts.left_out
    if filled > 0:
        said.append(f"{filled:,} missing sample{'s' if filled > 1 else ''} filled")
    if facts.left_out:
        said.append(f"{facts.left_out:,} declared unfit left out")
    return ", ".join(said)


def _scored(facts: Facts) -> str:
    score = facts.score
    folds = int(score["folds"])
    if not folds:
        return "too short for a fold of its own"
    count = f"on {folds} fold{'s' if folds > 1 else ''}"
    mase, naive, held = float(score["mase"]), float(score["naive_mase"]), float(score["coverage80"])
    if pd.isna(mase) or pd.isna(naive):
        return f"{count} there was no error to speak of: its seasons repeat exactly"
    against = f"its error was {mase / naive:.2f} × seasonal naive's" if naive > 0 else "seasonal naive made no error"
    band = "" if pd.isna(held) else f", and {100 * held:.0f} % of what came lay within the 80 % band"
    return f"{count} {against}{band}"
