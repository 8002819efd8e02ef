"""The tasks of the forecast benchmark: sets, origins, the naive forecast, and ways to damage a history."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
# The levels of the scaled quantile loss; 80 % is .1 to .9, 95 % is .025 to .975.
LEVELS = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)
ORIGINS = 6


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


DAMAGES = ("gaps", "spikes", "dst", "outage", "shift")


def damaged(task: Task, how: str, job: Job, random: np.random.Generator) -> Task:
    """Damage a history; the truth stays as it was.

    ``gaps``: a tenth of samples and three days are missing. ``spikes``: 2 % of samples are ten deviations high.
    ``dst``: the first half tells the time an hour late. ``outage``: the last 36 hours are 0. ``shift``: all but the
    last three days lie three deviations higher.
    """
    values = task.seen.to_numpy(copy=True)
    day = max(1, round(86_400 / pd.Timedelta(job.step).total_seconds()))
    rows, deviation = len(values), float(np.nanstd(values))
    if how == "gaps":
        values[random.random(rows) < 0.1] = np.nan
        hole = int(random.integers(rows // 4, rows - 4 * day))
        values[hole : hole + 3 * day] = np.nan
    elif how == "spikes":
        values[random.random(rows) < 0.02] += 10 * deviation
    elif how == "dst" and day > 1:
        values[: rows // 2] = np.roll(values, day // 24)[: rows // 2]
    elif how == "outage":
        values[-round(1.5 * day) :] = 0.0
    elif how == "shift":
        values[: -3 * day] += 3 * deviation
    return replace(task, seen=pd.Series(values, index=task.seen.index))
