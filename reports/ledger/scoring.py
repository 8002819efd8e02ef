"""Claims held against what happened: each once, when its time has come, and by what was known when it was made.

A breach is scored by the usable capacity that the claim was made on: what was ordered since is no merit of the
forecast, and no fault. It happened if the resource's aggregate of demand over `sustained` was past it at any time after
the cutoff and up to the due date. A stretch of which too little is known is not scored.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from capacity import passage
from capacity.catalog import Catalog, Resource
from capacity.frames import duration, series_labels, step_of
from reports.ledger.claims import BREACH, labels_text
from reports.ledger.store import Store, text

__all__ = ["KNOWN", "score", "scored"]

KNOWN = 0.9
"""The share of a stretch's steps that has to be known before "it did not happen" is said of it."""


def score(store: Store, history: Mapping[str, pd.DataFrame], catalog: Catalog, *, as_of: pd.Timestamp) -> int:
    """Score the claims that were due by ``as_of``, as far as histories tell, and return how many.

    Parameters
    ----------
    history : mapping of resource to wide frame
        Demand in base units, such as ``pulled.demand``.
    """
    done = 0
    for name, frame in history.items():
        if name not in catalog.resources or not len(frame):
            continue
        query = "SELECT * FROM claims WHERE resource = ? AND scored IS NULL AND due <= ? AND due <= ?"
        waiting = store.rows(query, name, text(as_of), text(pd.Timestamp(frame.index[-1])))
        places = {labels_text(labels): place for place, labels in enumerate(series_labels(frame))}
        with store.transaction():
            for claim in waiting:
                place = places.get(claim["labels"])
                outcome = None if place is None else _outcome(claim, frame.iloc[:, place], catalog.resources[name])
                if outcome is not None:
                    store.do(
                        "UPDATE claims SET outcome = ?, scored = ? WHERE id = ?", outcome, text(as_of), claim["id"]
                    )
                    done += 1
    return done


def _outcome(claim: Mapping[str, Any], values: pd.Series, resource: Resource) -> float | None:
    """Return what became of a claim: of a quantile the value, of a breach 1 or 0; None: it cannot be told."""
    due = pd.Timestamp(claim["due"])
    if claim["kind"] != BREACH:
        value = float(values.get(due, np.nan))
        return value if np.isfinite(value) else None
    if claim["usable"] is None:
        return None
    step = step_of(values.to_frame())
    window = passage.window_steps(resource.sustained, step)
    cutoff = due - duration(claim["within"])
    stretch = values.loc[cutoff - (window - 1) * step :].loc[:due].to_numpy(dtype=float)
    wanted = (due - cutoff) // step + window - 1
    rolled = passage.rolling(stretch[None, -wanted:, None], window, resource.aggregate)[0]
    if passage.past(rolled, np.array([float(claim["usable"])]), resource.direction).any():
        return 1.0
    return 0.0 if np.isfinite(stretch).sum() >= KNOWN * wanted else None


def scored(store: Store, *, since: pd.Timestamp | None = None, schedule: str | None = None) -> pd.DataFrame:
    """Return the claims that were scored, a row each, of those that were due since an instant.

    Columns: ``schedule``, ``as_of``, ``resource``, ``series``, ``labels``, ``model``, ``kind``, ``within``, ``due``,
    ``level``, ``value`` (what was said: a chance, or a quantile), ``outcome`` (what happened).
    """
    query = (
        "SELECT schedule, as_of, resource, series, labels, model, kind, within, due, level, value, outcome FROM claims "
        "WHERE scored IS NOT NULL AND due >= ? AND (? IS NULL OR schedule = ?) ORDER BY due, id"
    )
    rows = store.rows(query, "" if since is None else text(since), schedule, schedule)
    names = ["schedule", "as_of", "resource", "series", "labels", "model", "kind", "within", "due", "level", "value",
             "outcome"]  # fmt: skip
    found = pd.DataFrame(rows, columns=names)
    for column in ("as_of", "due"):
        found[column] = pd.to_datetime(found[column], utc=True)
    found["labels"] = [json.loads(each) for each in found["labels"]]
    return found
