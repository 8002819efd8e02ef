"""Peers of the forecast benchmark, run by the interpreter of an environment of their own (`.bench-venv`).

    forecast_peers.py PEER TASKS.npz ANSWERS.npz SECONDS

Tasks are histories without dates; answers are quantiles (horizon, level) and the seconds that each took. A peer that
runs out of its time leaves the rest unanswered; one that fails on a task leaves that one unanswered.
"""

from __future__ import annotations

import sys
import time
import warnings
from typing import Any

import numpy as np

LEVELS = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
PEERS = ("AutoARIMA", "TBATS", "MSTL + ETS", "LightGBM")


def held(values: np.ndarray, lag: int) -> np.ndarray:
    """Fill gaps from the season before, then with the last value: these peers take no missing ones."""
    out = values.copy()
    for place in range(len(out)):
        if np.isnan(out[place]):
            out[place] = out[place - lag] if place >= lag else np.nan
    known = np.flatnonzero(np.isfinite(out))
    return np.interp(np.arange(len(out)), known, out[known])


def statistical(peer: str, values: np.ndarray, horizon: int, day: int, lag: int) -> np.ndarray:
    """Their own intervals, as they come."""
    from statsforecast.models import MSTL, TBATS, AutoARIMA, AutoETS

    long = [lag] if lag != day and len(values) >= 2 * lag else []
    periods = [day, *long] if day > 1 else [lag]
    model: Any = {
        "AutoARIMA": lambda: AutoARIMA(season_length=periods[0]),
        "TBATS": lambda: TBATS(season_length=periods),
        "MSTL + ETS": lambda: MSTL(season_length=periods, trend_forecaster=AutoETS(model="ZZN")),
    }[peer]()
    made = model.forecast(y=values, h=horizon, level=[20, 40, 60, 80, 95])
    sides = {0.025: "lo-95", 0.1: "lo-80", 0.2: "lo-60", 0.3: "lo-40", 0.4: "lo-20", 0.6: "hi-20", 0.7: "hi-40"}
    sides |= {0.8: "hi-60", 0.9: "hi-80", 0.975: "hi-95"}
    return np.column_stack([made["mean" if level == 0.5 else sides[level]] for level in LEVELS])


def boosted(values: np.ndarray, horizon: int, day: int, lag: int) -> np.ndarray:
    """LightGBM on lags of whole seasons and the place in them; bands from its errors on the last horizon held back."""
    import lightgbm

    def features(series: np.ndarray, rows: np.ndarray) -> np.ndarray:
        back = lag * -(-horizon // lag)
        places = [rows - back - lag * cycle for cycle in (0, 1)]
        lagged = [series[place] if place.min() >= 0 else np.zeros(len(rows)) for place in places]
        return np.column_stack([*lagged, rows % lag, rows % max(day, 2)])

    def fitted(series: np.ndarray, ahead: int) -> np.ndarray:
        first = min(2 * lag * -(-horizon // lag), len(series) // 2)
        rows = np.arange(max(first, lag * -(-horizon // lag)), len(series))
        settings = {"objective": "l2", "verbose": -1, "num_threads": 2, "seed": 0}
        model = lightgbm.train(settings, lightgbm.Dataset(features(series, rows), series[rows]), num_boost_round=100)
        longer = np.concatenate([series, np.full(ahead, np.nan)])
        return np.asarray(model.predict(features(longer, np.arange(len(series), len(series) + ahead))))

    cut = len(values) - min(horizon, len(values) // 4)
    errors = values[cut:] - fitted(values[:cut], len(values) - cut)
    return fitted(values, horizon)[:, None] + np.quantile(errors, LEVELS)


def main() -> None:
    peer, tasks, answers, seconds = sys.argv[1:]
    warnings.simplefilter("ignore")
    given = np.load(tasks)
    found: dict[str, np.ndarray] = {}
    ends = time.perf_counter() + float(seconds)
    for place in range(int(given["count"])):
        if time.perf_counter() > ends:
            break
        horizon, day, lag = (int(value) for value in given[f"how{place}"])
        values = held(given[f"seen{place}"], lag)
        started = time.perf_counter()
        try:
            how = (values, horizon, day, lag)
            made = boosted(*how) if peer == "LightGBM" else statistical(peer, *how)
        except Exception as error:  # a peer that fails on a series has no answer there, whatever went wrong
            print(f"{peer}, task {place}: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        if made.shape == (horizon, len(LEVELS)) and np.isfinite(made).all():
            found[f"made{place}"], found[f"took{place}"] = made, np.array(time.perf_counter() - started)
            # Written after each task: what is stopped in its next one has answered so far.
            np.savez(answers, **found)


if __name__ == "__main__":
    main()
