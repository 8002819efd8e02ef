"""How good claims were, by the table that `reports.ledger.scoring.scored` gives: functions over plain frames."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["brier", "coverage", "reliability"]

EDGES = (0.0, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0)
"""Chances are counted together between these: finer at the ends, where most of them lie."""


def reliability(claims: pd.DataFrame, *, by: str = "within") -> pd.DataFrame:
    """Return how often it happened, by what had been said.

    Returns
    -------
    DataFrame, a row a span of chances within each value of ``by``
        ``said`` (their mean), ``happened`` (the share), ``claims``.
    """
    made = claims[claims["kind"] == "breach"]
    spans = pd.cut(made["value"], list(EDGES), include_lowest=True)
    grouped = made.groupby([by, spans], observed=True)
    table = grouped.agg(said=("value", "mean"), happened=("outcome", "mean"), claims=("outcome", "size"))
    return table.reset_index(names=[by, "span"]).drop(columns="span")


def brier(claims: pd.DataFrame, *, by: str = "within") -> pd.DataFrame:
    """Return the mean of (chance − outcome)² by ``by``, beside that of always saying how often it happened.

    Columns: ``score``, ``base``, ``skill`` (1 − score ÷ base; NaN where it always or never happened), ``claims``.
    """
    made = claims[claims["kind"] == "breach"]
    rows = []
    for name, each in made.groupby(by):
        score = float(((each["value"] - each["outcome"]) ** 2).mean())
        base = float(each["outcome"].var(ddof=0))
        skill = 1 - score / base if base > 0 else np.nan
        rows.append({by: name, "score": score, "base": base, "skill": skill, "claims": len(each)})
    return pd.DataFrame(rows, columns=[by, "score", "base", "skill", "claims"])


def coverage(claims: pd.DataFrame, *, by: str = "within") -> pd.DataFrame:
    """Return the share of outcomes below each quantile that was claimed: at level 0.9 it is to be 0.9.

    Columns: ``by``, ``level``, ``below``, ``claims``.
    """
    made = claims[claims["kind"] == "quantile"]
    below = made.assign(below=(made["outcome"] <= made["value"]).astype(float))
    grouped = below.groupby([by, "level"])["below"]
    return grouped.agg(below="mean", claims="size").reset_index()
