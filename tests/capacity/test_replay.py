"""Replays of a block of series are those of each series by itself, worked out stretch by stretch."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from capacity.passage import rolling
from capacity.replay import ALIKE, STARTS, WINDOWS, replay

HOUR = pd.Timedelta(1, "h")
ROWS, SERIES, HORIZON = 700, 14, 300


def one_by_one(
    values: np.ndarray, usable: np.ndarray, *, jump: int, step: pd.Timedelta, window: int, aggregate: str, below: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return share and windows of one series, a stretch at a time."""
    share, windows = np.zeros(len(usable)), np.zeros(len(usable))
    seen = np.flatnonzero(np.isfinite(values))
    if not len(seen):
        return share, windows
    whole = pd.Series(values[seen[0] :]).ffill()
    rows, jump = len(whole), max(0, jump - seen[0])
    lead = max(7, -(-pd.Timedelta(days=1) // step), window - 1)
    back = max(lead, pd.Timedelta(days=7) // step)
    level = whole.rolling(back, min_periods=lead).median().to_numpy()
    spread = 1.4826 * (whole - level).abs().median()

    def climbed(row: int) -> float:
        return float(np.nan_to_num(level[row] - level[max(row - back, 0)]))

    starts = np.unique(np.linspace(lead, rows - 1, STARTS).astype(int)) if rows > lead else []
    stretches = []
    for start in (start for start in starts if not jump or start < jump or start >= jump + lead):
        known = (jump if start < jump else rows) - start
        alike = not spread > 0 or abs(climbed(start - 1) - climbed(rows - 1)) <= ALIKE * spread
        stretches.append((start, known, alike))
    used = [(start, known) for start, known, alike in stretches if alike]
    reach = min(len(usable), max((known for _, known in used), default=0), (rows - lead) // WINDOWS)
    if reach < 1:
        return share, windows
    met_at = []
    for start, known in used:
        moved = whole.to_numpy()[start + 1 - window :] - (level[start - 1] - level[-1])
        seen_so = rolling(moved[None, :, None], window, aggregate)[0, :known, 0] if known else np.empty(0)
        room = usable[: len(seen_so)]
        met = np.flatnonzero(seen_so[: len(room)] < room if below else seen_so[: len(room)] > room)
        met_at.append(met[0] if len(met) else len(usable))
    for ahead in range(reach):
        still = [first <= ahead for (_, known), first in zip(used, met_at, strict=True) if min(known, reach) > ahead]
        share[ahead] = np.mean(still)
        windows[ahead] = len(used) / len(stretches) * (rows - lead) / (ahead + 1)
    return np.maximum.accumulate(share), windows


def histories(random: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return walks with bursts, one of them flat, gappy, late, empty or short each; and where their levels jump."""
    walk = np.cumsum(random.standard_normal((rows, SERIES)), axis=0) * random.uniform(0, 0.3, SERIES)
    values = walk + 3 * np.sin(2 * np.pi * np.arange(rows) / 24)[:, None] + random.standard_normal((rows, SERIES))
    values += 25 * (random.random(values.shape) < 0.004)
    values[random.random(values.shape) < 0.05] = np.nan
    values[: rows // 3, 1] = np.nan
    values[: rows - 20, 2] = np.nan
    values[:, 3] = np.nan
    values[:, 4] = 5.0
    values[:3, 5] = np.nan
    jumps = np.zeros(SERIES, dtype=np.intp)
    for column, share in ((1, 0.5), (5, 0.3), (6, 0.6), (7, 0.97), (8, 0.01)):
        jumps[column] = int(share * rows)
        values[jumps[column] :, column] += 20
    return values, jumps


@pytest.mark.parametrize("rows", [ROWS, 90, 24, 8, 1])
@pytest.mark.parametrize("direction", ["above", "below"])
@pytest.mark.parametrize(("window", "aggregate"), [(1, "mean"), (6, "mean"), (5, "max"), (4, "p90"), (30, "min")])
def test_a_block_says_what_each_series_says(rows: int, direction: str, window: int, aggregate: str) -> None:
    """With gaps, jumps, late starts and limits that change over the horizon, both ways."""
    random = np.random.default_rng(rows + window)
    values, jumps = histories(random, rows)
    last = pd.DataFrame(values).ffill().iloc[-1].fillna(0).to_numpy()
    room = last + (1 if direction == "above" else -1) * random.uniform(-2, 25, SERIES)
    for usable in (
        np.repeat(room[None], HORIZON, axis=0),
        room + np.cumsum(random.standard_normal((HORIZON, 1)) * 0.3, axis=0),
    ):
        share, windows = replay(
            values, usable, jumps=jumps, step=HOUR, window=window, aggregate=aggregate, direction=direction
        )
        for column in range(SERIES):
            how = {"jump": int(jumps[column]), "step": HOUR, "window": window, "aggregate": aggregate}
            expected = one_by_one(values[:, column], usable[:, column], below=direction == "below", **how)
            np.testing.assert_allclose(share[:, column], expected[0], rtol=0, atol=1e-12, err_msg=f"share {column}")
            np.testing.assert_allclose(windows[:, column], expected[1], rtol=1e-12, err_msg=f"windows {column}")
        if rows == ROWS and direction == "above":
            assert 0 < share[-1].mean() < 1


def test_neighbours_change_nothing() -> None:
    """A series says the same in a block and alone: late, gappy or empty neighbours are no matter."""
    values, jumps = histories(np.random.default_rng(5), ROWS)
    usable = np.full((HORIZON, SERIES), 10.0)
    how = {"step": HOUR, "window": 3, "aggregate": "mean", "direction": "above"}
    share, windows = replay(values, usable, jumps=jumps, **how)
    for column in range(SERIES):
        one = slice(column, column + 1)
        alone = replay(values[:, one], usable[:, one], jumps=jumps[one], **how)
        assert (alone[0][:, 0] == share[:, column]).all()
        assert (alone[1][:, 0] == windows[:, column]).all()
