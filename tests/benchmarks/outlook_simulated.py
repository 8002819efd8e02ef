"""Ours against an oracle: fleets of four kinds, whose chance of a breach is known from the true process and its state.

The oracle's claim is the share of futures that the true process has from its true state. As that is known, scores are
expectations over all futures, not one draw of luck: ours less the oracle's is the mean squared difference of claims.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from forecast_tasks import ROOT
from outlook_rules import LADDER_HOURLY

sys.path.insert(0, str(ROOT))

from capacity.forecast import forecast
from capacity.frames import wide
from capacity.outlook import outlook
from capacity.simulate.known import KINDS, known

BOUNDS = {"processor": (0.0, 100.0), "disk": (0.0, None), "queue": (0.0, None), "traffic": (0.0, None)}
# Besides the ladder from the history: limits that the oracle itself gives these chances.
EVEN = (0.1, 0.3, 0.5, 0.7, 0.9)
RECENT = 28 * 24


def simulated(seeds: tuple[int, ...] = (0,)) -> pd.DataFrame:
    """Return a row a series and limit: ``kind``, ``ladder`` (seen or even), ``oracle``, ``claimed``."""
    rows = []
    for seed in seeds:
        for kind in KINDS:
            fleet = known(kind, seed=seed)
            times = pd.date_range("2026-03-02T01:00Z", periods=len(fleet.history), freq="1h", unit="us")
            names = [f"s{place}" for place in range(fleet.history.shape[1])]
            history = wide(fleet.history, times=times, series=[{"id": name} for name in names], metric=kind)
            made = forecast(history, horizon="28d", bounds=BOUNDS[kind])
            most = fleet.futures.max(axis=1)
            for ladder, limits in (
                ("seen", _seen(fleet.history)),
                ("even", np.quantile(most, 1 - np.array(EVEN), axis=0)),
            ):
                for rung, limit in enumerate(limits):
                    asked = pd.Series(limit, index=pd.Index(names, name="id"))
                    claimed = outlook(made, limit=asked).curve.iloc[-1].to_numpy()
                    rows.append(
                        pd.DataFrame(
                            {
                                "kind": kind, "seed": seed, "ladder": ladder, "rung": rung, "id": names, "limit": limit,
                                "oracle": (most > limit).mean(axis=0),
                                "claimed": np.where(np.isnan(claimed), 0.5, claimed),
                            }
                        )
                    )  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def _seen(history: np.ndarray) -> np.ndarray:
    middle, high = np.quantile(history[-RECENT:], (0.5, 0.99), axis=0)
    return middle + np.array(LADDER_HOURLY)[:, None] * (high - middle)


def brier(claimed: pd.Series, oracle: pd.Series) -> float:
    """Expected Brier score of claims, over all futures."""
    return float((oracle * (1 - claimed) ** 2 + (1 - oracle) * claimed**2).mean())
