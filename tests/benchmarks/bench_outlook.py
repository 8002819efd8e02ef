"""Chances and dates of a breach: ours against the rules that people go by, on real series, simulated ones and the demo.

    make bench-outlook                     # at most 15 minutes
    DATA=folder make bench-outlook         # other data: long Parquet files (unique_id, ds, y; ds starts its interval)
    FULL=1 make bench-outlook              # Prophet on every task

The tasks are those of the forecast benchmark; each is asked a ladder of six limits, taken from what was seen alone.
Nothing is left out for its result: a limit that is passed at the cutoff is scored by whether it is passed within the
horizon, and what ours cannot judge counts as a claim of one half. Brier, log loss and calibration error are of "within
the horizon", integrated Brier of the date. Sets under 200 rows are pooled; figures are means over sets. By default
Prophet is asked for a sample of tasks, and compared with on those. Then the simulated fleets, and the demo of seeds 0
to 49. Tables, and as the last line one JSON object; what cannot be measured is null.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from bench_forecast import Groups, groups_of, prophet_samples, sample
from forecast_tasks import JOBS, LEVELS, ROOT, Job, Task, folder, naive
from outlook_demo import fates
from outlook_rules import RULES, Event, curves, event_of, met, naive_paths
from outlook_simulated import brier, simulated

sys.path.insert(0, str(ROOT))

from capacity import scores
from capacity.forecast import Forecast, forecast
from capacity.frames import wide
from capacity.outlook import outlook

POOLED_ROWS = 200
PATHS = 500
SEEDS = range(50)
# For work on the product: every n-th series of each set.
STRIDE = int(os.environ.get("STRIDE", "1"))
Rows = list[dict[str, object]]


def scored(name: str, task: Task, contender: str, found: dict[str, np.ndarray], event: Event) -> Rows:
    """A row a rule and limit: the claim for the whole horizon, what came, and the Brier score of the date."""
    came = met(task, event)
    return [
        {
            "set": name, "id": task.name, "origin": task.origin, "limit": place, "contender": contender, "rule": rule,
            "claimed": float(curve[-1, place]), "came": float(came[-1, place]), "date": float(date[place]),
        }
        for rule, curve in found.items()
        for date in [scores.integrated_brier(curve, came)]
        for place in range(len(event.limits))
    ]  # fmt: skip


def ours(name: str, group: list[Task], job: Job) -> Rows:
    """Ask the product by its public defaults, a group of tasks that share a grid at once."""
    times = pd.DatetimeIndex(group[0].seen.index).tz_localize("UTC")
    values = np.column_stack([task.seen.to_numpy() for task in group])
    history = wide(values, times=times, series=[{"id": task.name} for task in group], metric="y")
    made = forecast(history, horizon=pd.Timedelta(job.step) * len(group[0].truth))
    place = {dict(zip(made.columns.names, key, strict=True))["id"]: at for at, key in enumerate(made.columns)}
    events = [event_of(task, job) for task in group]
    claims = []
    for rung in range(len(events[0].limits)):
        asked = pd.Series(
            [event.limits[rung] for event in events], index=pd.Index([task.name for task in group], name="id")
        )
        claims.append(outlook(made, limit=asked, sustained=events[0].sustained).curve.to_numpy())
    quantiles = np.stack([made.quantile(level).to_numpy() for level in LEVELS], axis=2)
    drawn = dict(_paths(made))
    rows: Rows = []
    for task, event in zip(group, events, strict=True):
        at = place.get(task.name)
        if at is None:
            found = curves(task, event, quantiles=naive(task, job), paths=naive_paths(task, job))
            blend = np.full((len(task.truth), len(event.limits)), np.nan)
        else:
            found = curves(task, event, quantiles=quantiles[:, at], paths=drawn[at])
            blend = np.stack([claim[:, at] for claim in claims], axis=1)
        blind = np.isnan(blend)
        found["blend"] = np.where(blind, 0.5, blend)
        rows += [{**row, "blind": bool(blind[-1, row["limit"]])} for row in scored(name, task, "ours", found, event)]  # type: ignore[call-overload]
    return rows


def _paths(made: Forecast) -> Iterator[tuple[int, np.ndarray]]:
    for where, block in made.iter_paths(PATHS):
        for at in range(where.start, where.stop):
            yield at, np.ascontiguousarray(block[:, :, at - where.start].T, dtype=np.float32)


def naives(name: str, group: list[Task], job: Job) -> Rows:
    rows: Rows = []
    for task in group:
        event = event_of(task, job)
        found = curves(task, event, quantiles=naive(task, job), paths=naive_paths(task, job))
        rows += scored(name, task, "naive", found, event)
    return rows


def prophets(name: str, chosen: list[Task], job: Job) -> Rows:
    rows: Rows = []
    for task in chosen:
        paths, event = prophet_samples(task, job), event_of(task, job)
        found = curves(task, event, quantiles=np.quantile(paths, LEVELS, axis=1).T, paths=paths)
        rows += scored(name, task, "Prophet", found, event)
    return rows


def asked_tasks() -> pd.DataFrame:
    """Ask all contenders for all tasks; a row a task, limit, contender and rule."""
    where, rows = folder(), []
    for name, job in JOBS.items():
        found = sorted(where.rglob(f"{job.file}.parquet"))
        if not found:
            print(f"{name}: no {job.file}.parquet below {where.name}/: it is left out", flush=True)
            continue
        started = time.perf_counter()
        groups = _thinned(groups_of(found[0], job))
        for group in groups:
            rows += ours(name, group, job) + naives(name, group, job)
        rows += prophets(name, sample(groups), job)
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    return pooled(pd.DataFrame(rows))


def _thinned(groups: Groups) -> Groups:
    names = set(sorted({task.name for group in groups for task in group})[::STRIDE])
    kept = [[task for task in group if task.name in names] for group in groups]
    return [group for group in kept if group]


def pooled(rows: pd.DataFrame) -> pd.DataFrame:
    """Make one set of those that have few rows."""
    count = rows[(rows["contender"] == "ours") & (rows["rule"] == "blend")].groupby("set").size()
    small = list(count.index[count < POOLED_ROWS])
    return rows.assign(set=rows["set"].where(~rows["set"].isin(small), " + ".join(small)))


OF: dict[str, Callable[[pd.DataFrame], float]] = {
    "brier": lambda part: scores.brier(part["claimed"].to_numpy(), part["came"].to_numpy()),
    "log loss": lambda part: scores.log_loss(part["claimed"].to_numpy(), part["came"].to_numpy()),
    "ECE": lambda part: scores.calibration_error(part["claimed"].to_numpy(), part["came"].to_numpy()),
    "date": lambda part: float(part["date"].mean()),
}


def by_set(rows: pd.DataFrame, contender: str, rule: str) -> pd.DataFrame:
    """Return the scores of one contender's rule, a row a set."""
    mine = rows[(rows["contender"] == contender) & (rows["rule"] == rule)]
    return pd.DataFrame(
        {name: {key: of(part) for key, part in mine.groupby("set")} for name, of in OF.items()}
        | {"rows": mine.groupby("set").size(), "claimed": mine.groupby("set")["claimed"].mean()}
        | {"came": mine.groupby("set")["came"].mean()}
    )


def on_tasks_of(rows: pd.DataFrame, contender: str) -> pd.DataFrame:
    """Return only the tasks that a contender was asked for."""
    keys = ["set", "id", "origin"]
    return rows.merge(rows.loc[rows["contender"] == contender, keys].drop_duplicates(), on=keys)


def compared(rows: pd.DataFrame) -> pd.DataFrame:
    """Return means over sets, a row a contender and rule; ``ours`` is the blend's Brier score on the same tasks."""
    found = {}
    for contender in rows["contender"].unique():
        same = on_tasks_of(rows, contender)
        mine = by_set(same, "ours", "blend")["brier"].mean()
        for rule in RULES:
            if ((same["contender"] == contender) & (same["rule"] == rule)).any():
                found[contender, rule] = {**by_set(same, contender, rule)[list(OF)].mean(), "ours": mine}
    return pd.DataFrame(found).T


def against_best_point(table: pd.DataFrame) -> float:
    point = table.xs("point", level=1)
    return float((point["ours"] / point["brier"]).max())


def figures(
    rows: pd.DataFrame | None, fleets: pd.DataFrame | None, planted: pd.DataFrame | None
) -> dict[str, float | None]:
    found: dict[str, float | None] = dict.fromkeys(
        ("brier", "brier_vs_best_point", "ece_max", "log_loss", "date_brier", "simulated_brier_minus_oracle")
    )
    if rows is not None:
        mine = by_set(rows, "ours", "blend")
        found |= {"brier": mine["brier"].mean(), "log_loss": mine["log loss"].mean(), "date_brier": mine["date"].mean()}
        found["ece_max"] = mine.loc[mine["rows"] >= POOLED_ROWS, "ECE"].max()
        found["brier_vs_best_point"] = against_best_point(compared(rows))
    if fleets is not None:
        for name, ladder in (("simulated_brier_minus_oracle", "seen"), ("simulated_even_minus_oracle", "even")):
            part = fleets[fleets["ladder"] == ladder]
            found[name] = brier(part["claimed"], part["oracle"]) - brier(part["oracle"], part["oracle"])
    if planted is not None:
        found["demo_verdicts_min"] = planted.groupby("kind")["just"].mean().min()
        found["demo_dates_held"] = planted.loc[planted["dated"], "held"].mean()
    return {
        key: None if value is None or not np.isfinite(value) else round(float(value), 4) for key, value in found.items()
    }


def main() -> None:
    what = os.environ.get("PART", "tasks simulated demo").split()
    rows = asked_tasks() if "tasks" in what else None
    fleets = simulated() if "simulated" in what else None
    planted = fates(SEEDS) if "demo" in what else None
    with pd.option_context("display.width", 220, "display.max_columns", 30):
        if rows is not None:
            blind = rows.loc[(rows["contender"] == "ours") & (rows["rule"] == "blend"), "blind"]
            print("means over sets; ours: the Brier score of our blend on the same tasks")
            print(compared(rows).round(3).to_string())
            print(f"\nours, by set; {int(blind.sum())} of {len(blind)} rows could not be judged and count as one half")
            print(by_set(rows, "ours", "blend").round(3).to_string())
        if fleets is not None:
            print("\nsimulated fleets: mean squared distance of our claim from the oracle's")
            apart = fleets.assign(apart=(fleets["claimed"] - fleets["oracle"]) ** 2)
            print(apart.pivot_table(index="kind", columns="ladder", values="apart").round(4).to_string())
        if planted is not None:
            print(f"\nthe demo, seeds {SEEDS[0]} to {SEEDS[-1]}: deserved verdicts and dates that held, by fate")
            print(planted.groupby("kind")[["just", "held"]].mean().round(2).T.to_string())
    print(json.dumps(figures(rows, fleets, planted)))


if __name__ == "__main__":
    main()
