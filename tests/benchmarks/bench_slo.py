"""Service level objectives on simulated services whose truth is known: knees and budgets.

    make bench-slo            # at most 15 minutes on two cores
    FULL=1 make bench-slo     # every seed at every cutoff

Knees: for seeds 0 to 199 the date of the latency breach is foretold from 90 days of load and latency; it counts as held
where the simulated continuation breaks within P10 to P90 (a date past the horizon is "not within the horizon", and held
by an interval that is open there). Some of the services stand so far below their knee that nothing of it can be seen
yet: they count like all others. Then the same services are asked at cutoffs before their breach: how early does a
chance of at least one half within 90 days appear and stay, against two trends of the latency itself, this product's own
outlook on it and a straight line through its daily maxima.

Budgets: a month's budget at four days of the month, against constant burn (spent so far, and for the rest the burn of
the last 6 h, 1, 3 or 7 days, or of the month so far); the Brier score of "exhausted before the month ends", against the
best of the five.

The last line is one JSON object.
"""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from capacity import forecast, outlook, slo
from capacity.catalog import Objective
from capacity.simulate import erring, saturating

FULL = os.environ.get("FULL") == "1"
DAY, HOUR = pd.Timedelta(days=1), pd.Timedelta(hours=1)
HORIZON = 90 * DAY
SEEDS = range(200)
EARLY = SEEDS if FULL else range(50)
BEFORE = (70, 56, 42, 28, 14, 7) if FULL else (56, 42, 28, 14)
BUDGETS = SEEDS if FULL else range(120)
DAYS_OF_MONTH = (6, 13, 20, 26)
BURNS = (6, 24, 72, 168)
SO_FAR = "constant, so far"
WORKERS = 2


def held(seed: int) -> dict[str, Any]:
    """Foretell one service's breach, and hold the truth against it."""
    service = saturating(seed)
    seen = service.load.loc[: service.as_of], service.latency.loc[: service.as_of]
    row = slo.saturate(*seen, target=service.target, horizon=HORIZON).table.iloc[0]
    within = not pd.isna(service.breach) and service.breach <= service.as_of + HORIZON
    late = not pd.isna(row["breach_p90"]) and (not within or service.breach > row["breach_p90"])
    early = within and (pd.isna(row["breach_p10"]) or service.breach < row["breach_p10"])
    return {
        "seed": seed, "within": within, "early": early, "late": late, "inside": not (early or late),
        "probability": row["probability"], "seen": row["seen"], "family": row["family"],
        "usable": bool(row["usable_p10"] <= service.usable <= row["usable_p90"]),
    }  # fmt: skip


def lead(seed: int) -> dict[str, Any] | None:
    """Return how many days before its breach each way finds it, at the cutoffs asked for; None: it has no breach."""
    service = saturating(seed)
    if pd.isna(service.breach):
        return None
    found: dict[str, float] = {"seed": seed, "knee": 0.0, "outlook": 0.0, "line": 0.0}
    alive = {"knee", "outlook", "line"}
    for before in sorted(BEFORE):  # from the breach backwards: what was found has to have stayed found
        at = service.breach - before * DAY
        load, latency = service.load.loc[:at], service.latency.loc[:at]
        if at - service.load.index[0] < 40 * DAY:
            break
        chances = {
            "knee": slo.saturate(load, latency, target=service.target, horizon=HORIZON).curve.iloc[:, 0],
            "outlook": outlook(forecast(latency, horizon=HORIZON), limit=service.target).curve.iloc[:, 0],
            "line": line(latency, service.target),
        }
        for name in list(alive):
            if chances[name].max() >= 0.5:
                found[name] = before
            else:
                alive.discard(name)
    return found


def line(latency: pd.DataFrame, target: float) -> pd.Series:
    """Return 1 from where a straight line through four weeks of daily maxima is past the target, as alerts draw it."""
    daily = latency.iloc[:, 0].groupby(pd.DatetimeIndex(latency.index).ceil("D")).max().iloc[-28:]
    slope, start = np.polyfit(np.arange(len(daily)), daily.to_numpy(), 1)
    ahead = start + slope * (len(daily) - 1 + np.arange(1, HORIZON // DAY + 1))
    return pd.Series((ahead > target).astype(float))


def alarm(seed: int) -> dict[str, Any] | None:
    """Return which ways claim a breach within 90 days of a service that has none; None: it has one."""
    service = saturating(seed)
    if not pd.isna(service.breach) and service.breach <= service.as_of + HORIZON:
        return None
    load, latency = service.load.loc[: service.as_of], service.latency.loc[: service.as_of]
    return {
        "knee": slo.saturate(load, latency, target=service.target, horizon=HORIZON).curve.iloc[:, 0].max() >= 0.5,
        "outlook": outlook(forecast(latency, horizon=HORIZON), limit=service.target).curve.iloc[:, 0].max() >= 0.5,
        "line": line(latency, service.target).max() >= 0.5,
    }


def budgets(seed: int) -> list[dict[str, Any]]:
    """Return what is claimed of a month's budget on four days of it, and what became of it."""
    service = erring(seed)
    objective = Objective(
        "errors", "Errors", "ratio", "errors", "ratio", service.objective, ">", service.objective, 30 * DAY,
        bad="bad", total="total", slice=HOUR, calendar="month",
    )  # fmt: skip
    measured = slo.sli(objective, {"bad": service.bad, "total": service.total})
    total, bad = service.total.iloc[:, 0], service.bad.iloc[:, 0]
    rows = []
    for day in DAYS_OF_MONTH:
        at = service.as_of + day * DAY
        window = slo.span(objective, at)
        inside = (total.index > window.start) & (total.index <= window.end)
        allowed = objective.budget * total[inside].sum()
        if bad[inside & (total.index <= at)].sum() > allowed:
            continue  # it is spent: there is nothing to foretell
        made = slo.exhaustion(measured, as_of=at, seed=seed).table.iloc[0]
        row = {"seed": seed, "day": day, "ours": made["probability"], "came": bool(bad[inside].sum() > allowed)}
        elapsed = (at - window.start) / window.length
        spent = slo.budget(measured, as_of=at).table["spent"].iloc[0]
        for hours in BURNS:
            recent = (total.index > at - hours * HOUR) & (total.index <= at)
            rate = bad[recent].sum() / total[recent].sum() / objective.budget
            row[f"constant {hours} h"] = float(spent + rate * (1 - elapsed) > 1)
        row[SO_FAR] = float(spent / elapsed > 1)
        rows.append(row)
    return rows


def main() -> None:
    began = time.time()
    with ProcessPoolExecutor(WORKERS) as pool:
        dates = pd.DataFrame(pool.map(held, SEEDS, chunksize=5))
        leads = pd.DataFrame([one for one in pool.map(lead, EARLY, chunksize=2) if one is not None])
        alarms = pd.DataFrame([one for one in pool.map(alarm, EARLY, chunksize=2) if one is not None])
        spent = pd.DataFrame([row for rows in pool.map(budgets, BUDGETS, chunksize=4) for row in rows])
    coverage = float(dates["inside"].mean())
    shown = dates["seen"].to_numpy(dtype=bool)
    apart = [f"{dates['inside'][part].mean():.0%} of {part.sum()}" for part in (shown, ~shown)]
    print(f"knees, {len(dates)} services, {dates['within'].mean():.0%} break within 90 days")
    print(
        f"  P10 to P90 of the date held the truth in {coverage:.0%}; it came before P10 in {dates['early'].mean():.0%},"
    )
    print(f"  after P90 in {dates['late'].mean():.0%}; with the knee in sight {apart[0]}, without {apart[1]}")
    print(f"  P10 to P90 of the usable load held the truth in {dates['usable'].mean():.0%}")
    asked = ", ".join(map(str, BEFORE))
    print(f"\nfound how many days before the breach (mean of {len(leads)}, asked {asked} days before it)")
    print(leads[["knee", "outlook", "line"]].agg(["mean", "median"]).round(1).to_string())
    if len(alarms):
        told = ", ".join(f"{name} {share:.0%}" for name, share in alarms.mean().items())
        print(f"claimed of {len(alarms)} services that do not break: {told}")
    ways = ["ours", *(f"constant {hours} h" for hours in BURNS), SO_FAR]
    brier = {way: float(((spent[way] - spent["came"]) ** 2).mean()) for way in ways}
    best = min(brier[way] for way in ways[1:])
    print(f"\nbudgets, {len(spent)} claims, {spent['came'].mean():.0%} exhausted: Brier")
    print(
        spent.groupby("day")
        .apply(lambda part: pd.Series({way: ((part[way] - part["came"]) ** 2).mean() for way in ways}))
        .round(3)
        .to_string()
    )
    print(f"all: {', '.join(f'{way} {score:.4f}' for way, score in brier.items())}; a coin 0.25")
    print(f"ours ÷ the best constant burn: {brier['ours'] / best:.3f}; {time.time() - began:.0f} s")
    earlier = min(float((leads["knee"] - leads[trend]).mean()) for trend in ("outlook", "line"))
    figures = {
        "knee_interval_coverage": round(coverage, 3),
        "knee_days_earlier_than_trend": round(earlier, 1),
        "budget_brier_vs_constant_burn": round(brier["ours"] / best, 3),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
