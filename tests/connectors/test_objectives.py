"""What objectives are judged by, from the demo and from a real server: the same events, the same quantiles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from capacity import load_catalog, slo
from capacity.catalog import Catalog
from capacity.errors import NoData, ParameterError
from capacity.measured import questions
from connectors import connect
from connectors.demo import write_demo
from tests.support.servers import VictoriaMetrics

DWCP = load_catalog("dwcp")
END = pd.Timestamp("2026-10-20T00:00Z")
WRITTEN = ("consensus_latency_p95", "consensus_timeouts", "migration_success", "packet_loss")
METRICS = (
    "dwcp_consensus_latency_seconds", "dwcp_consensus_rounds_total", "dwcp_consensus_timeouts_total",
    "dwcp_migration_success_total", "dwcp_migration_failures_total", "dwcp_amst_packet_loss_ratio",
)  # fmt: skip


def test_each_objective_asks_what_it_needs() -> None:
    """A ratio for its counters, a quantile for its buckets, a gauge for its mean; by the labels judged apart."""
    asked = {one.role: one for one in questions(DWCP.objectives["consensus_latency_p95"], DWCP)}
    assert asked["buckets"].query == "sum by (region, le) (increase(dwcp_consensus_latency_seconds_bucket[5m]))"
    assert asked["parts:buckets"].query == (
        "sum by (region, node, le) (increase(dwcp_consensus_latency_seconds_bucket[1d]))"
    )
    assert asked["load"].optional
    gauge = questions(DWCP.objectives["packet_loss"], DWCP)
    assert [(one.role, one.aggregate) for one in gauge] == [("value", "mean")]


def test_the_demo_answers_every_objective() -> None:
    """All eleven, by region, in slices of their own, up to the date that is asked for."""
    with connect("demo:") as source:
        found = source.measure("dwcp", window="2d", as_of="2026-10-20")
    assert set(found.frames) == set(DWCP.objectives)
    assert found.skipped == ()
    assert found.as_of == END
    for name, roles in found.frames.items():
        for role, frame in roles.items():
            if not role.startswith("parts:"):
                assert len(frame) == pd.Timedelta(days=2) / DWCP.objectives[name].slice


def test_objectives_are_chosen_by_name() -> None:
    """Names with commas between; one that is not there is refused with the nearest that is."""
    with connect("demo:") as source:
        assert list(source.measure("dwcp", "packet_loss", window="1d").frames) == ["packet_loss"]
        with pytest.raises(ParameterError, match="Did you mean 'packet_loss'"):
            source.measure("dwcp", "paket_loss", window="1d")
        with pytest.raises(ParameterError, match="no objectives"):
            source.measure(Catalog("bare", "Bare"), window="1d")


def test_without_any_data_it_says_so(fresh_victoriametrics: VictoriaMetrics) -> None:
    """A server that holds none of it is an error that names the source, not an empty answer."""
    with connect(fresh_victoriametrics.url) as source, pytest.raises(NoData, match="no data for any objective"):
        source.measure("dwcp", window="1d")


def test_the_server_and_the_demo_agree(fresh_victoriametrics: VictoriaMetrics, tmp_path: Path) -> None:
    """Of raw samples the server makes the events and quantiles that the demo draws; kept, they are had again."""
    with connect(fresh_victoriametrics.url) as target:
        write_demo(target, END - pd.Timedelta(days=2), END, regions=["eu-west"], metrics=METRICS)
        fresh_victoriametrics.flush()
        asked = {"objectives": WRITTEN, "window": "1d", "as_of": END}
        live = target.measure("dwcp", **asked)
    with connect("demo:") as source:
        drawn = source.measure("dwcp", **asked)
    with connect(fresh_victoriametrics.url, cache=tmp_path / "kept") as cached:
        cached.measure("dwcp", **asked)
    with connect(f"snapshot:{tmp_path / 'kept'}") as kept:
        again = kept.measure("dwcp", **asked)
    for name in WRITTEN:
        one, two, three = (slo.sli(DWCP.objectives[name], each.frames[name]) for each in (live, drawn, again))
        for what in ("value", "total", "bad"):
            ours = getattr(two, what).xs("eu-west", level="region", axis=1).to_numpy()
            theirs = getattr(one, what).xs("eu-west", level="region", axis=1).to_numpy()
            assert np.isfinite(theirs).mean() > 0.9
            np.testing.assert_allclose(theirs, ours, rtol=2e-3, err_msg=f"{name} {what}")
            pd.testing.assert_frame_equal(getattr(one, what), getattr(three, what))
