"""Forecasts on real operations series: ours against the peers, damaged histories, and the speed of a fleet.

    make bench-forecast                    # at most 15 minutes
    DATA=folder make bench-forecast        # other data: long Parquet files (unique_id, ds, y; ds starts its interval)
    FULL=1 make bench-forecast             # every peer on every task

Each task hides the horizon, asks every contender in turn, and scores it on what was hidden. Sets under 10 series are
pooled. Other peers than Prophet live in `.bench-venv`, which is made where it is missing (`forecast_peers.txt`).
Relative figures are geometric means over series of (contender ÷ other), then over sets. By default Prophet and the
other peers are asked for a sample of tasks, and ours is compared with each on the tasks that it answered. A table, and
as the last line one JSON object; what cannot be measured is null, with a line that says why.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from forecast_tasks import DAMAGES, JOBS, LEVELS, ROOT, Job, Task, damaged, folder, naive, tasks

sys.path.insert(0, str(ROOT))

from capacity import scores
from capacity.forecast import forecast
from capacity.frames import wide

FULL = os.environ.get("FULL") == "1"
HERE = Path(__file__).resolve().parent
PEERS = ("AutoARIMA", "TBATS", "MSTL + ETS", "LightGBM")
BENCH = ROOT / ".bench-venv"
# Tasks of a set that slow contenders are asked for, the seconds after which they are asked for no other, and those
# after which they are stopped; unless FULL=1.
SAMPLE = 8
INSTALL_S = 240
PEER_S, PEER_MOST_S = 6.0, 20.0
# Series of a set whose histories are damaged, at their last origin; histories shorter than that in days are not.
DAMAGED = 40
DAMAGED_DAYS = 6
POOLED = 10
# MASE of M4 hourly as others give it: its own seasonal naive and winner, and common libraries.
PUBLISHED = "published: seasonal naive 1.19, the best 0.80, AutoARIMA 0.92, Prophet 1.78"
Groups = list[list[Task]]


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


def prophet(task: Task, job: Job) -> np.ndarray:
    """Prophet as it comes: its own intervals, by its own predictive samples."""
    return np.quantile(prophet_samples(task, job), LEVELS, axis=1).T


def prophet_samples(task: Task, job: Job) -> np.ndarray:
    """Prophet's own sample paths, shape (horizon, path)."""
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
        return np.asarray(model.predictive_samples(future)["yhat"])


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


def groups_of(path: Path, job: Job) -> Groups:
    """Tasks that share a time grid are forecast as one fleet."""
    found: dict[tuple[object, ...], list[Task]] = {}
    for task in tasks(path, job):
        found.setdefault((task.seen.index[0], task.seen.index[-1], len(task.truth)), []).append(task)
    return list(found.values())


def rows_of(task: Task, job: Job, contender: str, quantiles: np.ndarray, seconds: float) -> list[dict[str, object]]:
    found = score(quantiles, task, job)
    said = {"id": task.name, "origin": task.origin, "contender": contender, "seconds": seconds}
    return [] if found is None else [{**said, **found}]


def own(groups: Groups, job: Job) -> list[dict[str, object]]:
    """Ours and seasonal naive on every task. A series that ours skipped is naive's: no task is left out."""
    rows = []
    for group in groups:
        started = time.perf_counter()
        made = ours(group, job)
        each = (time.perf_counter() - started) / len(group)
        for place, task in enumerate(group):
            started = time.perf_counter()
            repeated = naive(task, job)
            rows += rows_of(task, job, "naive", repeated, time.perf_counter() - started)
            mine = made[:, place]
            rows += rows_of(task, job, "ours", mine if np.isfinite(mine).all() else repeated, each)
    return rows


def sample(groups: Groups) -> list[Task]:
    """All tasks, or as many spread evenly over the set."""
    every = sorted((task for group in groups for task in group), key=lambda task: (task.origin, task.name))
    return every if FULL or len(every) <= SAMPLE else [every[place * len(every) // SAMPLE] for place in range(SAMPLE)]


def prophets(chosen: Iterable[Task], job: Job) -> list[dict[str, object]]:
    rows = []
    for task in chosen:
        started = time.perf_counter()
        made = prophet(task, job)
        rows += rows_of(task, job, "Prophet", made, time.perf_counter() - started)
    return rows


def prepare_peers() -> bool:
    """Make the peers' environment, if it is not there; returns whether they can be asked."""
    python = BENCH / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]
    wanted = [python, "-c", "import lightgbm, statsforecast"]
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", BENCH], check=True, capture_output=True)
        if subprocess.run(wanted, capture_output=True, check=False).returncode:
            subprocess.run([*install, HERE / "forecast_peers.txt"], check=True, capture_output=True, timeout=INSTALL_S)
    except (subprocess.SubprocessError, OSError) as error:
        print(
            f"{', '.join(PEERS)} are not asked, and what they are wanted for is null: {BENCH.name} not made ({error})"
        )
        return False
    return True


def peers(chosen: list[Task], job: Job) -> list[dict[str, object]]:
    """Ask the peers, each in a process of the benchmark's own environment."""
    rows: list[dict[str, object]] = []
    day = max(1, round(86_400 / pd.Timedelta(job.step).total_seconds()))
    given: dict[str, np.ndarray] = {"count": np.array(len(chosen))}
    for place, task in enumerate(chosen):
        given[f"seen{place}"] = task.seen.to_numpy()
        given[f"how{place}"] = np.array([len(task.truth), day, job.lag if day > 1 else 7])
    with tempfile.TemporaryDirectory() as scratch:
        np.savez(Path(scratch) / "tasks.npz", **given)
        for peer in PEERS:
            made = answers(peer, Path(scratch))
            for place, task in enumerate(chosen):
                if f"made{place}" in made:
                    rows += rows_of(task, job, peer, made[f"made{place}"], float(made[f"took{place}"]))
    return rows


def answers(peer: str, scratch: Path) -> dict[str, np.ndarray]:
    seconds = 1e9 if FULL else PEER_S
    command = [BENCH / "bin" / "python", HERE / "forecast_peers.py", peer, scratch / "tasks.npz", scratch / "made.npz"]
    (scratch / "made.npz").unlink(missing_ok=True)
    try:
        subprocess.run(
            [*command, str(seconds)], capture_output=True, timeout=None if FULL else PEER_MOST_S, check=False
        )
    except subprocess.TimeoutExpired:
        print(f"{peer} was stopped after {PEER_MOST_S:.0f} s", file=sys.stderr)
    made = scratch / "made.npz"
    return dict(np.load(made)) if made.exists() else {}


def damage(groups: Groups, job: Job) -> dict[str, float]:
    """Mean SQL on damaged histories ÷ on the same histories undamaged, against the same truth."""
    last = [[task for task in group if task.origin == 0] for group in groups]
    day = 86_400 / pd.Timedelta(job.step).total_seconds()
    kept = [group for group in last if group and len(group[0].seen) > DAMAGED_DAYS * max(day, 1)]
    kept = [group[:DAMAGED] for group in kept][:DAMAGED]
    found: dict[str, list[float]] = {}
    for how in ("clean", *DAMAGES):
        random = np.random.default_rng(0)
        for group in kept:
            broken = group if how == "clean" else [damaged(task, how, job, random) for task in group]
            made = ours(broken, job)
            for place, task in enumerate(group):
                mine = made[:, place] if np.isfinite(made[:, place]).all() else naive(broken[place], job)
                scored = score(mine, task, job)
                if scored is not None:
                    found.setdefault(how, []).append(scored["sql"])
    clean = float(np.mean(found["clean"])) if found.get("clean") else np.nan
    return {how: float(np.mean(found[how])) / clean for how in DAMAGES if found.get(how)}


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
    against = {peer: relative(rows, "ours", peer, "sql") for peer in ("naive", "Prophet", *PEERS)}
    known = [value for value in against.values() if value is not None]
    # Without the peers nobody knows who is the best of them.
    best = max(known) if any(against[peer] is not None for peer in PEERS) else None
    return {
        "set": name,
        "series": mine["id"].nunique(),
        "tasks": len(mine),
        **{f"÷ {peer}": value for peer, value in against.items()},
        "÷ best": best,
        "MASE ÷ naive": relative(rows, "ours", "naive", "mase"),
        "MASE": mine["mase"].mean(),
        "80 %": mine["coverage80"].mean(),
        "95 %": mine["coverage95"].mean(),
        "ms": 1000 * mine["seconds"].mean(),
    }


def geometric(values: pd.Series) -> float | None:
    known = pd.to_numeric(values).dropna()
    return float(np.exp(np.log(known).mean())) if len(known) else None


def speed() -> dict[str, float]:
    """Ten thousand series, one series, and default Prophet on three of them, in processes of their own."""
    found = {}
    for what in ("fleet", "single"):
        ran = subprocess.run(
            [sys.executable, HERE / "forecast_fleet.py", what], capture_output=True, text=True, check=True
        )
        found[what] = json.loads(ran.stdout.splitlines()[-1])
    from forecast_fleet import fleet

    history = fleet(3)
    seen = [
        Task(str(place), 0, column.tz_localize(None), np.zeros(672))
        for place, (_, column) in enumerate(history.items())
    ]
    prophet(seen[0], JOBS["pjm"])
    started = time.perf_counter()
    for task in seen:
        prophet(task, JOBS["pjm"])
    each = (time.perf_counter() - started) / len(seen)
    seconds, series = found["fleet"]["seconds"], found["fleet"]["series"]
    return {
        "fleet_seconds": seconds,
        "fleet_vs_prophet": each / (seconds / series),
        "fleet_memory_mb": found["fleet"]["memory_mb"],
        "single_ms": found["single"]["ms"],
    }


def figures(
    table: pd.DataFrame, m4: float | None, harm: pd.DataFrame, fast: dict[str, float]
) -> dict[str, float | None]:
    """Return the last line: what is not measured is null."""

    def column(name: str) -> pd.Series:
        return pd.to_numeric(table[name]) if name in table else pd.Series(dtype=float)

    found = {
        "sql_vs_naive": geometric(column("÷ naive")),
        "sql_vs_prophet": geometric(column("÷ Prophet")),
        "sql_vs_best_peer": geometric(column("÷ best")),
        "coverage80_mean": column("80 %").mean(),
        "coverage80_min": column("80 %").min(),
        "coverage80_max": column("80 %").max(),
        "worst_set_vs_naive": column("÷ naive").max(),
        "m4_mase": m4,
        **{f"damage_{how}": harm[how].mean() if how in harm else None for how in DAMAGES},
        **fast,
    }
    return {
        key: None if value is None or not np.isfinite(value) else round(float(value), 4) for key, value in found.items()
    }


def main() -> None:
    where, scored, harm = folder(), {}, {}
    asked = prepare_peers()
    for name, job in JOBS.items():
        found = sorted(where.rglob(f"{job.file}.parquet"))
        if not found:
            print(f"{name}: no {job.file}.parquet below {where.name}/: its figures are null", flush=True)
            continue
        groups = groups_of(found[0], job)
        if not groups:
            print(f"{name}: no series is long enough", flush=True)
            continue
        chosen = sample(groups)
        rows = pd.DataFrame([*own(groups, job), *prophets(chosen, job), *(peers(chosen, job) if asked else [])])
        rows["id"] = name + "/" + rows["id"].astype(str)
        scored[name], harm[name] = rows, damage(groups, job)
        print(f"{name}: {len(rows)} answers", file=sys.stderr, flush=True)
    small = [name for name, rows in scored.items() if rows["id"].nunique() < POOLED]
    m4 = float(scored["m4"].query("contender == 'ours'")["mase"].mean()) if "m4" in scored else None
    if small:
        scored[" + ".join(small)] = pd.concat([scored.pop(name) for name in small])
    report(scored, pd.DataFrame.from_dict(harm, orient="index"), m4)


def report(scored: dict[str, pd.DataFrame], harm: pd.DataFrame, m4: float | None) -> None:
    table = pd.DataFrame([summary(name, rows) for name, rows in scored.items()])
    with pd.option_context("display.width", 220, "display.max_columns", 30):
        print("SQL of ours ÷ each contender's, on the tasks that both answered")
        print(table.round(3).to_string(index=False) if len(table) else "nothing to score")
        print("\nseconds a series: " + ", ".join(f"{who} {took:.3g}" for who, took in spent(scored).items()))
        print("\nSQL on damaged histories ÷ on undamaged ones")
        print(harm.round(3).to_string() if len(harm) else "nothing to damage")
    if m4 is not None:
        print(f"\nM4 hourly, odd ids: MASE {m4:.3f}; {PUBLISHED}")
    print(json.dumps(figures(table, m4, harm, speed())))


def spent(scored: dict[str, pd.DataFrame]) -> dict[str, float]:
    if not scored:
        return {}
    means = pd.concat(scored.values()).groupby("contender")["seconds"].mean()
    return {str(who): float(took) for who, took in means.items()}


if __name__ == "__main__":
    main()
