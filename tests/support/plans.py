"""A small plan made by the real parts, with a series for each verdict, and labels that would like to be markup."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from capacity import provenance
from capacity.catalog import Accepted, Catalog, Resource
from capacity.frames import Pull, Skipped, wide
from capacity.plan import Plan, plan

GIB = 2.0**30
AS_OF = pd.Timestamp("2026-11-01T00:00Z").as_unit("us")
DAY = pd.Timedelta(1, "D")
DAYS = 60
HOSTILE = '<img src=x onerror="globalThis.pwned=1">\'&amp;</script><script>globalThis.pwned=1</script>'
NODES = ("fills", "calm", "full", "nolimit", "new", HOSTILE)

DISK = Resource(
    name="disk", title="Disk space", query='used{job="<b>"}', unit="bytes", kind="disk", owner="storage",
    lead_time=7 * DAY, step=pd.Timedelta(6, "h"), limit_query="size", buffer=0.1, scales_by="adding volumes",
    accepted=(Accepted("disk", until=AS_OF + 30 * DAY, by="Ada", reason="it is replaced", where={"node": "full"}),),
)  # fmt: skip
FREE = replace(
    DISK, name="free", title="Free ports", unit="count", kind="ports", owner="network", query="ports_free",
    direction="below", limit_query=None, limit=100.0, buffer=0.0, aggregate="min", accepted=(),
)  # fmt: skip
CATALOG = Catalog(
    name="test",
    title="Test platform",
    timezones={"us": "America/New_York"},
    resources={"disk": DISK, "free": FREE, "cpu": replace(DISK, name="cpu", title="CPU", owner="compute")},
    sha256="0123456789abcdef" * 4,
)


def _frame(values: np.ndarray, labels: list[dict[str, str]], name: str, **stated: str) -> pd.DataFrame:
    times = pd.date_range(end=AS_OF, periods=len(values), freq="6h", unit="us")
    frame = wide(values, times=times, series=labels, metric=name)
    return provenance.attach(frame, name, step="6h", source="test:", start=str(times[0]), end=str(times[-1]), **stated)


def disks() -> pd.DataFrame:
    """Return six disks, in bytes: one fills up, one is calm, one is full, and three are not to be trusted."""
    rng = np.random.default_rng(0)
    t = np.arange(DAYS * 4) / 4
    flat = np.zeros_like(t)
    values = np.stack([600 + 4.5 * t, flat + 300, flat + 1100, flat + 300, flat + 300, flat + 200], axis=1)
    values = (values + rng.normal(0, 2, values.shape)) * GIB
    values[: (DAYS - 2) * 4, 4] = np.nan
    values[40:48, 1] = np.nan
    labels = [{"region": "us" if node == "full" else "eu", "node": node} for node in NODES]
    return _frame(values, labels, "disk", unit="bytes", query=DISK.query, aggregate="max")


def ports() -> pd.DataFrame:
    """Return the free ports of one region, which become fewer by 3 a day, down to 120 where 100 is the least."""
    t = np.arange(DAYS * 4) / 4
    values = 300 - 3 * t + np.random.default_rng(1).normal(0, 3, len(t))
    return _frame(values[:, None], [{"region": "us"}], "free", unit="count", query=FREE.query, aggregate="min")


def sizes() -> pd.DataFrame:
    """Return 1,000 GiB for every disk but the one without a limit."""
    times = pd.DatetimeIndex([AS_OF - DAY, AS_OF])
    labels = [{"node": node} for node in NODES if node != "nolimit"]
    return wide(np.full((2, len(labels)), 1000 * GIB), times=times, series=labels, metric="size")


@cache
def small_plan() -> Plan:
    """Return the plan over 30 days; made once in a process."""
    pulled = Pull(
        demand={"disk": disks(), "free": ports()},
        limits={"disk": sizes()},
        as_of=AS_OF,
        window=DAYS * DAY,
        catalog="test",
        skipped=(Skipped("cpu", "no data", "the query matched no series"),),
    )
    return plan(pulled, CATALOG, horizon="30d")


@cache
def empty_plan() -> Plan:
    """Return the plan of a pull that brought nothing."""
    pulled = Pull(demand={}, limits={}, as_of=AS_OF, window=DAYS * DAY, catalog="test")
    return plan(pulled, CATALOG, horizon="30d")
