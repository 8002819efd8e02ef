"""The raw series of a node: for each metric of the platform, the groups that draw it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from capacity.errors import ParameterError, did_you_mean
from capacity.simulate import counters, gauges
from capacity.simulate.platform import Node, Platform
from capacity.simulate.telemetry import Build, Group

__all__ = ["METRICS", "groups"]

METRICS: Mapping[str, Build] = dict(sorted({**gauges.BUILD, **counters.BUILD}.items()))
"""By metric: what gives its groups."""


def groups(platform: Platform, node: Node, metrics: Sequence[str] | None = None) -> list[Group]:
    """Return what draws a node's raw series, metric by metric; None: all of them.

    Raises
    ------
    ParameterError
        A metric is not one of the platform's.
    """
    wanted = list(METRICS) if metrics is None else list(metrics)
    for metric in wanted:
        if metric not in METRICS:
            raise ParameterError(
                f"{metric!r} is no metric of the simulated platform.{did_you_mean(metric, METRICS)}",
                hint=f"There are: {', '.join(METRICS)}.",
            )
    return [group for metric in wanted for group in METRICS[metric](metric, platform, node)]
