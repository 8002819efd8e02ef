"""A plan with a driver: what a unit of business costs stands beside the growth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from capacity.catalog import Catalog, Resource
from capacity.frames import Pull, wide
from capacity.plan import plan

TIMES = pd.date_range(end="2026-11-01T00:00Z", periods=240, freq="6h", unit="us")
QUEUE = Resource(
    name="queue", title="Queue", query="depth", unit="count", kind="queue", owner="orders", limit=1000.0,
    lead_time=pd.Timedelta(7, "D"), step=pd.Timedelta(6, "h"), driver="orders",
)  # fmt: skip


def test_the_unit_cost_stands_beside_the_growth() -> None:
    """Two regions share one driver of 10 orders; each order costs 3 and 5, and does so all along."""
    labels = [{"region": "eu"}, {"region": "us"}]
    noise = 1 + 0.01 * np.random.default_rng(0).standard_normal((240, 2))
    pulled = Pull(
        demand={"queue": wide(np.array([30.0, 50.0]) * noise, times=TIMES, series=labels, metric="queue")},
        limits={},
        as_of=TIMES[-1],
        window=pd.Timedelta(60, "D"),
        catalog="test",
        drivers={"queue": wide(np.full((240, 1), 10.0), times=TIMES, series=[{}], metric="queue_driver")},
    )
    catalog = Catalog(name="test", title="Test", resources={"queue": QUEUE})
    made = plan(pulled, catalog, horizon="14d")
    assert np.allclose(made.unit_costs["queue"].table["unit_cost"], [3.0, 5.0], rtol=0.01)
    assert plan(replace(pulled, drivers={}), catalog, horizon="14d").unit_costs == {}
