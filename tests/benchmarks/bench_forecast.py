"""Forecasts on real operations series: ours, seasonal naive with empirical quantiles, and Prophet as it comes.

    python tests/benchmarks/bench_forecast.py            # or: make bench-forecast
    DATA=folder python tests/benchmarks/bench_forecast.py
    FULL=1 …                                             # Prophet on every task, not on a sample

Data: long Parquet files (unique_id, ds, y; ds is the start of its interval). Each task hides the horizon, asks every
contender in turn, and scores it on what was hidden. A table, and as the last line one JSON object; a figure whose data
is not there is null.

SQL: scaled quantile loss over .025, .1, .2 … .9, .975. Relative figures are geometric means over series of
(contender ÷ seasonal naive), then over sets.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from capacity import scores  # noqa: E402
from capacity.forecast import forecast  # noqa: E402
from capacity.frames import wide  # noqa: E402

LEVELS = scores.SQL_LEVELS
ORIGINS = 6
# Prophet takes a tenth of a second and more a series: so many tasks a set unless FULL=1.
PROPHET_TASKS = 8
FULL = os.environ.get("FULL") == "1"


@dataclass(frozen=True)
class Job:
    """How a set is cut: step, steps seen (None: all that is there), steps ahead, season of the naive forecast."""

    file: str
    step: str
    seen: int | None
    ahead: int
    lag: int


JOBS = {
    "pjm": Job("pjm_hourly", "1h", 56 * 24, 28 * 24, 168),
    "public": Job("public_hourly", "1h", 56 * 24, 28 * 24, 168),
    "cesnet": Job("cesnet_hourly", "1h", 56 * 24, 28 * 24, 168),
    "nab_hourly": Job("nab_hourly", "1h", 56 * 24, 28 * 24, 168),
    "cloud_traces": Job("cloud_traces_hourly", "1h", 14 * 24, 7 * 24, 168),
    "http": Job("http_hourly", "1h", 14 * 24, 7 * 24, 168),
    "m4": Job("m4_hourly_odd", "1h", None, 48, 24),
    "parking": Job("parking_30min", "30min", 42 * 48, 7 * 48, 336),
    "nab_aws": Job("nab_aws_5min", "5min", 7 * 288, 2 * 288, 288),
    "web": Job("web_daily", "1D", 730, 90, 7),
}


@dataclass(frozen=True)
class Task:
    """One series at one origin."""

    name: str
    origin: int
    seen: pd.Series
    truth: np.ndarray


def folder() -> Path:
    if "DATA" in os.environ:
        return Path(os.environ["DATA"])
    shared = ROOT.parent / "shared" / "data"
    return shared if shared.is_dir() else ROOT / "tests" / "data"


def tasks(path: Path, job: Job) -> Iterator[Task]:
    """Yield every series at up to six origins, spaced by the horizon, the last first; shorter daily ones 1 y → 30 d."""
    step = pd.Timedelta(job.step)
    for name, rows in pd.read_parquet(path).groupby("unique_id", sort=True):
        stamped = rows.set_index("ds")["y"].astype(float)
        stamped = stamped[~stamped.index.duplicated()]
        stamped.index = stamped.index + step
        series = stamped.reindex(pd.date_range(stamped.index.min(), stamped.index.max(), freq=step))
        ahead = job.ahead
        seen = len(series) - ahead if job.seen is None else job.seen
        if job.step == "1D" and len(series) < seen + ahead:
            seen, ahead = 365, 30
        for origin in range(1 if job.seen is None else ORIGINS):
            cut = len(series) - (origin + 1) * ahead
            if cut < seen:
                break
            truth = series.iloc[cut : cut + ahead].to_numpy()
            if np.isfinite(truth).any() and series.iloc[cut - seen : cut].notna().sum() >= 24:
                yield Task(str(name), origin, series.iloc[cut - seen : cut], truth)


def ours(group: list[Task], job: Job) -> np.ndarray:
    """Quantiles (horizon, series, level) by the product's public defaults."""
    times = pd.DatetimeIndex(group[0].seen.index).tz_localize("UTC")
    values = np.column_stack([task.seen.to_numpy() for task in group])
    history = wide(values, times=times, series=[{"id": task.name} for task in group], metric="y")
    made = forecast(history, horizon=pd.Timedelta(job.step) * len(group[0].truth))
    out = np.full((len(group[0].truth), len(group), len(LEVELS)), np.nan)
    known = [dict(zip(made.columns.names, key, strict=True))["id"] for key in made.columns]
    places = [[task.name for task in group].index(name) for name in known]
    for place, level in enumerate(LEVELS):
        out[:, places, place] = made.quantile(level).to_numpy()
    return out


def naive(task: Task, job: Job) -> np.ndarray:
    """Seasonal naive; its quantiles are those of the history's differences over as many seasons as it looks ahead."""
    seen, ahead = task.seen.to_numpy(), len(task.truth)
    filled = pd.Series(seen)
    filled = filled.fillna(filled.shift(job.lag)).ffill().bfill().to_numpy()
    out = np.empty((ahead, len(LEVELS)))
    apart = np.zeros(1)
    for cycle in range(1, -(-ahead // job.lag) + 1):
        wide_apart = seen[cycle * job.lag :] - seen[: -cycle * job.lag]
        wide_apart = wide_apart[np.isfinite(wide_apart)]
        apart = wide_apart if len(wide_apart) >= 10 else apart
        part = np.arange((cycle - 1) * job.lag, min(cycle * job.lag, ahead))
        out[part] = filled[-job.lag :][part % job.lag, None] + np.quantile(apart, LEVELS)
    return out


def prophet(task: Task, job: Job) -> np.ndarray:
    """Prophet as it comes: its own intervals, by its own predictive samples."""
    for name in ("prophet", "cmdstanpy"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from prophet import Prophet

        model = Prophet()
        step = pd.Timedelta(job.step)
        known = task.seen.dropna()
        model.fit(pd.DataFrame({"ds": known.index - step, "y": known.to_numpy()}), seed=0)
        future = pd.DataFrame({"ds": pd.date_range(task.seen.index[-1], periods=len(task.truth), freq=step)})
        samples = model.predictive_samples(future)["yhat"]
    return np.quantile(samples, LEVELS, axis=1).T


def score(quantiles: np.ndarray, task: Task, job: Job) -> dict[str, float] | None:
    """SQL, MASE and coverage of one task; None where its history has no scale."""
    scale = scores.seasonal_scale(task.seen.to_numpy()[:, None], lag=job.lag)
    if not np.isfinite(scale).all():
        return None
    actual = task.truth[:, None]
    columns = [quantiles[:, place, None] for place in range(len(LEVELS))]
    at = {level: columns[place] for place, level in enumerate(LEVELS)}
    return {
        "sql": float(scores.sql(actual, columns, LEVELS, scale)[0]),
        "mase": float(scores.mase(actual, at[0.5], scale)[0]),
        "coverage80": float(scores.coverage(actual, at[0.1], at[0.9])[0]),
        "coverage95": float(scores.coverage(actual, at[0.025], at[0.975])[0]),
    }


def run(path: Path, job: Job) -> pd.DataFrame:
    """Score every contender on every task of a set: one row a task and contender."""
    groups: dict[tuple[object, ...], list[Task]] = {}
    for task in tasks(path, job):
        groups.setdefault((task.seen.index[0], task.seen.index[-1], len(task.truth)), []).append(task)
    rows: list[dict[str, object]] = []
    asked = 0
    for group in groups.values():
        started = time.perf_counter()
        made = ours(group, job)
        each = (time.perf_counter() - started) / len(group)
        for place, task in enumerate(group):
            ask = FULL or asked < PROPHET_TASKS
            asked += 1
            rows.extend(contend(task, job, made[:, place], each, ask_prophet=ask))
    return pd.DataFrame(rows)


def contend(task: Task, job: Job, made: np.ndarray, seconds: float, *, ask_prophet: bool) -> list[dict[str, object]]:
    """Score ours and the peers on one task. A series that ours skipped is naive's: no task is left out."""
    started = time.perf_counter()
    answers = {"naive": (naive(task, job), time.perf_counter() - started)}
    answers["ours"] = (made if np.isfinite(made).all() else answers["naive"][0], seconds)
    if ask_prophet:
        started = time.perf_counter()
        answers["prophet"] = (prophet(task, job), time.perf_counter() - started)
    rows = []
    for contender, (quantiles, took) in answers.items():
        found = score(quantiles, task, job)
        if found is not None:
            rows.append({"id": task.name, "origin": task.origin, "contender": contender, "seconds": took, **found})
    return rows


def relative(rows: pd.DataFrame, contender: str, other: str, of: str) -> float | None:
    """Geometric mean over series of contender ÷ other, on the tasks that both have."""
    both = rows[rows["contender"].isin((contender, other))].pivot_table(
        index=["id", "origin"], columns="contender", values=of
    )
    if contender not in both or other not in both:
        return None
    means = both.dropna().groupby("id").mean()
    ratio = (means[contender] + 1e-9) / (means[other] + 1e-9)
    return float(np.exp(np.log(ratio).mean())) if len(ratio) else None


def summary(name: str, rows: pd.DataFrame) -> dict[str, object]:
    mine = rows[rows["contender"] == "ours"]
    theirs = rows[rows["contender"] == "prophet"]
    return {
        "set": name,
        "series": mine["id"].nunique(),
        "tasks": len(mine),
        "sql_vs_naive": relative(rows, "ours", "naive", "sql"),
        "mase_vs_naive": relative(rows, "ours", "naive", "mase"),
        "sql_vs_prophet": relative(rows, "ours", "prophet", "sql"),
        "mase": mine["mase"].mean(),
        "coverage80": mine["coverage80"].mean(),
        "coverage95": mine["coverage95"].mean(),
        "naive80": rows.loc[rows["contender"] == "naive", "coverage80"].mean(),
        "ms": 1000 * mine["seconds"].mean(),
        "prophet_ms": 1000 * theirs["seconds"].mean(),
    }


def geometric(values: pd.Series) -> float | None:
    known = pd.to_numeric(values).dropna()
    return float(np.exp(np.log(known).mean())) if len(known) else None


def figures(table: pd.DataFrame) -> dict[str, float | None]:
    """Return the last line: what is not measured is null."""
    if table.empty:
        table = pd.DataFrame(
            columns=["set", "sql_vs_naive", "sql_vs_prophet", "coverage80", "mase", "ms", "prophet_ms"]
        )
    covered, m4 = pd.to_numeric(table["coverage80"]), table.loc[table["set"] == "m4", "mase"]
    speed = (pd.to_numeric(table["prophet_ms"]) / pd.to_numeric(table["ms"])).dropna()
    found = {
        "sql_vs_naive": geometric(table["sql_vs_naive"]),
        "sql_vs_prophet": geometric(table["sql_vs_prophet"]),
        "coverage80_mean": covered.mean(),
        "coverage80_min": covered.min(),
        "coverage80_max": covered.max(),
        "worst_set_vs_naive": pd.to_numeric(table["sql_vs_naive"]).max(),
        "m4_mase": m4.iloc[0] if len(m4) else None,
        "faster_than_prophet": geometric(speed),
    }
    return {
        key: None if value is None or not np.isfinite(value) else round(float(value), 4) for key, value in found.items()
    }


def main() -> None:
    where = folder()
    rows = []
    for name, job in JOBS.items():
        found = sorted(where.rglob(f"{job.file}.parquet"))
        if not found:
            print(f"{name}: no {job.file}.parquet below {where.name}/: its figures are null", flush=True)
            continue
        scored = run(found[0], job)
        if scored.empty:
            print(f"{name}: no series is long enough", flush=True)
            continue
        rows.append(summary(name, scored))
    table = pd.DataFrame(rows)
    with pd.option_context("display.width", 200, "display.max_columns", 20):
        print(table.round(3).to_string(index=False) if len(table) else "nothing to score")
    print(json.dumps(figures(table)))


if __name__ == "__main__":
    main()
