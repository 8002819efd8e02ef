"""The planted fates of the demo over many seeds: is each judged as it deserves, and do the dates hold the truth?

A date is held when the truth lies between the dates of 10 and 90 %, which is when the chance of a breach by then passes
from under 10 % to over 90 % around it. A truth past the horizon is held when less than 90 % is claimed within it: the
interval is open there, "not within the horizon" is what it says.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import numpy as np
import pandas as pd
from forecast_tasks import ROOT

sys.path.insert(0, str(ROOT))

from capacity import load_catalog, plan
from capacity.frames import series_labels
from capacity.plan import Plan
from capacity.simulate import Fate, demo
from connectors import connect

DATED = ("leak", "fills", "busy hour", "saturates")
WINDOW, HORIZON = "120d", "90d"


def fates(seeds: Iterable[int]) -> pd.DataFrame:
    """Return a row a seed and fate; see `judged`."""
    catalog = load_catalog("dwcp")
    found = []
    for seed in seeds:
        planted = demo(seed).fates
        wanted = sorted({fate.resource for fate in planted})
        pulled = connect(f"demo:?seed={seed}").pull(catalog, resources=wanted, window=WINDOW)
        found.append(judged(plan(pulled, catalog, horizon=HORIZON), planted).assign(seed=seed))
    return pd.concat(found, ignore_index=True)


def judged(made: Plan, planted: Iterable[Fate]) -> pd.DataFrame:
    """Return a row a fate: its ``verdict``, whether that is ``just``, its dates, and whether they ``held`` the truth.

    ``before`` and ``by`` are the chances of a breach just before the true date, and by it: the truth is held where the
    second has reached 10 % and the first is not past 90 %.
    """
    rows = []
    for fate in planted:
        outlook = made.outlooks[fate.resource]
        at = [dict(fate.labels).items() <= labels.items() for labels in series_labels(outlook.curve)].index(True)
        told, curve = outlook.table.iloc[at], outlook.curve.iloc[:, at]
        end = curve.index[-1] if pd.isna(fate.breach) else min(fate.breach, curve.index[-1])
        beyond = pd.isna(fate.breach) or fate.breach > curve.index[-1]
        before, by = curve[curve.index < end].max(), curve[curve.index <= end].max()
        rows.append(
            {
                "kind": fate.kind, "verdict": told["verdict"], "just": told["verdict"] in fate.verdicts,
                "truth": fate.breach, "p10": told["breach_p10"], "p50": told["breach_p50"], "p90": told["breach_p90"],
                "before": np.nan_to_num(by if beyond else before), "by": 1.0 if beyond else by,
                "dated": fate.kind in DATED,
            }
        )  # fmt: skip
    table = pd.DataFrame(rows)
    return table.assign(held=(table["by"] >= 0.1) & (table["before"] <= 0.9))
