"""The speed of a fleet and of one series, each measured in a process of its own; prints one JSON object.

forecast_fleet.py fleet|single
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from capacity.forecast import forecast
from capacity.frames import wide
from capacity.outlook import outlook

WEEKS, AHEAD = 8, "28d"
SERIES = 10_000
LIMIT = 90.0


def fleet(series: int) -> pd.DataFrame:
    """Eight weeks of hourly load: level, day, week, slope and noise of each series' own."""
    random = np.random.default_rng(0)
    hours = np.arange(WEEKS * 168)[:, None]
    phase, level = random.uniform(0, 2 * np.pi, series), random.uniform(20, 60, series)
    values = level + 10 * np.sin(2 * np.pi * hours / 24 + phase) + 4 * np.sin(2 * np.pi * hours / 168 + phase)
    values = values + random.uniform(-0.01, 0.02, series) * hours + random.normal(0, 3, values.shape)
    times = pd.date_range("2026-03-02T01:00Z", periods=len(hours), freq="1h", unit="us")
    return wide(values, times=times, series=[{"node": f"n{place}"} for place in range(series)], metric="cpu")


def asked(history: pd.DataFrame) -> float:
    """Median, 80 and 95 %, probability and date of a breach; returns the seconds."""
    started = time.perf_counter()
    made = forecast(history, horizon=AHEAD)
    for level in (0.5, 0.1, 0.9, 0.025, 0.975):
        made.quantile(level)
    outlook(made, limit=LIMIT)
    return time.perf_counter() - started


def main() -> None:
    if sys.argv[1] == "fleet":
        # The imports and the cached designs are warm, as in a service: what is asked is what ten thousand series cost.
        asked(fleet(2))
        seconds = asked(fleet(SERIES))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"seconds": seconds, "memory_mb": peak, "series": SERIES}))
    else:
        history = fleet(1)
        asked(history)
        print(json.dumps({"ms": 1000 * min(asked(history) for _ in range(5))}))


if __name__ == "__main__":
    main()
